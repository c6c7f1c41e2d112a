import json
import re

import numpy as np
import pytest

from cutedl import nn
from cutedl.commands import network
from cutedl.history import History
from cutedl.model import Model

LEARN = ["--standardize", "--layers", "32,32", "--epochs", "40", "--learning-rate", "0.01", "--seed", "1"]


def test_a_table_with_text_labels_is_learned(cutedl, ring_csv):
    told = cutedl("train", ring_csv, *LEARN, "--json")
    assert told.status == 0
    assert told.data["task"] == "classification"
    assert told.data["classes"] == ["inside", "outside"]
    assert (told.data["samples"], told.data["validation_samples"], told.data["epochs"]) == (360, 40, 40)
    assert told.data["final"]["val_accuracy"] > 0.9
    assert told.data["best"]["key"] == "val_loss"
    assert "ring.csv: classification, since its labels are text (--task regression to have it otherwise)" in told.err
    assert len([line for line in told.err.splitlines() if line.startswith("epoch ")]) == 40


def test_fractions_are_regressed_and_the_test_part_is_measured(cutedl, plane_npz):
    told = cutedl("train", plane_npz, "--layers", "", "--learning-rate", "0.05", "--epochs", "40", "--json")
    assert told.data["task"] == "regression"
    assert told.data["parameters"] == 4
    assert told.data["test"]["loss"] < 1e-3
    assert told.data["test"]["mae"] < 0.05
    assert "regression, since its labels are fractions" in told.err


def test_the_result_reads_well(cutedl, ring_csv, tmp_path):
    told = cutedl("train", ring_csv, *LEARN, "--history", tmp_path / "h.json", "--quiet")
    first, second, third, last = told.out.splitlines()
    assert first == "ring.csv: 360 samples, classification, seed 1"
    assert second.startswith("40 epochs in ")
    assert re.search(r"s: loss 0\.\d+, accuracy 0\.\d+, val_loss 0\.\d+, val_accuracy [01]", second)
    assert third.startswith("best val_loss 0.")
    assert last == f"history: {tmp_path / 'h.json'}"
    assert told.err == ""
    assert len(History.from_json(tmp_path / "h.json")["loss"]) == 40


def test_the_history_may_be_a_table(cutedl, ring_csv, tmp_path):
    told = cutedl("train", ring_csv, "--epochs", "2", "--history", tmp_path / "h.csv", "--json")
    again = History.from_csv(tmp_path / "h.csv")
    assert {key: column[-1] for key, column in again.items()} == told.data["final"]


@pytest.mark.parametrize(
    ("x", "y", "line"),
    [
        (np.array([["a"], ["b"]]), [0.5, 1.5], "data cannot be used as numbers. "),
        (np.array([[1.0], [np.nan]]), [0.5, 1.5], "data has a value that is not finite. "),
        (np.ones((3, 1)), [0, 1], "samples and labels do not belong together. expected one label per sample, "),
        (np.ones((0, 1)), np.ones(0), "samples and labels do not belong together. "),
        (1.0, 2.0, "samples and labels do not belong together. "),
        (np.ones(3), [0, 1, 0], "dense_0 cannot take this input. "),
        (np.ones((2, 1)), [1j, 2], "labels cannot be used as numbers. "),
        (np.ones((2, 1)), [np.nan, 2.5], "label has a value that is not finite. "),
        (np.ones((2, 1)), [4, 4], "all labels are the same. expected at least 2 classes, received '4' alone."),
    ],
)
@pytest.mark.parametrize("options", [[], ["--standardize"]])
def test_arrays_that_cannot_be_trained_on_are_refused_in_one_line(cutedl, tmp_path, options, x, y, line):
    np.savez(tmp_path / "bad.npz", x=x, y=y)
    told = cutedl("train", tmp_path / "bad.npz", "--quiet", "--validation", "0", *options)
    assert (told.status, told.out) == (1, "")
    assert told.err.startswith(f"cutedl: {line}")
    assert len(told.err.splitlines()) == 1


def test_the_same_seed_gives_the_same_numbers(cutedl, ring_csv):
    def numbers(seed):
        data = cutedl("train", ring_csv, "--standardize", "--dropout", "0.2", "--seed", seed, "--json").data
        return data["final"] | {"seconds": 0, "samples_per_second": 0}

    assert numbers(3) == numbers(3)
    assert numbers(3) != numbers(4)


def test_patience_ends_training_and_says_so(cutedl, ring_csv):
    told = cutedl("train", ring_csv, *LEARN, "--epochs", "500", "--patience", "3", "--json")
    assert told.data["epochs"] < 500
    assert "val_loss" in told.data["stop_reason"]
    assert told.data["epochs"] - told.data["best"]["epoch"] == 3


def test_without_validation_the_loss_is_the_judge(cutedl, ring_csv):
    told = cutedl("train", ring_csv, "--validation", "0", "--patience", "2", "--json")
    assert told.data["validation_samples"] == 0
    assert told.data["best"]["key"] == "loss"
    assert "val_loss" not in told.data["final"]


