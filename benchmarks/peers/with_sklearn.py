"""scikit-learn: MLPClassifier, one partial_fit per epoch, without its penalty.

fit with warm_start would forget Adam's moments at every epoch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from benchmarks.data import Data
from benchmarks.peers.base import Peer
from benchmarks.works import Work

__all__ = ["Classifier"]


class Classifier(Peer):
    """The classifier in float32; its outputs are probabilities."""

    def __init__(self, work: Work, data: Data, threads: int) -> None:
        self.model = MLPClassifier(
            hidden_layer_sizes=work.sizes[1:-1],
            activation="relu",
            solver=work.optimizer,
            alpha=0.0,
            batch_size=work.batch,
            learning_rate="constant",
            learning_rate_init=work.learning_rate,
            momentum=0.0,
            nesterovs_momentum=False,
            shuffle=True,
            random_state=0,
        )
        self.x, self.y = data.x, data.y.reshape(-1).astype(np.int64)
        self.classes = np.arange(max(2, work.sizes[-1]))
        if work.predict:
            self.model.partial_fit(self.x[: work.batch], self.y[: work.batch], classes=self.classes)

    def epoch(self) -> None:
        self.model.partial_fit(self.x, self.y, classes=self.classes)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        return self.model.predict_proba(x)

    def logits(self, x: NDArray[Any]) -> NDArray[Any]:
        """log p, which differs from the logits by a constant per row; of two classes, the difference."""
        p = self.predict(x).astype(np.float64)
        logp = np.log(np.maximum(p, np.finfo(np.float32).tiny))
        return logp[:, 1:] - logp[:, :1] if len(self.classes) == 2 else logp

    def facts(self) -> dict[str, str]:
        return {"scikit-learn": sklearn.__version__, "numpy": np.__version__}
