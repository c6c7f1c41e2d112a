"""Every argument of every public constructor: a value of the wrong kind is refused by name, not kept for later."""

import importlib
import inspect
import math

import pytest

from cutedl import nn, optimizers
from cutedl.errors import CutedlError
from cutedl.optimizers.options import Keywords

MODULES = ("dataset", "listeners", "losses", "metrics", "nn", "nn.constraints", "nn.regularizers", "optimizers",
           "optimizers.schedules")  # fmt: skip

# Records that functions return and nobody makes; Options takes what every optimizer passes on.
NOT_MADE = {"SampledGradients", "SampledValues", "Options", "Keywords"}

# Arguments without a default.
GIVEN = {
    "activation": "relu", "callback": print, "counts": [1, 2], "data": [[1.0], [2.0]], "decay_rate": 0.5,
    "decay_steps": 5, "event": "epoch_end", "function": max, "input_dim": 4, "label": [0, 1], "layers": [nn.Relu()],
    "learning_rate": 0.1, "log_dir": "logs", "num_classes": 9, "num_sampled": 3, "output_dim": 2,
    "path": "run-{epoch}.log", "pos_weight": 2.0, "rate": 0.3, "schedule": 0.1, "stddev": 0.1, "steps": 3,
    "target_shape": (2,), "total_steps": 9, "units": 3,
}  # fmt: skip

# By the type that an argument is annotated with.
WRONG = {
    "int": [0.5, "three", math.nan, [1], 1j, True],
    "float": ["x", math.nan, True, -math.inf, [1.0, 2.0], 1j],
    "bool": ["no", 2, None],
    "str": [3, b"x"],
    "ArrayLike": ["x", [math.nan], [-1.0], [1j], [[1, 2], [3]]],
    "Initializer": ["nonsense", 3],
    "Regularizer": ["nonsense", 3],
    "Constraint": ["nonsense", 3],
    "Rate": ["x", math.nan, -1.0, True, None],
    "Layer": ["nonsense", 3, [3], 0.5],
    "Shape": [0, -3, (0,), (2, -3), (2, 0.5), ((2,), 3)],
    "Callable": [3],
    "os.PathLike[str]": [3, b"x", None],
}

# Text that says something, which has to be one of a few words.
WORDS = {"reduction", "check", "mode", "save", "average", "event", "activation"}


def kinds(annotation):
    """What an annotation allows: the names in it that WRONG knows; the widest alone, where one holds the others."""
    for widest, word in (("Callable",) * 2, ("Layer", "Iterable[Layer]"), ("Shape",) * 2, ("Shape", "Sequence[int]"),
                         ("os.PathLike[str]",) * 2):  # fmt: skip
        if word in annotation:
            return [widest]
    return [part.strip() for part in annotation.split("|") if part.strip() in WRONG]


def wrong_values(name, annotation):
    allowed = kinds(annotation)
    values = [value for kind in allowed for value in WRONG[kind]] + ["nonsense"] * (name in WORDS)
    if "str" in allowed and len(allowed) > 1:  # a name, or an object: any word is right or wrong, no number is right
        values = [value for value in values if value != "x"]
    return [value for value in values if value is not None or "None" not in annotation]


def arguments(cls):
    """Name and annotation of every argument, those that an optimizer passes on to Options included."""
    parameters = inspect.signature(cls).parameters.values()
    found = {p.name: str(p.annotation) for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    if issubclass(cls, optimizers.Optimizer):
        found |= {name: getattr(kind, "__forward_arg__", str(kind)) for name, kind in Keywords.__annotations__.items()}
    return found


def probes(cls):
    return [(name, value) for name, kind in arguments(cls).items() for value in wrong_values(name, kind)]


def constructors():
    for module in map(importlib.import_module, (f"cutedl.{name}" for name in MODULES)):
        for name in module.__all__:
            cls = getattr(module, name)
            if inspect.isclass(cls) and not inspect.isabstract(cls) and name not in NOT_MADE:
                yield cls


def needed(cls):
    parameters = inspect.signature(cls).parameters.values()
    return {p.name: GIVEN[p.name] for p in parameters if p.default is p.empty and p.name in GIVEN}


CLASSES = sorted(set(constructors()), key=lambda cls: (cls.__module__, cls.__name__))


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_wrong_arguments_are_refused(cls):
    cls(**needed(cls))
    silent = []
    for name, value in probes(cls):
        try:
            silent.append((name, value, cls(**(needed(cls) | {name: value}))))
        except CutedlError as error:
            silent += [] if error.expected or error.received or error.hint else [error]
    assert not silent


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_misspelt_arguments_are_refused(cls):
    with pytest.raises((CutedlError, TypeError), match="nonsense|takes no arguments"):
        cls(**needed(cls), nonsense=1)


def test_the_table_reaches_every_kind_of_argument():
    """The test of the tester: how many probes there are, and that no kind of argument is left without one."""
    assert sum(len(probes(cls)) for cls in CLASSES) > 1000
    for cls in CLASSES:
        assert {name for name, _ in probes(cls)} | {"multipliers"} >= set(arguments(cls)), cls
