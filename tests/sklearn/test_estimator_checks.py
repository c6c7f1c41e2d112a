"""scikit-learn's own checks of an estimator: all of them, none expected to fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from cutedl.sklearn import MLPClassifier, MLPRegressor

# Checks of seconds, not of minutes: what they look at is the same with fewer epochs.
ESTIMATORS = [MLPClassifier(max_iter=100), MLPRegressor(max_iter=100)]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)
