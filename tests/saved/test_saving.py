"""Models and sessions: saved, loaded, and then the same."""

import os

import numpy as np
import pytest

from cutedl import losses, metrics, nn, optimizers
from cutedl.checkpoint import read
from cutedl.dataset import Dataset
from cutedl.errors import (
    CheckpointCorruptError,
    CheckpointError,
    CheckpointMismatchError,
    CheckpointReadError,
    CheckpointTooLargeError,
    CheckpointWriteError,
    InputWarning,
    NotBuiltError,
)
from cutedl.model import Model
from cutedl.nn import Layer
from cutedl.session import Session
from tests.saved.sessions import data, digest, session, trained


class Twice(Layer):
    def build(self, in_shape, arena):
        return in_shape

    def forward(self, x, out, training):
        return np.multiply(x, 2, out=out)

    def backward(self, dy, out):
        return None if out is None else np.multiply(dy, 2, out=out)


def model():
    """Every kind of memory: matrices, vectors, statistics, tables, noise, layers in layers."""
    return Model(
        [
            nn.Embedding(9, 4, inshape=3),
            nn.Flatten(),
            nn.Residual([nn.Dense(6, activation="selu"), nn.BatchNormalization(), nn.Dense(12)]),
            nn.Dropout(0.2),
            nn.Dense(2, name="a/b"),
        ]
    )


X = np.random.default_rng(0).integers(0, 9, (7, 3))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_model_comes_back_whole(tmp_path, dtype):
    first = model()
    first.assemble(seed=3, dtype=dtype)
    first.forward(X.astype(dtype))
    first.save(tmp_path / "m.safetensors")
    second = Model.load(tmp_path / "m.safetensors")
    assert repr(second) == repr(first)
    assert (second.dtype, second.seed) == (first.dtype, 3)
    assert digest(second.arena.state()) == digest(first.arena.state())
    assert (second.predict(X) == first.predict(X)).all()
    assert (second.forward(X.astype(dtype)) == first.forward(X.astype(dtype))).all(), "the noise goes on where it was"


def test_a_model_loads_from_a_session_too(tmp_path):
    first = trained()
    first.save(tmp_path / "run.safetensors")
    assert (Model.load(tmp_path / "run.safetensors").predict(data().data) == first.predict(data().data)).all()


def test_the_tables_of_a_loss_stay_with_the_session(tmp_path):
    head = losses.SampledSoftmax(20, num_sampled=5, sampler="learned_unigram")
    first = Session(Model([nn.Dense(4, inshape=5)]), head, optimizers.Adam(0.01), seed=1)
    classes = Dataset(data().data, np.arange(44) % 20, batch_size=8)
    first.fit(classes, 2, verbose=0)
    first.save(tmp_path / "run.safetensors")
    assert not Model.load(tmp_path / "run.safetensors").arena.tables
    second = Session.load(tmp_path / "run.safetensors")
    assert second.evaluate(classes) == first.evaluate(classes)
    for each in (first, second):
        each.fit(classes, 1, verbose=0)
    assert digest(second.loss.state()) == digest(first.loss.state())
    assert digest(second.model.arena.state()) == digest(first.model.arena.state())


def test_weights_go_into_a_model_that_is_there(tmp_path):
    first, second = model(), model()
    first.assemble(seed=3)
    second.assemble(seed=4)
    noise = digest(second.arena.state()["noise"])
    first.save(tmp_path / "m.safetensors")
    second.load_weights(tmp_path / "m.safetensors")
    assert (second.predict(X) == first.predict(X)).all()
    assert digest(second.arena.state()["noise"]) == noise


def test_a_model_without_memory_has_nothing_to_save(tmp_path):
    with pytest.raises(NotBuiltError, match="assemble"):
        Model([nn.Dense(2, inshape=3)]).save(tmp_path / "m.safetensors")
    with pytest.raises(NotBuiltError, match="assemble"):
        Model([nn.Dense(2, inshape=3)]).load_weights(tmp_path / "m.safetensors")


def test_a_model_is_no_session(tmp_path):
    trained().model.save(tmp_path / "m.safetensors")
    with pytest.raises(CheckpointMismatchError, match="no session. expected what Session.save wrote, received a model"):
        Session.load(tmp_path / "m.safetensors")


def test_a_session_before_its_first_fit_is_saved_too(tmp_path):
    session().save(tmp_path / "run.safetensors")
    loaded, straight = Session.load(tmp_path / "run.safetensors"), session()
    assert not loaded.model.assembled
    for each in (loaded, straight):
        each.fit(data(), 1, verbose=0)
    assert digest(loaded.model.arena.state()) == digest(straight.model.arena.state())
    with pytest.raises(CheckpointMismatchError, match="holds no weights"):
        Model([nn.Dense(2, inshape=3)]).load(tmp_path / "run.safetensors")


def test_a_layer_of_the_user_is_named_when_loading(tmp_path):
    first = trained(layers=[Twice()])
    first.save(tmp_path / "run.safetensors")
    with pytest.raises(CheckpointMismatchError, match=r"'custom.Twice' is no class.*custom=\[Twice\]"):
        Session.load(tmp_path / "run.safetensors")
    second = Session.load(tmp_path / "run.safetensors", custom=[Twice])
    assert second.evaluate(data()) == first.evaluate(data())
    assert Model.load(tmp_path / "run.safetensors", custom=[Twice]).predict(data().data).shape == (44, 3)


