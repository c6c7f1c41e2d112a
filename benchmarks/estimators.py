"""cutedl's estimators beside scikit-learn's own, on its bundled data: `python -m benchmarks.estimators`.

Same arguments, the defaults of both but for --max-iter; StandardScaler before them and, for the numbers of diabetes,
targets of mean 0 and deviation 1. Five folds, which both see in turn; a time is that of fit, the sum over the folds and
the smallest of the rounds. float64 is what scikit-learn's data is; float32 is X cast for both.

Exits with 1 where a score is lower than scikit-learn's by more than its standard error, or less than twice as fast.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.preprocessing import StandardScaler

from cutedl.sklearn import MLPClassifier, MLPRegressor

DATA = {"digits": load_digits, "breast cancer": load_breast_cancer, "wine": load_wine, "diabetes": load_diabetes}
Arrays = tuple[NDArray[Any], NDArray[Any]]


def prepared(name: str, dtype: str) -> tuple[Arrays, list[Arrays]]:
    """Return the data and its five folds."""
    x, y = DATA[name](return_X_y=True)
    if name == "diabetes":
        return (x.astype(dtype), (y - y.mean()) / y.std()), list(KFold(5).split(x))
    return (x.astype(dtype), y), list(StratifiedKFold(5).split(x, y))


def fold(estimator: Any, data: Arrays, rows: Arrays) -> tuple[float, float]:
    """Return the score on a fold, and the seconds of fit."""
    (x, y), (train, test) = data, rows
    scaler = StandardScaler().fit(x[train])
    inside, outside = scaler.transform(x[train]), scaler.transform(x[test])
    started = perf_counter()
    estimator.fit(inside, y[train])
    return estimator.score(outside, y[test]), perf_counter() - started


def row(name: str, dtype: str, max_iter: int, rounds: int) -> bool:
    """Measure and print one line; return whether it holds."""
    kinds = (TheirRegressor, MLPRegressor) if name == "diabetes" else (TheirClassifier, MLPClassifier)
    data, folds = prepared(name, dtype)
    scores, seconds = np.zeros((2, 5)), np.full((2, 5), np.inf)
    for _ in range(rounds):
        for i, rows in enumerate(folds):
            for side, kind in enumerate(kinds):
                scores[side, i], spent = fold(kind(max_iter=max_iter, random_state=0), data, rows)
                seconds[side, i] = min(seconds[side, i], spent)
    (theirs, ours), (their_time, our_time) = scores.mean(axis=1), seconds.sum(axis=1)
    error = scores[0].std(ddof=1) / np.sqrt(5)
    ratio = their_time / our_time
    print(
        f"{name:<14}{dtype:<9}{theirs:>9.4f} ±{error:.4f}{ours:>9.4f}{their_time:>10.3f}{our_time:>9.3f}{ratio:>8.2f}x"
    )
    return bool(ours >= theirs - error and ratio >= 2)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--max-iter", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"{'':<23}{'score':>17}{'':>9}{'seconds, 5 fits':>19}")
    print(f"{'data':<14}{'X':<9}{'scikit-learn':>17}{'cutedl':>9}{'theirs':>10}{'ours':>9}{'faster':>9}")
    held = [row(name, dtype, arguments.max_iter, arguments.rounds) for dtype in ("float64", "float32") for name in DATA]
    sys.exit(not all(held))


if __name__ == "__main__":
    main()