def test_options_reach_the_network(cutedl, ring_csv):
    told = cutedl(
        "train", ring_csv, "--layers", "8,4", "--activation", "tanh", "--dropout", "0.5", "--optimizer", "sgd",
        "--learning-rate", "0.25", "--metrics", "accuracy,f1", "--epochs", "1", "--batch-size", "100", "--json",
    )  # fmt: skip
    assert told.data["model"] == (
        "Model([Dense(8, activation='tanh'), Dropout(0.5), Dense(4, activation='tanh'), Dropout(0.5), "
        "Dense(2, activation='linear')])"
    )
    assert told.data["final"]["learning_rate"] == 0.25
    assert told.data["final"]["steps"] == 4
    assert 0 <= told.data["final"]["f1"] <= 1


def test_pictures_are_flattened_inside_the_model(cutedl, tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (60, 4, 5), dtype=np.uint8)
    np.savez(tmp_path / "pictures.npz", x=x, y=np.eye(3)[np.arange(60) % 3])
    told = cutedl("train", tmp_path / "pictures.npz", "--standardize", "--epochs", "1", "--json")
    assert told.data["model"].startswith("Model([Flatten(), Dense(128")
    assert told.data["classes"] == ["0", "1", "2"]


def test_whole_numbers_can_be_taken_for_amounts(cutedl, tmp_path):
    np.savez(tmp_path / "ages.npz", x=np.arange(90.0).reshape(-1, 1) / 90, y=np.arange(90))
    assert cutedl("train", tmp_path / "ages.npz", "--epochs", "1", "--json").data["task"] == "regression"
    told = cutedl("train", tmp_path / "ages.npz", "--task", "classification", "--epochs", "1", "--json")
    assert len(told.data["classes"]) == 90
    assert "since" not in told.err


def test_a_path_that_cannot_be_written_costs_neither_the_result_nor_the_other_files(cutedl, ring_csv, tmp_path):
    (tmp_path / "file").write_text("")
    bad, good = tmp_path / "file" / "h.json", tmp_path / "report.png"
    told = cutedl("train", ring_csv, "--epochs", "1", "--history", bad, "--report", good, "--json")
    assert told.status == 1
    assert told.data["written"] == {"history": None, "report": str(good)}
    assert good.stat().st_size > 10_000
    assert f"cutedl: {tmp_path / 'file'}" in told.err


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--loss", "mse"], "no loss for classification is named 'mse'. expected one of: cross_entropy."),
        (["--optimizer", "adma"], "no optimizer is named 'adma'. expected one of: "),
        (["--activation", "rleu"], "no activation is named 'rleu'. "),
        (["--metrics", "acuracy"], "no metric is named 'acuracy'. "),
        (["--layers", "12,x"], "--layers cannot be read. expected whole numbers with commas between, as 128,64, "),
        (["--layers", "99999999999999"], "not enough memory. Unable to allocate "),
        (["--layers", "0"], "units cannot be used. expected an int >= 1, received 0 (int)."),
        (["--dropout", "1.5"], "rate cannot be used. expected a number in [0, 1), received 1.5 (float)."),
        (["--validation", "1"], "validation cannot be used. expected a number in [0, 1), received 1.0 (float)."),
        (["--validation", "0.999"], "validation leaves nothing to train on. received 0.999 of 400 samples."),
        (["--epochs", "0"], "epochs cannot be used. expected an int >= 1, received 0 (int)."),
        (["--batch-size", "0"], "batch_size cannot be used. expected an int >= 1, received 0 (int)."),
        (["--seed", "-1"], "seed cannot be used. expected an int >= 0, received -1 (int)."),
        (["--learning-rate", "0"], "learning_rate cannot be used. "),
        (["--patience", "-1"], "patience cannot be used. expected an int >= 0, received -1 (int)."),
        (["--report", "x.gif"], "the report has no such format. expected .png, .svg, .pdf, .html, received 'x.gif'."),
        (["--target", "plcae"], "no column is named 'plcae'. expected one of: far, near, place. hint: did you mean"),
        (["--task", "regression"], "labels cannot be targets of a regression. expected numbers, received 'inside'."),
    ],
)  # fmt: skip
def test_a_wrong_option_is_one_line(cutedl, ring_csv, options, line):
    told = cutedl("train", ring_csv, "--quiet", *options)
    assert told.status == 1
    assert told.out == ""
    assert told.err.startswith(f"cutedl: {line}")
    assert len(told.err.splitlines()) == 1


@pytest.mark.parametrize("shape", [(3,), (2, 2)])
def test_folding_leaves_predictions_as_they_were(shape):
    generator = np.random.default_rng(2)
    x = generator.normal(3, 5, (50, *shape))
    x.reshape(50, -1)[:, 1] = 7  # a feature that never changes
    mean, deviation = network.scaling(x)
    layers = [nn.Flatten()] if len(shape) > 1 else []
    model = Model([*layers, nn.Dense(4, activation="tanh", bias_initializer="ones"), nn.Dense(2)])
    model.assemble(seed=0, dtype="float64", inshape=shape)
    before = model.predict((x - mean) / deviation)
    network.fold(model, mean, deviation)
    np.testing.assert_allclose(model.predict(x), before, rtol=0, atol=1e-12)


def test_json_has_null_where_nothing_was_measured(cutedl, tmp_path):
    np.savez(tmp_path / "one.npz", x=np.ones((4, 2)), y=np.array([1.5, 2.5, 1.5, 0.5]))
    told = cutedl("train", tmp_path / "one.npz", "--metrics", "r2", "--validation", "0.25", "--epochs", "1", "--json")
    assert told.status == 0
    assert json.loads(told.out)["final"]["val_r2"] is None
