"""The conformance command: every row holds, a wrong one is seen, and other libraries agree where they are installed."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from cutedl import losses
from cutedl.losses import conformance
from cutedl.losses.conformance import Library, agreement, answer, compare
from cutedl.losses.conformance_cases import CASES
from cutedl.losses.conformance_defects import DEFECTS

# Labels that sum to 3 are among the cases.
pytestmark = pytest.mark.filterwarnings("ignore::cutedl.errors.InputWarning")

ABSENT = (Library("torch", "absent", None, 1e-12), Library("keras", "absent", None, 1e-6))
OFF = Library("torch", "off", lambda call, y, x: (np.float64(1.0), np.ones_like(x)), 1e-12)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cutedl_is_the_textbook_formula(case):
    assert agreement(case).holds


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_cutedl_gives_the_exact_answer(defect):
    assert answer(defect).holds


def test_every_loss_has_a_case():
    """But for the heads of sampled losses, which have no counterpart in PyTorch or Keras."""
    public = [getattr(losses, name) for name in losses.__all__]
    classes = {each for each in public if isinstance(each, type) and issubclass(each, losses.Loss)}
    assert classes - {type(case.loss) for case in CASES} == {losses.Loss, losses.NCE, losses.SampledSoftmax}


def test_the_command_prints_both_tables_and_succeeds():
    command = [sys.executable, "-m", "cutedl.losses.conformance"]
    run = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    assert all(row.name in run.stdout for row in (*CASES, *DEFECTS))
    assert f"cutedl: {len(CASES)} of {len(CASES)} agree, {len(DEFECTS)} of {len(DEFECTS)} are right" in run.stdout
    assert not run.stderr


def test_what_is_absent_is_said_and_costs_nothing(capsys):
    assert compare(CASES[:2], DEFECTS[:2], ABSENT)
    printed = capsys.readouterr().out
    assert "torch absent: 0 of 0 agree" in printed
    assert "✗" not in printed


def test_a_wrong_value_fails(monkeypatch, capsys):
    wrong = dataclasses.replace(CASES[0], textbook=lambda y, x: CASES[0].textbook(y, x) * (1 + 1e-9))
    monkeypatch.setattr(conformance, "CASES", (*CASES[:2], wrong))
    assert conformance.main() == 1
    assert "cutedl: 2 of 3 agree" in capsys.readouterr().out


def test_a_wrong_gradient_fails():
    case = CASES[0]
    wobble = dataclasses.replace(case, textbook=lambda y, x: case.textbook(y, x) + 1e-7 * np.sin(x - case.x).sum())
    seen = agreement(wobble)
    assert seen.value <= conformance.FORMULA
    assert not seen.holds


def test_a_wrong_answer_fails(monkeypatch, capsys):
    monkeypatch.setattr(conformance, "CASES", CASES[:1])
    monkeypatch.setattr(conformance, "DEFECTS", (dataclasses.replace(DEFECTS[0], exact=DEFECTS[0].exact * 1.00001),))
    assert conformance.main() == 1
    assert "✗" in capsys.readouterr().out


def test_only_errors_made_on_purpose_are_refusals():
    broken = dataclasses.replace(DEFECTS[-1], loss=None)
    assert not answer(broken).holds


def test_another_library_may_be_wrong(capsys):
    assert compare(CASES[:1], DEFECTS[:1], [OFF])
    printed = capsys.readouterr().out
    assert "torch off: 0 of 1 agree, 0 of 1 are right" in printed
    assert printed.count("✗") == 2


# -- beside the real ones ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def torch():
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install cutedl[bench]")
    return conformance.torch()


@pytest.fixture(scope="module")
def keras():
    library = conformance.keras()
    if library.run is None:
        pytest.skip("Keras is not installed with PyTorch or JAX: pip install cutedl[bench]")
    return library


@pytest.mark.parametrize("case", [case for case in CASES if case.torch], ids=lambda case: case.name)
def test_torch_agrees(case, torch):
    assert agreement(case, torch).holds


@pytest.mark.parametrize("case", [case for case in CASES if case.keras], ids=lambda case: case.name)
def test_keras_agrees(case, keras):
    assert agreement(case, keras).holds


@pytest.mark.parametrize("library", ["torch", "keras"])
def test_others_are_asked_and_answer(library, request):
    """Each row about somebody else runs: a number or a refusal, and some of them wrong."""
    other = request.getfixturevalue(library)
    given = [each for defect in DEFECTS if (each := answer(defect, other)) is not None]
    assert len(given) == sum(getattr(defect, library) is not None for defect in DEFECTS)
    assert not all(each.holds for each in given)
