"""The reference page is what the docstrings say, and leaves nothing out."""

import importlib.util
import inspect
from pathlib import Path

import pytest

from cutedl import initializers, losses, nn, optimizers
from cutedl.nn import constraints, regularizers
from cutedl.optimizers import schedules

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(scope="module")
def maker():
    specification = importlib.util.spec_from_file_location("make_reference", DOCS / "make_reference.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_committed_page_is_up_to_date(maker):
    committed = (DOCS / "reference.md").read_text()
    assert maker.page() == committed, "a docstring changed: run `python docs/make_reference.py`"


@pytest.mark.parametrize(
    ("module", "base"),
    [
        (nn, nn.Layer),
        (losses, losses.Loss),
        (losses, losses.Sampler),
        (optimizers, optimizers.Optimizer),
        (schedules, schedules.Schedule),
        (initializers, object),
        (regularizers, regularizers.Regularizer),
        (constraints, constraints.Constraint),
    ],
)
def test_every_public_class_has_a_row(module, base):
    page = (DOCS / "reference.md").read_text()
    things = {name: getattr(module, name) for name in module.__all__}
    classes = [name for name, thing in things.items() if inspect.isclass(thing) and issubclass(thing, base)]
    assert len(classes) > 1
    for name in classes:
        assert things[name] is base or f"| [`{name}`](" in page or f"| [`{name} = " in page, name


def test_a_sentence_goes_to_the_column_where_it_belongs(maker):
    def thing(rate=0.5):
        """One line: y = x | 2.

        rate: in [0, 1). Raises ArgumentError outside. Equals keras.layers.Thing.

        >>> thing()
        """

    assert maker.sentences(maker.paragraphs(thing)) == [
        "One line: y = x | 2.",
        "rate: in [0, 1).",
        "Equals keras.layers.Thing.",
    ]
    assert maker.arguments(thing) == "rate=0.5"
    columns = maker.row("thing", thing, "thing").replace(r"\|", "/").split("|")[2:5]
    assert [column.strip() for column in columns] == [
        "One line: y = x / 2.",
        "`rate=0.5` rate: in [0, 1).",
        "Equals keras.layers.Thing.",
    ]
