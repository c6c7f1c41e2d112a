"""evaluate, report and summary, on what train has written; datasets."""

import json

import numpy as np
import pytest

from cutedl import Dataset, Model, Session, losses, nn, optimizers
from cutedl.history import History

TRAIN = ["--standardize", "--layers", "16", "--epochs", "5", "--seed", "2", "--quiet", "--json"]


@pytest.fixture
def saved(cutedl, ring_csv, tmp_path):
    path = tmp_path / "run.safetensors"
    told = cutedl("train", ring_csv, *TRAIN, "--save", path)
    assert told.status == 0, told.err
    return path


def test_a_saved_model_takes_the_data_as_it_stands_in_the_file(cutedl, saved, ring_csv):
    """Standardized in training, but not by who uses it: the scaling has become part of the weights."""
    told = cutedl("evaluate", saved, ring_csv, "--json")
    assert told.status == 0, told.err
    assert (told.data["part"], told.data["samples"]) == ("all", 400)
    session = Session.load(saved)
    rows = [line.split(",") for line in ring_csv.read_text().splitlines()[1:]]
    predicted = session.predict([[float(a), float(b)] for a, b, _ in rows]).argmax(axis=1)
    right = np.mean([["inside", "outside"][p] == label for p, (_, _, label) in zip(predicted, rows, strict=True)])
    assert told.data["accuracy"] == pytest.approx(right, abs=1e-12)
    assert right > 0.6


def test_evaluate_measures_the_test_part_as_train_did(cutedl, plane_npz, tmp_path):
    trained = cutedl("train", plane_npz, *TRAIN, "--save", tmp_path / "plane.safetensors")
    told = cutedl("evaluate", tmp_path / "plane.safetensors", plane_npz, "--json")
    assert told.data["part"] == "test"
    assert {key: told.data[key] for key in ("loss", "mae")} == trained.data["test"]
    assert cutedl("evaluate", tmp_path / "plane.safetensors", plane_npz).out.startswith("plane.npz, test 60 samples: ")


def test_labels_that_the_model_does_not_know_are_refused(cutedl, saved, ring_csv):
    ring_csv.write_text(ring_csv.read_text().replace("outside", "beyond"))
    told = cutedl("evaluate", saved, ring_csv)
    assert (told.status, told.out) == (1, "")
    assert told.err == (
        "cutedl: labels do not name the classes that the model knows. expected inside, outside, received beyond.\n"
    )


