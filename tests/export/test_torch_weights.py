"""Weights under PyTorch's names: there and back, and with PyTorch itself where it is installed."""

import re
from pathlib import Path

import numpy as np
import pytest
import safetensors
from safetensors.numpy import load_file, save_file

from cutedl import Model, export, nn
from cutedl.errors import CheckpointError, CheckpointMismatchError, CheckpointReadError, ExportError, NotBuiltError
from cutedl.export import lowering
from tests.contracts import LAYERS
from tests.export.architectures import alike, assembled, samples


def network():
    return [
        nn.Dense(6, activation=nn.PRelu()),
        nn.BatchNormalization(),
        nn.Dense(6, use_bias=False),
        nn.LayerNormalization(),
        nn.Dropout(0.5),
        nn.Dense(3, activation="relu"),
    ]


@pytest.mark.parametrize("row", LAYERS.values(), ids=LAYERS)
def test_all_that_a_layer_holds_goes_there_and_back(row, tmp_path):
    model, other = (assembled([row.make()], row.inshape, seed=seed) for seed in (1, 2))
    weights = export.torch_state(model)
    assert sum(weight.size for weight in weights.values()) == model.arena.size + model.arena.statistics.size
    export.save_torch(model, tmp_path / "weights.safetensors")
    export.load_torch(other, tmp_path / "weights.safetensors")
    x = samples(row.inshape, 4, row.indices)
    np.testing.assert_array_equal(other.predict(x), model.predict(x))


def test_names_and_layouts():
    state = export.torch_state(assembled([*network(), nn.Residual([nn.Dense(2)], shortcut=nn.Dense(2))], (4,)))
    assert {name: weight.shape for name, weight in state.items()} == {
        "0.weight": (6, 4), "0.bias": (6,), "1.weight": (6,),
        "2.weight": (6,), "2.bias": (6,), "2.running_mean": (6,), "2.running_var": (6,),
        "3.weight": (6, 6), "4.weight": (6,), "4.bias": (6,), "6.weight": (3, 6), "6.bias": (3,),
        "8.layers.0.weight": (2, 3), "8.layers.0.bias": (2,),
        "8.shortcut.0.weight": (2, 3), "8.shortcut.0.bias": (2,),
    }  # fmt: skip


def test_the_state_is_a_copy():
    model = assembled([nn.Dense(2)], (2,))
    before = model.arena.values.copy()
    export.torch_state(model)["0.bias"][...] = 7
    np.testing.assert_array_equal(model.arena.values, before)


def test_other_dtypes_are_converted(tmp_path):
    model, other = assembled(network(), (4,), "float64"), assembled(network(), (4,), seed=5)
    export.save_torch(model, tmp_path / "weights.safetensors")
    assert load_file(tmp_path / "weights.safetensors")["0.weight"].dtype == "float64"
    export.load_torch(other, tmp_path / "weights.safetensors")
    alike(other.predict(x := samples((4,), 5)), model.predict(x).astype("float32"))


def test_what_does_not_fit_changes_nothing(tmp_path):
    model = assembled([nn.Dense(2)], (3,))
    before, path = model.arena.values.copy(), tmp_path / "weights.safetensors"
    save_file({"fc.weight": np.zeros((2, 3), "float32"), "0.bias": np.ones(2, "float32")}, path)
    with pytest.raises(
        CheckpointMismatchError, match=r"expected 0.weight \(2, 3\) float32, received no 0.weight, fc.w"
    ):
        export.load_torch(model, path)
    path.write_bytes(b"pickled")
    with pytest.raises(CheckpointError, match="no safetensors file"):
        export.load_torch(model, path)
    with pytest.raises(CheckpointReadError, match="cannot be read"):
        export.load_torch(model, tmp_path / "absent")
    np.testing.assert_array_equal(model.arena.values, before)