def test_a_lambda_is_refused_before_anything_is_written(tmp_path):
    run = trained(optimizer=optimizers.SGD(lambda step: 0.1 / step))
    with pytest.raises(CheckpointError, match="lambda.*cannot be saved.*hint: instead of a lambda"):
        run.save(tmp_path / "run.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_hundred_metrics_are_enough(tmp_path):
    for count in (100, 101):
        names = [metrics.Accuracy(name=f"accuracy_{i}") for i in range(count)]
        run = Session(Model([nn.Dense(3, inshape=5)]), losses.MeanSquaredError(), optimizers.SGD(), metrics=names)
        if count == 100:
            run.save(tmp_path / "run.safetensors")
            assert len(Session.load(tmp_path / "run.safetensors").metrics) == 100
        else:
            with pytest.raises(CheckpointTooLargeError, match="too many metrics. expected 100, received 101"):
                run.save(tmp_path / "run.safetensors")


def test_a_learning_rate_that_was_changed_is_saved(tmp_path):
    first = trained()
    first.optimizer.learning_rate = 0.5
    first.optimizer.learning_rate_scale = 0.25
    first.save(tmp_path / "run.safetensors")
    assert Session.load(tmp_path / "run.safetensors").optimizer.learning_rate == 0.125


def test_saving_disturbs_nothing(tmp_path):
    one, other = session(), session()
    one.fit(data(), 2, verbose=0)
    other.fit(data(), 1, verbose=0)
    other.save(tmp_path / "run.safetensors")
    Session.load(tmp_path / "run.safetensors").fit(data(), 1, verbose=0)
    other.fit(data(), 1, verbose=0)
    assert digest(one.model.arena.state()) == digest(other.model.arena.state())
    assert one.history["loss"] == other.history["loss"]


def test_training_goes_on_after_a_save_that_failed(tmp_path):
    (tmp_path / "file").touch()
    one, other = trained(), trained()
    with pytest.raises(CheckpointWriteError):
        other.save(tmp_path / "file" / "run.safetensors")
    for each in (one, other):
        each.fit(data(), 1, verbose=0)
    assert digest(one.model.arena.state()) == digest(other.model.arena.state())
    other.save(tmp_path / "run.safetensors")
    assert Session.load(tmp_path / "run.safetensors").epoch == 3


def test_the_manifest_says_where_it_comes_from(tmp_path):
    trained().save(tmp_path / "run.safetensors")
    manifest = read(tmp_path / "run.safetensors").manifest
    assert {"cutedl", "numpy", "python", "seed", "data", "epoch"} <= manifest.keys()
    assert (manifest["seed"], manifest["epoch"]) == (5, 2)


# -- the newest ----------------------------------------------------------------------------------------------------


def saves(folder, *epochs):
    run = session()
    for number, epoch in enumerate(epochs):
        run.fit(data(), epoch - run.epoch, verbose=0)
        path = folder / f"{chr(ord('z') - number)}.safetensors"
        run.save(path)
        os.utime(path, ns=(number, number))


def test_the_newest_session_is_found(tmp_path):
    saves(tmp_path, 1, 2, 3)
    assert Session.latest(tmp_path).epoch == 3


def test_what_is_damaged_is_passed_over_and_named(tmp_path):
    saves(tmp_path, 1, 2, 3)
    (tmp_path / "x.safetensors").write_bytes((tmp_path / "x.safetensors").read_bytes()[:-1])
    os.utime(tmp_path / "x.safetensors", ns=(9, 9))
    with pytest.warns(InputWarning, match=r"y.safetensors is loaded.*x.safetensors: the file is cut short"):
        assert Session.latest(tmp_path).epoch == 2


def test_models_and_other_files_are_no_sessions(tmp_path):
    saves(tmp_path, 1)
    trained().model.save(tmp_path / "m.safetensors")
    (tmp_path / "notes.txt").write_text("later")
    assert Session.latest(tmp_path).epoch == 1


def test_a_folder_without_a_session_says_so(tmp_path):
    with pytest.raises(CheckpointError, match="no session to load.*received none"):
        Session.latest(tmp_path)
    (tmp_path / "a.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match="no session to load.*a.safetensors: this is no safetensors file"):
        Session.latest(tmp_path)
    with pytest.raises(CheckpointReadError, match="this folder cannot be read"):
        Session.latest(tmp_path / "none")


def test_generations_are_found_by_their_age(tmp_path):
    run = session()
    for _ in range(3):
        run.fit(data(), 1, verbose=0)
        run.save(tmp_path / "run.safetensors", keep=1)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["run.1.safetensors", "run.safetensors"]
    (tmp_path / "run.safetensors").write_bytes(b"")
    with pytest.warns(InputWarning, match="run.1.safetensors is loaded"):
        assert Session.latest(tmp_path).epoch == 2


def test_one_flipped_bit_is_noticed_wherever_it_is(tmp_path):
    path = tmp_path / "run.safetensors"
    trained(epochs=1).save(path)
    whole, first = path.read_bytes(), digest(read(path).state)
    for place in range(0, len(whole), 37):
        raw = bytearray(whole)
        raw[place] ^= 1 << (place % 8)
        path.write_bytes(raw)
        try:
            same = digest(read(path).state) == first
        except CheckpointError:
            continue
        assert same, f"bit {place % 8} of byte {place}"
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(CheckpointCorruptError):
        read(path)
