import pickle
from pathlib import Path

import pytest

from cutedl import errors
from cutedl.errors import CutedlError

CLASSES = [cls for name in errors.__all__ if name.endswith("Error") and (cls := getattr(errors, name))]


@pytest.mark.parametrize("cls", CLASSES)
def test_what_expected_received_hint_survive_a_process_border(cls):
    error = cls("it broke.", expected="this", received="that", hint="do so.")
    text = "it broke. expected this, received that. hint: do so."
    assert str(error) == text
    assert str(pickle.loads(pickle.dumps(error))) == text
    assert str(cls("it broke.")) == "it broke."
    assert isinstance(error, CutedlError)


@pytest.mark.parametrize("cls", CLASSES)
def test_the_tree_in_the_docstring_is_the_tree(cls):
    line = next(line for line in errors.__doc__.splitlines() if line.strip(" │├└─").startswith(cls.__name__))
    others = {base.__name__ for base in cls.__mro__} - {base.__name__ for base in CutedlError.__mro__}
    for builtin in ("ValueError", "TypeError", "KeyError", "RuntimeError", "OSError", "ArithmeticError"):
        inherits = any(parent in errors.__all__ and parent != cls.__name__ and builtin in
                       {b.__name__ for b in getattr(errors, parent).__mro__} for parent in others)  # fmt: skip
        assert (builtin in line) == (builtin in others and not inherits), (cls, builtin)


def test_the_catalogue_has_every_class_and_an_example_of_nearly_all():
    page = (Path(__file__).parent.parent / "docs" / "errors.md").read_text()
    classes = {name for name in errors.__all__ if name.endswith(("Error", "Warning"))}
    classes -= {"CutedlError", "CheckpointError", "DatasetError"}  # never raised themselves
    assert {name for name in classes if f"| `{name}`" not in page} == set()
    shown = {line.partition(":")[0] for line in page.splitlines()}
    assert classes - shown == {"DistributedError"}  # takes several ranks
