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
    ├── NotBuiltError (RuntimeError)         memory asked for before the model was assembled
    ├── ReentrancyError (RuntimeError)       one Session asked to train twice at the same time
    └── DatasetError (ValueError)
        ├── CorruptDataError                 a data file that is damaged or of another kind
        └── DataNotFoundError (OSError)      a data set that no folder and no mirror could give

    InputWarning (UserWarning)               input that can be used, but looks like a mistake

This module stands below all others: it imports nothing of the package.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "ArgumentError",
    "CorruptDataError",
    "CutedlError",
    "DataNotFoundError",
    "DataTypeError",
    "DatasetError",
    "GradientError",
    "InputWarning",
    "LabelError",
    "NonFiniteError",
    "NotBuiltError",
    "ProbabilityError",
    "ReentrancyError",
    "SampleError",
    "ShapeError",
    "UnknownNameError",
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


class NotBuiltError(CutedlError, RuntimeError):
    """Memory asked for before the model was assembled."""


class ReentrancyError(CutedlError, RuntimeError):
    """One Session asked to train twice at the same time."""


class DatasetError(CutedlError, ValueError):
    """Base of what can go wrong with data files."""


class CorruptDataError(DatasetError):
    """A data file that is damaged or of another kind."""


class DataNotFoundError(DatasetError, OSError):
    """A data set that no folder and no mirror could give."""


class InputWarning(UserWarning):
    """Input that can be used, but looks like a mistake."""


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
