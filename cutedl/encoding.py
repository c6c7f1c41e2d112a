"""Encoding: a state as JSON and tensors, and back; every number comes back as the bits that it was."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from cutedl.errors import CheckpointCorruptError, CheckpointError

__all__ = ["AXES", "DTYPES", "decode", "encode", "parse", "short"]

Tensors = dict[str, NDArray[Any]]

# The closed set of what a tensor may hold, by its name in the container.
DTYPES = {
    "F16": "float16", "F32": "float32", "F64": "float64", "BOOL": "bool",
    "I8": "int8", "I16": "int16", "I32": "int32", "I64": "int64",
    "U8": "uint8", "U16": "uint16", "U32": "uint32", "U64": "uint64",
}  # fmt: skip
AXES = 8

# Lists of so many numbers are kept as tensors: a long history stays out of the JSON.
_LONG = 16
_LISTS: dict[str, tuple[type, str]] = {"floats": (float, "float64"), "ints": (int, "int64")}
_NUMBERS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def encode(value: Any, name: str, tensors: Tensors) -> Any:
    """Return what JSON keeps of a part of a state; its arrays are put into tensors, each under its path.

    Where a tensor stands, or a float that JSON does not have, JSON has {"$": kind}.
    Raises CheckpointError, naming the part, for what no state may hold.

    >>> tensors = {}
    >>> print(encode({"weights": {"w": np.zeros(2)}, "best": np.nan}, "", tensors), tensors)
    {'weights': {'w': {'$': 'tensor'}}, 'best': {'$': 'nan'}} {'weights/w': array([0., 0.])}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$": str(value)}
    if isinstance(value, np.ndarray):
        tensors[name] = _storable(value, name)
        return {"$": "tensor"}
    if isinstance(value, list):
        for kind, (of, dtype) in _LISTS.items():
            if len(value) >= _LONG and _are_all(value, of) and _fit(value):
                tensors[name] = np.array(value, dtype)
                return {"$": kind}
        return [encode(item, f"{name}/{place}", tensors) for place, item in enumerate(value)]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str) or key in ("", "$"):
                raise CheckpointError(f"{name or 'the state'} cannot be saved.", expected="names", received=repr(key))
        return {key: encode(item, _path(name, key), tensors) for key, item in value.items()}
    raise CheckpointError(
        f"{name or 'the state'} cannot be saved.",
        expected="None, bool, int, float, str, list, dict or array",
        received=type(value).__name__,
    )


def decode(value: Any, name: str, tensors: Tensors) -> Any:
    """Undo `encode`; takes out of tensors what it uses, so that what is left belongs to nothing.

    >>> decode({"w": {"$": "tensor"}, "best": {"$": "-inf"}}, "", {"w": np.ones(2)})
    {'w': array([1., 1.]), 'best': -inf}
    """
    if isinstance(value, list):
        return [decode(item, f"{name}/{place}", tensors) for place, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if "$" not in value:
        return {key: decode(item, _path(name, key), tensors) for key, item in value.items()}
    kind = value["$"] if len(value) == 1 else None
    if not isinstance(kind, str):
        kind = None
    if kind in _NUMBERS:
        return _NUMBERS[kind]
    array = tensors.pop(name, None)
    if array is not None and kind == "tensor":
        return array
    if array is not None and kind in _LISTS and array.ndim == 1 and array.dtype.name == _LISTS[kind][1]:
        return array.tolist()
    raise CheckpointCorruptError(f"{name} is no part of a state.", received=short(value))


def parse(name: str, text: str | bytes) -> Any:
    """Read JSON without what its readers disagree on: double keys, NaN, numbers beyond float64.

    >>> parse("header", '{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ...
    cutedl.errors.CheckpointCorruptError: the header is no JSON: a key occurs twice.
    """
    from json import loads

    try:
        return loads(
            text if isinstance(text, str) else text.decode(),
            object_pairs_hook=_unique,
            parse_constant=_refused,
            parse_float=_finite,
        )
    except (ValueError, RecursionError) as error:
        raise CheckpointCorruptError(f"the {name} is no JSON: {short(str(error))}.") from error


def short(value: object) -> str:
    """Return at most a line for a message about what may be anything.

    >>> short("a" * 1000), short([1] * 1000)
    ('aaa...aaa', 'a list')
    """
    if isinstance(value, list | dict):
        return f"a {type(value).__name__}"
    text = str(value)
    return text if len(text) <= 100 else f"{text[:48]}...{text[-48:]}"


def _path(name: str, key: str) -> str:
    """As in a JSON pointer, so that no two parts have the same name."""
    key = key.replace("~", "~0").replace("/", "~1")
    return f"{name}/{key}" if name else key


def _are_all(values: list[Any], of: type) -> bool:
    return all(type(value) is of for value in values)


def _fit(values: list[Any]) -> bool:
    return isinstance(values[0], float) or (min(values) >= -(1 << 63) and max(values) < 1 << 63)


def _storable(array: NDArray[Any], name: str) -> NDArray[Any]:
    """The array in one piece of memory, in this machine's byte order."""
    if array.dtype.name not in DTYPES.values() or array.ndim > AXES:
        raise CheckpointError(
            f"{name} cannot be saved.",
            expected=f"an array of numbers with at most {AXES} axes",
            received=f"{array.ndim} axes of {array.dtype}",
        )
    return np.array(array, array.dtype.newbyteorder("="), order="C", copy=None)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key occurs twice")
    return result


def _refused(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError("a number is too large")
    return value
