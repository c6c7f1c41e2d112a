"""Registry: the closed set of classes that a saved description may name, and how an object is described by one.

A description is made of None, numbers, text, arrays, lists, and these dicts:

    {"class": "nn.Dense", "arguments": {name: description}}   an object: its class called with these arguments
    {"function": "initializers.zeros"}                         a function
    {"mapping": {key: description}}                            a dict

Nothing is imported by name: what is not in this set, or given by the user, does not exist.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import FunctionType, MappingProxyType, ModuleType
from typing import Any

import numpy as np

from cutedl import initializers, losses, metrics, nn, optimizers
from cutedl.errors import CheckpointCorruptError, CheckpointError, CheckpointMismatchError
from cutedl.losses import Loss, Sampler
from cutedl.metrics import Metric
from cutedl.nn import Layer, constraints, regularizers
from cutedl.nn.constraints import Constraint
from cutedl.nn.regularizers import Regularizer
from cutedl.optimizers import Optimizer, schedules
from cutedl.optimizers.schedules import Schedule

__all__ = ["build", "describe", "registered"]

_MISSING = object()
_KINDS = (Layer, Loss, Sampler, Optimizer, Schedule, Regularizer, Constraint, Metric)
_MODULES: tuple[ModuleType, ...] = (
    nn, constraints, regularizers, losses, optimizers, schedules, initializers, metrics
)  # fmt: skip


@cache
def registered() -> Mapping[str, Any]:
    """Return the classes and functions that a file may name, by name; worked out when first asked for.

    >>> registered()["nn.Dropout"]
    <class 'cutedl.nn.dropout.Dropout'>
    """
    found: dict[str, Any] = {}
    for module in _MODULES:
        for name in module.__all__:
            thing = getattr(module, name)
            if isinstance(thing, type):
                usable = issubclass(thing, _KINDS) or module is initializers
                usable = usable and not inspect.isabstract(thing) and thing not in _KINDS
            else:
                usable = module is initializers and isinstance(thing, FunctionType) and name != "get"
            if usable:
                found[f"{module.__name__.rpartition('.')[2]}.{name}"] = thing
    return MappingProxyType(found)


@cache
def _names() -> Mapping[int, str]:
    """The name of each class and function, by id; of two names the first."""
    return {id(thing): name for name, thing in reversed([*registered().items()])}


def describe(value: Any) -> Any:
    """Return the description of an object: its class, and the constructor arguments as its attributes keep them.

    A class of the user's own is described as "custom.<its name>"; it keeps every argument as the attribute of that
    name, or has a method arguments() -> dict. So is a function that has a name and needs nothing around it.
    Raises CheckpointError for what cannot be described.

    >>> describe(nn.Dropout(0.5))
    {'class': 'nn.Dropout', 'arguments': {'rate': 0.5, 'name': None}}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, list | tuple):
        return [describe(item) for item in value]
    if isinstance(value, Mapping):
        return {"mapping": {key: describe(item) for key, item in value.items()}}
    if id(value) in _names():
        return {"function": _names()[id(value)]}
    if isinstance(value, FunctionType):
        if value.__name__ == "<lambda>" or value.__closure__:
            raise _indescribable(value)
        return {"function": f"custom.{value.__name__}"}
    kind = type(value)
    if not isinstance(value, _KINDS) and id(kind) not in _names() and not _is_own_callable(kind):
        raise _indescribable(value)
    arguments = {name: describe(argument) for name, argument in _arguments(value).items()}
    return {"class": _names().get(id(kind), f"custom.{kind.__name__}"), "arguments": arguments}


def build(description: Any, custom: Iterable[Callable[..., Any]] = ()) -> Any:
    """Return the object that was described. custom: the classes and functions of the user's own that it may name.

    Raises CheckpointMismatchError for a name that is neither registered nor in custom, CheckpointCorruptError for what
    is no description, and what the classes themselves raise for wrong arguments.

    >>> build({"class": "nn.Dropout", "arguments": {"rate": 0.5}})
    Dropout(0.5)
    >>> build({"class": "os.system", "arguments": {"command": "ls"}})
    Traceback (most recent call last):
    ...
    cutedl.errors.CheckpointMismatchError: 'os.system' is no class that cutedl knows. hint: is it of a newer cutedl?
    """
    return _build(description, {f"custom.{thing.__name__}": thing for thing in custom})


def _build(description: Any, custom: Mapping[str, Any]) -> Any:
    if isinstance(description, list):
        return [_build(item, custom) for item in description]
    if not isinstance(description, dict):
        return description
    keys = description.keys()
    if keys == {"mapping"} and isinstance(description["mapping"], dict):
        return {key: _build(item, custom) for key, item in description["mapping"].items()}
    if keys == {"function"}:
        return _find(description["function"], custom, FunctionType)
    if keys != {"class", "arguments"} or not isinstance(description["arguments"], dict):
        raise CheckpointCorruptError("this is no description of an object.", received=f"keys {sorted(keys)}")
    kind = _find(description["class"], custom, type)
    return kind(**{name: _build(argument, custom) for name, argument in description["arguments"].items()})


def _find(name: Any, custom: Mapping[str, Any], kind: type) -> Any:
    thing = custom.get(name, registered().get(name)) if isinstance(name, str) else None
    if isinstance(thing, kind):
        return thing
    what = "class" if kind is type else "function"
    known, _, own = str(name).partition(".")
    raise CheckpointMismatchError(
        f"{name!r} is no {what} that cutedl knows.",
        hint=f"it is one of your own: give it to load, custom=[{own}]."
        if known == "custom"
        else "is it of a newer cutedl?",
    )


def _arguments(value: Any) -> dict[str, Any]:
    """The constructor arguments of an object, by name."""
    if callable(getattr(value, "arguments", None)):
        return dict(value.arguments())
    arguments = {}
    for name in _argument_names(type(value)):
        if not hasattr(value, name):
            raise CheckpointError(
                f"{type(value).__name__} does not keep its argument {name!r}.",
                hint=f"set self.{name} in __init__, or write a method arguments() that returns all of them.",
            )
        # What only the class holds was not given.
        if name in getattr(value, "__dict__", ()) or getattr(value, name) is not getattr(type(value), name, _MISSING):
            arguments[name] = getattr(value, name)
    return arguments


def _argument_names(kind: type) -> list[str]:
    """The names that a class can be called with; where it passes **options on, those of its bases too."""
    names: dict[str, None] = {}
    for base in kind.__mro__:
        init = base.__dict__.get("__init__")
        if not isinstance(init, FunctionType):
            continue
        _, *parameters = inspect.signature(init).parameters.values()
        names |= {each.name: None for each in parameters if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)}
        if not any(each.kind is each.VAR_KEYWORD for each in parameters):
            break
    return list(names)


def _is_own_callable(kind: type) -> bool:
    """Whether a class is written in Python to be called, as an initializer or a schedule without a base may be."""
    return isinstance(kind.__dict__.get("__call__"), FunctionType)


def _indescribable(value: Any) -> CheckpointError:
    return CheckpointError(
        f"{value!r} cannot be saved.",
        expected="objects of cutedl, classes and named functions of your own",
        hint="instead of a lambda write a class with __call__, for a learning rate a subclass of Schedule, "
        "and name it when loading: custom=[...].",
    )
