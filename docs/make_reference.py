"""Write the reference page from the docstrings: `python docs/make_reference.py` writes docs/reference.md.

A docstring is cut into sentences: the first paragraph says what a thing is, those that name another library or a
source go into a column of their own, those about errors are left to `help()`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cutedl
from cutedl import initializers, losses, nn, optimizers
from cutedl.files import publish
from cutedl.losses.binary import BinaryLoss
from cutedl.losses.heads import SampledHead
from cutedl.losses.vector import ClassLoss
from cutedl.nn import constraints, regularizers
from cutedl.nn.nonlinearity import Nonlinearity
from cutedl.optimizers import schedules

PAGE = Path(__file__).parent / "reference.md"
ROOT = PAGE.parent.parent

INTRODUCTION = """# Reference

Made by [make_reference.py](make_reference.py) from the docstrings; a test keeps it so. `help(cutedl.nn.Dense)` says the
same, with the errors that are raised and an example that runs. Arrays are x, y = f(x), dy = dL/dy, dx = dL/dx; shapes
are B (batch), I (in), O (out), C (classes). "Equals" is tested: against naive formulas in float64, optimizers also
against PyTorch's numbers, losses against PyTorch and Keras where these are installed.

[Core](#core) · [Layers](#layers) · [Activations](#activations) · [Losses](#losses) · [Optimizers](#optimizers) ·
[Schedules](#schedules) · [Initializers](#initializers) · [Regularizers](#regularizers) · [Constraints](#constraints) ·
metrics: [metrics.md](metrics.md) · listeners: [listeners.md](listeners.md)
"""
_ELSEWHERE = re.compile(r"[Kk]eras|[Tt]orch|TensorFlow|tf\.|Source:|Equal")

_OF_ALL = ("name", "inshape")  # what any layer takes


def paragraphs(thing: Any) -> list[str]:
    """Return the paragraphs of a docstring, without its example."""
    text = (inspect.getdoc(thing) or "").split(">>>")[0]
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def sentences(texts: Iterable[str]) -> list[str]:
    """Return the sentences, each with its full stop; those about errors left out."""
    parts = [part for text in texts for part in re.split(r"(?<=[^.][.])\s+", text)]
    return [part for part in parts if not part.startswith("Raises")]


def arguments(thing: Any) -> str:
    """Return arguments and defaults, less the options of a whole family and what any layer takes."""
    shown = []
    for argument in inspect.signature(thing).parameters.values():
        if argument.kind not in (argument.VAR_KEYWORD, argument.VAR_POSITIONAL) and argument.name not in _OF_ALL:
            default = "" if argument.default is argument.empty else f"={argument.default!r}"
            shown.append(argument.name + default)
    return ", ".join(shown)


def cell(text: str) -> str:
    """Return text that Markdown shows as it is, in a table too."""
    return re.sub(r"<(?=[a-z])", "&lt;", re.sub(r"([|*])", r"\\\1", text))


def row(name: str, thing: Any, shown: str) -> str:
    """Return the line of a table: the name, linked to its source; what it is; limits; what equals it."""
    path = Path(inspect.getsourcefile(thing) or "").resolve().relative_to(ROOT)
    link = f"[`{shown}`](../{path.as_posix()})"
    if name != thing.__name__:
        return f"| {link} | The same as `{thing.__name__}`. | | |\n"
    first, *rest = sentences(paragraphs(thing)[:1])
    rest += sentences(paragraphs(thing)[1:])
    elsewhere = [part for part in rest if _ELSEWHERE.search(part)]
    details = [part for part in rest if part not in elsewhere]
    taken = f"`{arguments(thing)}` " if arguments(thing) else ""
    return f"| {link} | {cell(first)} | {taken}{cell(' '.join(details))} | {cell(' '.join(elsewhere))} |\n"


def table(
    module: Any, chosen: Callable[[Any], bool], shown: Callable[[str, Any], str] = lambda name, thing: name
) -> str:
    """Return the table of those public names of a module that are chosen."""
    things = [(name, getattr(module, name)) for name in module.__all__]
    rows = [row(name, thing, shown(name, thing)) for name, thing in things if chosen(thing)]
    return "\n| name | what it is | arguments, limits | equals, source |\n|---|---|---|---|\n" + "".join(rows)


def options(heading: str, thing: Any) -> str:
    """Return a list of what a whole family takes, from the docstring of its base."""
    lines = [f"- {cell(' '.join(sentences([part])))}\n" for part in paragraphs(thing)[1:] if sentences([part])]
    return f"\n{heading}\n\n" + "".join(lines)


def is_kind(*bases: type, but: tuple[type, ...] = ()) -> Callable[[Any], bool]:
    """Return whether a thing is a class below one of the bases, and not of those left out."""
    return lambda thing: (
        inspect.isclass(thing) and issubclass(thing, bases) and not issubclass(thing, but) and thing not in bases
    )


def is_initializer(thing: Any) -> bool:
    """Return whether a public name of cutedl.initializers fills arrays."""
    return inspect.isclass(thing) or (inspect.isfunction(thing) and thing is not initializers.get)


def initializer_name(name: str, thing: Any) -> str:
    """Return how an initializer is asked for: by its name, in lower case."""
    return f'{name} = "{re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower()}"' if inspect.isclass(thing) else f'"{name}"'


def activation_name(name: str, thing: Any) -> str:
    """Return how an activation is asked for: as a layer, and by its name."""
    return f'{name} = "{thing().kind() if name == thing.__name__ else name.lower()}"'


def page() -> str:
    """Return the whole page."""
    return "".join(
        (
            INTRODUCTION,
            "\n## Core\n" + table(cutedl, lambda thing: inspect.isclass(thing) or inspect.isfunction(thing)),
            "\n## Layers\n" + table(nn, is_kind(nn.Layer, but=(Nonlinearity,))),
            '\n## Activations\n\nAs layers, `nn.Relu()`, and by their names, `nn.Dense(8, activation="relu")`.\n',
            table(nn, is_kind(Nonlinearity), activation_name),
            "\n## Losses\n\nWhich to choose: [choosing-a-loss.md](choosing-a-loss.md).\n",
            table(losses, is_kind(losses.Loss)),
            options("Every loss takes:", losses.Loss),
            options("The losses of distributions over classes, and `SparseCategoricalCrossentropy`, take:", ClassLoss),
            options("The losses of yes and no take:", BinaryLoss),
            options("`SampledSoftmax` and `NCE` take:", SampledHead),
            "\nAs functions, under TensorFlow's names:\n" + table(losses, inspect.isfunction),
            "\nSamplers of classes:\n" + table(losses, is_kind(losses.Sampler)),
            "\n## Optimizers\n" + table(optimizers, is_kind(optimizers.Optimizer)),
            options("Every optimizer takes:", optimizers.Options),
            "\n## Schedules\n" + table(schedules, is_kind(schedules.Schedule)),
            "\n## Initializers\n",
            table(initializers, is_initializer, initializer_name),
            "\n## Regularizers\n" + table(regularizers, is_kind(regularizers.Regularizer)),
            "\n## Constraints\n" + table(constraints, is_kind(constraints.Constraint)),
        )
    )


if __name__ == "__main__":
    with publish(PAGE) as temporary:
        temporary.write_text(page())