def test_other_features_are_refused(cutedl, saved, plane_npz):
    told = cutedl("evaluate", saved, plane_npz)
    assert told.status == 1
    assert len(told.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("loss", "outputs"), [(losses.CategoricalCrossentropy(), 3), (losses.SparseCategoricalCrossentropy(), 3)]
)
def test_a_session_saved_by_a_program_can_be_measured_too(cutedl, tmp_path, loss, outputs):
    x, y = np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % outputs
    label = y if isinstance(loss, losses.SparseCategoricalCrossentropy) else np.eye(outputs)[y]
    session = Session(Model([nn.Dense(outputs)]), loss, optimizers.SGD(0.1), metrics=["accuracy"], seed=0)
    session.fit(Dataset(x, label), 1, verbose=0)
    session.save(tmp_path / "run.safetensors")
    np.savez(tmp_path / "data.npz", x=x, y=y)
    told = cutedl("evaluate", tmp_path / "run.safetensors", tmp_path / "data.npz", "--json")
    expected = session.evaluate(Dataset(x, label))
    assert {key: told.data[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("y", "line"),
    [
        ([0, 1, 3], "a label is out of range. expected class indices 0 to 2, received 3 at row 2."),
        ([0, -1, 2], "a label is out of range. expected class indices 0 to 2, received -1 at row 1."),
        (["a", "b", "c"], "labels are text, and the model knows no classes by name. expected numbers, received 'a'."),
    ],
)
@pytest.mark.parametrize("loss", [losses.CategoricalCrossentropy(), losses.SparseCategoricalCrossentropy()])
def test_labels_that_are_no_class_indices_are_refused(cutedl, tmp_path, loss, y, line):
    model = Model([nn.Dense(3, inshape=2)])
    model.assemble(seed=0)
    Session(model, loss, optimizers.SGD(), seed=0).save(tmp_path / "run.safetensors")
    np.savez(tmp_path / "data.npz", x=np.ones((3, 2)), y=y)
    told = cutedl("evaluate", tmp_path / "run.safetensors", tmp_path / "data.npz")
    assert (told.status, told.out) == (1, "")
    assert told.err.startswith(f"cutedl: {line}")
    assert len(told.err.splitlines()) == 1


def test_rows_and_pictures_are_the_same_samples(cutedl, tmp_path):
    x, y = np.random.default_rng(0).normal(size=(30, 2, 3)), np.arange(30) % 2
    model = Model([nn.Flatten(inshape=(2, 3)), nn.Dense(2)])
    session = Session(model, losses.SparseCategoricalCrossentropy(), optimizers.SGD(0.1), seed=0)
    session.fit(Dataset(x, y), 1, verbose=0)
    session.save(tmp_path / "run.safetensors")
    np.savez(tmp_path / "rows.npz", x=x.reshape(30, 6), y=y)
    told = cutedl("evaluate", tmp_path / "run.safetensors", tmp_path / "rows.npz", "--json")
    assert told.data["loss"] == session.evaluate(Dataset(x, y))["loss"]


def test_binary_labels_become_a_column(cutedl, tmp_path):
    x, y = np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 2
    session = Session(Model([nn.Dense(1)]), losses.BinaryCrossentropy(), optimizers.SGD(0.1), ["accuracy"], seed=0)
    session.fit(Dataset(x, y.reshape(-1, 1)), 1, verbose=0)
    session.save(tmp_path / "run.safetensors")
    np.savez(tmp_path / "data.npz", x=x, y=y)
    told = cutedl("evaluate", tmp_path / "run.safetensors", tmp_path / "data.npz", "--json")
    assert told.data["accuracy"] == session.evaluate(Dataset(x, y.reshape(-1, 1)))["accuracy"]


def test_summary_counts(cutedl, saved):
    told = cutedl("summary", saved)
    assert "Dense" in told.out
    assert told.out == f"{Session.load(saved).model.summary()}\n"
    data = cutedl("summary", saved, "--json").data
    assert data["inshape"] == [2]
    assert data["parameters"] == 2 * 16 + 16 + 16 * 2 + 2
    assert [layer["kind"] for layer in data["layers"]] == ["Dense", "Relu", "Dense"]


def test_a_model_saved_alone_has_a_summary_but_no_loss(cutedl, ring_csv, tmp_path):
    model = Model([nn.Dense(3, inshape=2)])
    model.assemble(seed=0)
    model.save(tmp_path / "model.safetensors")
    assert cutedl("summary", tmp_path / "model.safetensors", "--json").data["parameters"] == 9
    told = cutedl("evaluate", tmp_path / "model.safetensors", ring_csv)
    assert told.status == 1
    assert "holds no session" in told.err


def test_a_saved_session_has_its_report(cutedl, saved, tmp_path):
    told = cutedl("report", saved, tmp_path / "report.svg")
    assert told.status == 0
    assert told.out == f"{tmp_path / 'report.svg'}: report of 5 epochs\n"
    assert (tmp_path / "report.svg").read_text().lstrip().startswith("<?xml")


@pytest.mark.parametrize("command", [["evaluate", "{}", "mnist"], ["summary", "{}"], ["report", "{}", "out.png"]])
def test_a_damaged_or_missing_model_is_one_line(cutedl, saved, command, tmp_path):
    whole = bytearray(saved.read_bytes())
    whole[-20] ^= 4
    saved.write_bytes(whole)
    for path in (saved, tmp_path / "nowhere.safetensors"):
        told = cutedl(*(part.format(path) for part in command))
        assert (told.status, told.out) == (1, "")
        assert path.name in told.err
        assert len(told.err.splitlines()) == 1


@pytest.mark.parametrize("suffix", ["json", "csv"])
def test_a_history_has_its_report(cutedl, tmp_path, suffix):
    history = History(loss=[0.5, 0.4, 0.3], val_loss=[0.6, 0.5, 0.55])
    path = tmp_path / f"history.{suffix}"
    getattr(history, f"to_{suffix}")(path)
    told = cutedl("report", path, tmp_path / "report.png", "--json")
    assert told.data == {"report": str(tmp_path / "report.png"), "epochs": 3}
    assert (tmp_path / "report.png").stat().st_size > 10_000


def test_a_report_that_cannot_be_is_an_error(cutedl, tmp_path):
    History(loss=[0.5]).to_json(tmp_path / "history.json")
    (tmp_path / "file").write_text("")
    told = cutedl("report", tmp_path / "history.json", tmp_path / "file" / "report.png")
    assert told.status == 1
    assert "the report could not be written to" in told.err
    assert cutedl("report", tmp_path / "history.json", tmp_path / "r.gif").err == (
        f"cutedl: the report has no such format. expected .png, .svg, .pdf, .html, received '{tmp_path / 'r.gif'}'.\n"
    )
    (tmp_path / "history.json").write_text(json.dumps({"loss": [1]}))
    assert "this is no history." in cutedl("report", tmp_path / "history.json", tmp_path / "r.png").err
    History().to_json(tmp_path / "history.json")
    told = cutedl("report", tmp_path / "history.json", tmp_path / "r.png")
    assert (told.status, len(told.err.splitlines())) == (1, 1)


def test_datasets_says_where_and_whether_whole(cutedl, tmp_path, monkeypatch):
    monkeypatch.setenv("CUTEDL_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "train-labels-idx1-ubyte").write_bytes(b"damaged")
    told = cutedl("datasets")
    assert f"not there: {tmp_path / 'cache' / 'cutedl'} (the cache)" in told.out
    assert "damaged, " in told.out
    assert "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db  train-images-idx3-ubyte" in told.out
    data = cutedl("datasets", "--json").data
    assert data["mnist"]["folders"][0]["folder"] == str(tmp_path)
    assert data["mnist"]["folders"][0]["state"].startswith("damaged")
    assert data["mnist"]["files"][0]["shape"] == [60000, 28, 28]
    assert data["digits"]["folder"] == str(tmp_path / "cache" / "cutedl")
