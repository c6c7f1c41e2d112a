"""cutedl's networks as scikit-learn estimators. Needs scikit-learn: pip install 'cutedl[sklearn]'."""

from cutedl.sklearn.classifier import MLPClassifier
from cutedl.sklearn.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
