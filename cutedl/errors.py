"""What can go wrong, each error one sentence that helps: what, expected, received, hint.

    CutedlError
    ├── ShapeError (ValueError)              arrays that do not fit the model, the loss or each other
    ├── SampleError (ValueError)             samples of the right shape that a layer cannot take
    ├── LabelError (ValueError)              labels out of range, not integral, no distribution
    ├── ProbabilityError (ValueError)        predictions that are no probabilities where they should be
    ├── DataTypeError (ValueError, TypeError)  arrays that are not numbers
    ├── ArgumentError (ValueError)           a hyper-parameter outside its range
    ├── UnknownNameError (ValueError, KeyError)  a misspelt activation, event, history key, ...
    ├── NonFiniteError (ValueError, ArithmeticError)  NaN or infinity in data, loss or gradient
    ├── GradientError (ValueError)           an analytic gradient that differences do not confirm
    ├── MissingLibraryError (ImportError)    an optional library that is not installed; the hint installs it
    ├── ExportError (ValueError)             a model that cannot be exported, or whose export computes other outputs
    ├── NotBuiltError (RuntimeError)         memory asked for before the model was assembled
    ├── ReentrancyError (RuntimeError)       one Session asked to train twice at the same time
    ├── DistributedError (RuntimeError)      ranks that do not agree, or one of them that has failed
    ├── CheckpointError (ValueError)         saved state that cannot be read, used or written
    │   ├── CheckpointCorruptError           damaged, or not written by cutedl
    │   ├── CheckpointTruncatedError         shorter than its header says
    │   ├── CheckpointTooLargeError          more than a file of its size can hold, or than this version reads
    │   ├── CheckpointVersionError           written by a newer cutedl
    │   ├── CheckpointMismatchError          whole, but of another model, optimizer, ...
    │   ├── CheckpointReadError (OSError)    a file that is not there, or that may not or cannot be read
    │   └── CheckpointWriteError (OSError)   not saved; what was there before is untouched
    └── DatasetError (ValueError)
        ├── CorruptDataError                 a data file that is damaged or of another kind
        └── DataNotFoundError (OSError)      a data set that no folder and no mirror could give

    InputWarning (UserWarning)               input that can be used, but looks like a mistake
    ReportWarning (UserWarning)              a report that could not be drawn or written

This module stands below all others: it imports nothing of the package.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = [
    "ArgumentError",
    "CheckpointCorruptError",
    "CheckpointError",
    "CheckpointMismatchError",
    "CheckpointReadError",
    "CheckpointTooLargeError",
    "CheckpointTruncatedError",
    "CheckpointVersionError",
    "CheckpointWriteError",
    "CorruptDataError",
    "CutedlError",
    "DataNotFoundError",
    "DataTypeError",
    "DatasetError",
    "DistributedError",
    "ExportError",
    "GradientError",
    "InputWarning",
    "LabelError",
    "MissingLibraryError",
    "NonFiniteError",
    "NotBuiltError",
    "ProbabilityError",
    "ReentrancyError",
    "ReportWarning",
    "SampleError",
    "ShapeError",
    "UnknownNameError",
    "needed",
    "unknown_name",
]


class CutedlError(Exception):
    """Base of every error that cutedl raises on purpose.

    >>> print(CutedlError("batch_size cannot be 0.", expected="an int >= 1", received=0))
    batch_size cannot be 0. expected an int >= 1, received 0.
    """

    def __init__(self, what: str, *, expected: object = None, received: object = None, hint: str | None = None):
        super().__init__(what)
        self.what, self.expected, self.received, self.hint = what, expected, received, hint

    def __str__(self) -> str:
        comparison = [
            f"{word} {thing}"
            for word, thing in (("expected", self.expected), ("received", self.received))
            if thing is not None
        ]
        sentences = [self.what]
        if comparison:
            sentences.append(", ".join(comparison) + ".")
        if self.hint:
            sentences.append(f"hint: {self.hint}")
        return " ".join(sentences)


class ShapeError(CutedlError, ValueError):
    """Arrays that do not fit the model, the loss or each other."""


class SampleError(CutedlError, ValueError):
    """Samples of the right shape that a layer cannot take, such as an index out of range."""


class LabelError(CutedlError, ValueError):
    """Labels out of range, not integral, or no distribution."""


class ProbabilityError(CutedlError, ValueError):
    """Predictions that are no probabilities where they should be."""


class DataTypeError(CutedlError, ValueError, TypeError):
    """Arrays that are not numbers."""


class ArgumentError(CutedlError, ValueError):
    """A hyper-parameter outside its range."""


class UnknownNameError(CutedlError, ValueError, KeyError):
    """A name that nothing carries; the message suggests the nearest one."""


class NonFiniteError(CutedlError, ValueError, ArithmeticError):
    """NaN or infinity in data, loss or gradient."""


class GradientError(CutedlError, ValueError):
    """An analytic gradient that finite differences do not confirm."""


class MissingLibraryError(CutedlError, ImportError):
    """An optional library that is not installed; the hint says how to install it."""


class ExportError(CutedlError, ValueError):
    """A model that cannot be exported, or whose export computes other outputs."""


class NotBuiltError(CutedlError, RuntimeError):
    """Memory asked for before the model was assembled."""


class ReentrancyError(CutedlError, RuntimeError):
    """One Session asked to train twice at the same time."""


class DistributedError(CutedlError, RuntimeError):
    """Ranks that do not agree, or another rank that has failed."""


class CheckpointError(CutedlError, ValueError):
    """Base of what can go wrong with saved state; path: the file, None where a part is restored from memory.

    >>> print(CheckpointError("this file is damaged.", path="run.safetensors", expected=4, received=3))
    run.safetensors: this file is damaged. expected 4, received 3.
    """

    def __init__(self, what: str, *, path: object = None, **details: Any):
        super().__init__(what, **details)
        self.path = None if path is None else str(path)

    @property
    def found(self) -> object:
        """What the file holds instead of what was expected."""
        return self.received

    def __str__(self) -> str:
        return super().__str__() if self.path is None else f"{self.path}: {super().__str__()}"


class CheckpointCorruptError(CheckpointError):
    """Saved state that is damaged, or that cutedl did not write."""


class CheckpointTruncatedError(CheckpointError):
    """Saved state that is shorter than its header says."""


class CheckpointTooLargeError(CheckpointError):
    """Saved state that claims more than a file of its size can hold, or than this version reads."""


class CheckpointVersionError(CheckpointError):
    """Saved state of a newer cutedl."""


class CheckpointMismatchError(CheckpointError):
    """Saved state that is whole, but belongs to another model, optimizer or run."""


class CheckpointReadError(CheckpointError, OSError):
    """A file of saved state that is not there, or that may not or cannot be read."""


class CheckpointWriteError(CheckpointError, OSError):
    """State that could not be saved; what was there before is untouched. needed, free: bytes, None where unknown."""

    def __init__(self, what: str, *, needed: int | None = None, free: int | None = None, **details: Any):
        super().__init__(what, **details)
        self.needed, self.free = needed, free


class DatasetError(CutedlError, ValueError):
    """Base of what can go wrong with data files."""


class CorruptDataError(DatasetError):
    """A data file that is damaged or of another kind."""


class DataNotFoundError(DatasetError, OSError):
    """A data set that no folder and no mirror could give."""


class InputWarning(UserWarning):
    """Input that can be used, but looks like a mistake."""


class ReportWarning(UserWarning):
    """A report that could not be drawn or written: the run that it tells of is not lost by it."""


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UnknownNameError:
    """Return the error for a misspelt name, with the nearest known one as the hint.

    >>> print(unknown_name("activation", "rleu", ["relu", "tanh"]))
    no activation is named 'rleu'. expected one of: relu, tanh. hint: did you mean 'relu'?
    """
    from difflib import get_close_matches

    names = sorted(known)
    near = get_close_matches(str(name).lower(), names, n=1)
    return UnknownNameError(
        f"no {kind} is named {name!r}.",
        expected="one of: " + ", ".join(names),
        hint=f"did you mean {near[0]!r}?" if near else None,
    )


@contextmanager
def needed(library: str, purpose: str) -> Iterator[None]:
    """Turn the import error of a library that is not installed into a MissingLibraryError.

    >>> with needed("telepathy", "reading minds"):
    ...     import telepathy
    Traceback (most recent call last):
    ...
    cutedl.errors.MissingLibraryError: reading minds needs telepathy. hint: pip install telepathy
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != library:
            raise
        raise MissingLibraryError(f"{purpose} needs {library}.", hint=f"pip install {library}") from None
