"""One hedged sentence about the loss curves: what they may mean, never more than they can.

Each rule looks at the losses and returns a sentence or nothing; the first that speaks is heard.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cutedl.report.columns import Column

__all__ = ["Course", "reading"]

_FEW = 3  # below so many epochs there is no trend
_NOTICEABLE = 0.05  # of the whole fall: what is less may be noise


class Course(NamedTuple):
    """The losses of a run: finite values only; epochs, from 1, at which validation was measured.

    diverged: training loss has been finite, and is so no more.
    """

    training: Column
    validation: Column
    epochs: Column
    diverged: bool
    restored: bool  # the weights of the best epoch were put back


def reading(training: Column, validation: Column, restored: bool = False) -> str:
    """Return one sentence about training and validation loss, one number per epoch, NaN where not measured.

    >>> reading(np.array([0.9, 0.5, 0.3, 0.2, 0.1]), np.array([0.8, 0.6, 0.65, 0.7, 0.8]))
    'Validation loss has risen since epoch 2 while training loss fell: likely overfitting; ...
    """
    measured = np.isfinite(validation)
    epochs, finite = np.flatnonzero(measured) + 1.0, np.isfinite(training)
    diverged = bool(finite.any() and not finite[-1])
    course = Course(training[finite], validation[measured], epochs, diverged, restored)
    return next(sentence for rule in _RULES if (sentence := rule(course)))


def no_longer_finite(course: Course) -> str:
    """Speak where training has diverged, whatever the epochs before say."""
    return "Training loss is no longer a finite number: the learning rate may be too large." if course.diverged else ""


def too_few_epochs(course: Course) -> str:
    """Speak where there is no trend to see."""
    if len(course.training) >= _FEW:
        return ""
    return "Too few epochs to read a trend."


def rising(course: Course) -> str:
    """Speak where training made things worse."""
    first, last = course.training[0], course.training[-1]
    if last - first <= _NOTICEABLE * abs(first):
        return ""
    return "Training loss ends above where it began: the learning rate may be too large."


def jumping(course: Course) -> str:
    """Speak where at least every fourth epoch makes training loss jump up by more than a tenth of its range."""
    steps = np.diff(course.training)
    if np.count_nonzero(steps > 0.1 * np.ptp(course.training)) < max(2, len(steps) / 4):
        return ""
    return "Training loss jumps up and down: the learning rate may be too large, or the batches too small."


def overfitting(course: Course) -> str:
    """Speak where validation loss rises after its best epoch while training loss goes on falling."""
    if len(course.validation) < _FEW:
        return ""
    best = int(course.validation.argmin())
    after, epoch = course.validation[best + 1 :], int(course.epochs[best])
    above = course.validation[best] + _NOTICEABLE * np.ptp(course.validation)
    falls = course.training[-1] < course.training[min(epoch, len(course.training)) - 1]
    if len(after) < 2 or after.mean() <= above or after[-1] <= above or not falls:
        return ""
    advice = "best weights restored." if course.restored else "stopping earlier, more data or regularisation may help."
    return f"Validation loss has risen since epoch {epoch:,} while training loss fell: likely overfitting; {advice}"


def hardly_falling(course: Course) -> str:
    """Speak where training changed next to nothing."""
    first = course.training[0]
    if first == 0 or first - course.training.min() > _NOTICEABLE * abs(first):
        return ""
    return "Training loss hardly falls: the learning rate may be too small, or the model too simple for the data."


def validation_below_training(course: Course) -> str:
    """Speak where validation loss ends clearly below training loss, which puzzles many."""
    if not len(course.validation) or course.validation[-1] >= course.training[-1] - _NOTICEABLE * np.ptp(
        course.training
    ):
        return ""
    return (
        "Validation loss lies below training loss: dropout, regularisation, or training loss being an average "
        "over the epoch, often explain this."
    )


def still_falling(course: Course) -> str:
    """Speak where the last third of the run still brought a part of the whole fall."""
    if not _falls(course.training):
        return ""
    if not len(course.validation):
        return "Training loss still falls: more epochs may help; only validation data can tell."
    if not _falls(course.validation):
        return ""
    return "Training and validation loss still fall: more epochs may help."


def levelled_off(course: Course) -> str:
    """Speak where nothing else does."""
    if not len(course.validation):
        return "Training loss has levelled off; how well the model does on new data, only validation data can tell."
    if _falls(course.training):
        return "Validation loss has levelled off while training loss still falls: more epochs may bring overfitting."
    return "The losses have levelled off: more of the same epochs may change little."


def _falls(losses: Column) -> bool:
    before = losses[-1 - max(1, len(losses) // 3)] if len(losses) > 1 else losses[-1]
    return bool(before - losses[-1] > _NOTICEABLE / 2 * np.ptp(losses))


_RULES: tuple[Callable[[Course], str], ...] = (
    no_longer_finite,
    too_few_epochs,
    rising,
    jumping,
    overfitting,
    hardly_falling,
    validation_below_training,
    still_falling,
    levelled_off,
)