def test_refusals(tmp_path):
    class Own(nn.Tanh):
        pass

    with pytest.raises(ExportError, match="own_0 cannot be exported"):
        export.torch_state(assembled([Own()], (2,)))
    for use in (export.torch_state, lambda model: export.load_torch(model, tmp_path / "absent")):
        with pytest.raises(NotBuiltError, match="no weights yet"):
            use(Model([nn.Dense(2)]))
    assert Own not in lowering.LAYERS


class TestWithPyTorch:
    @pytest.fixture(autouse=True)
    def libraries(self):
        self.torch = pytest.importorskip("torch", reason="PyTorch is not installed: the extra [bench] has it")
        self.files = pytest.importorskip("safetensors.torch")

    def twin(self, seed=0):
        """The same network in PyTorch, with statistics that are none of those that it starts from."""
        torch = self.torch
        torch.manual_seed(seed)
        twin = torch.nn.Sequential(
            torch.nn.Linear(4, 6),
            torch.nn.PReLU(6),
            torch.nn.BatchNorm1d(6, eps=0.001),
            torch.nn.Linear(6, 6, bias=False),
            torch.nn.LayerNorm(6, eps=0.001),
            torch.nn.Dropout(0.5),
            torch.nn.Linear(6, 3),
            torch.nn.ReLU(),
        )
        for _ in range(3):
            twin(torch.randn(16, 4))
        return twin.eval()

    def outputs(self, twin, x):
        with self.torch.no_grad():
            return twin(self.torch.from_numpy(x)).numpy()

    def test_from_pytorch(self, tmp_path):
        twin, model, x = self.twin(), assembled(network(), (4,)), samples((4,), 50)
        self.files.save_file(twin.state_dict(), tmp_path / "weights.safetensors")
        export.load_torch(model, tmp_path / "weights.safetensors")
        alike(model.predict(x), self.outputs(twin, x))

    def test_to_pytorch(self, tmp_path):
        twin, model, x = self.twin(), assembled(network(), (4,)), samples((4,), 50)
        export.save_torch(model, tmp_path / "weights.safetensors")
        twin.load_state_dict(self.files.load_file(tmp_path / "weights.safetensors"))  # strict: all names, no others
        alike(model.predict(x), self.outputs(twin, x))

    def test_there_and_back_is_the_same_to_the_bit(self, tmp_path):
        path, model = tmp_path / "weights.safetensors", assembled(network(), (4,))
        export.save_torch(model, path)
        twin = self.twin(seed=1)
        twin.load_state_dict(self.files.load_file(path))
        self.files.save_file(twin.state_dict(), path)
        other = assembled(network(), (4,), seed=9)
        export.load_torch(other, path)
        np.testing.assert_array_equal(other.arena.values, model.arena.values)
        np.testing.assert_array_equal(other.arena.statistics, model.arena.statistics)

    def test_embeddings(self, tmp_path):
        torch = self.torch
        twin = torch.nn.Sequential(torch.nn.Embedding(7, 3), torch.nn.Flatten(), torch.nn.Linear(6, 2))
        model = assembled([nn.Embedding(7, 3), nn.Flatten(), nn.Dense(2)], (2,))
        x = samples((2,), 20, indices=7)
        self.files.save_file(twin.state_dict(), tmp_path / "weights.safetensors")
        export.load_torch(model, tmp_path / "weights.safetensors")
        alike(model.predict(x), self.outputs(twin, x))

    def test_the_guide(self, tmp_path, monkeypatch):
        """Its PyTorch block, which the tests of the docs leave out."""
        page = (Path(__file__).parents[2] / "docs" / "exporting.md").read_text()
        (block,) = re.findall(r"^```py\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
        layers = [nn.Dense(16, activation="gelu"), nn.BatchNormalization(), nn.Dropout(0.2), nn.Dense(3), nn.Softmax()]
        model, x = assembled(layers, (6,)), samples((6,), 20)
        monkeypatch.chdir(tmp_path)
        export.save_torch(model, "weights.safetensors")
        exec(block, names := {"torch": self.torch, "safetensors": safetensors})
        alike(model.predict(x), self.outputs(names["network"].eval(), x))
        export.load_torch(model, "weights.safetensors")
