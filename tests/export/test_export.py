"""ONNX and NumPy files compute what predict computes: every layer, random architectures, large and small inputs."""

import re
import stat
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cutedl
from cutedl import Model, nn
from cutedl.errors import ExportError, MissingLibraryError, NotBuiltError
from cutedl.export import lowering
from cutedl.export.graph import PRIMITIVES, Constant, Graph
from cutedl.export.numpy_file import _statements
from cutedl.nn.layer import Sugar
from tests.contracts import LAYERS
from tests.export.architectures import ACTIVATIONS, ARCHITECTURES, INSHAPES, alike, assembled, exported, samples

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

each_layer = pytest.mark.parametrize("row", LAYERS.values(), ids=LAYERS)


def runtime(model, folder, verify=True):
    """The ONNX file as a function of x."""
    path = folder / "network.onnx"
    cutedl.export_onnx(model, path, verify)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda x: session.run(["y"], {"x": x})[0]


def test_every_layer_has_a_row_and_every_row_is_tested():
    public = [getattr(nn, name) for name in nn.__all__]
    layers = {each for each in public if isinstance(each, type) and issubclass(each, nn.Layer) and each is not nn.Layer}
    assert set(lowering.LAYERS) == {layer for layer in layers if not issubclass(layer, Sugar)}
    run = {type(layer) for row in LAYERS.values() for layer in row.make().expand()}
    assert set(lowering.LAYERS) == run


@each_layer
def test_onnx_and_numpy_equal_predict(row, tmp_path):
    model = assembled([row.make()], row.inshape)
    onnx_file, numpy_file = runtime(model, tmp_path), exported(model, tmp_path)
    for rows, scale in ((1, 1.0), (5, 1e-6), (5, 1.0), (5, 30.0)):
        x = samples(row.inshape, rows, row.indices, scale)
        expected = model.predict(x)
        alike(onnx_file(x), expected)
        alike(numpy_file.predict(x), expected)
        assert numpy_file.predict(x).dtype == expected.dtype == "float32"


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "exponential"])
def test_activations_of_very_large_numbers(name, tmp_path):
    model = assembled([nn.activations.get(name)], (6,))
    x = np.array([[-1e30, -1e4, -40, 40, 1e4, 1e30]], "float32")
    expected = model.predict(x)
    for y in (runtime(model, tmp_path)(x), exported(model, tmp_path).predict(x)):
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(layers=ARCHITECTURES, inshape=INSHAPES, rows=st.integers(1, 9), seed=st.integers(0, 99))
def test_random_architectures(layers, inshape, rows, seed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("random")
    model, x = assembled(layers, inshape, seed=seed), samples(inshape, rows, seed=seed)
    alike(runtime(model, folder)(x), model.predict(x))
    alike(exported(model, folder).predict(x), model.predict(x))


def test_the_numpy_file_is_exact_in_float64(tmp_path):
    layers = [nn.Dense(7, activation="gelu"), nn.LayerNormalization(), nn.Residual([nn.Mish()]), nn.Dense(2)]
    model = assembled(layers, (3,), "float64")
    y = exported(model, tmp_path).predict(x := samples((3,), 5).astype("float64"))
    assert y.dtype == "float64"
    np.testing.assert_allclose(y, model.predict(x), rtol=0, atol=1e-13)
    alike(runtime(model, tmp_path)(x.astype("float32")), model.predict(x).astype("float32"))


def test_the_numpy_files_need_numpy_only(tmp_path):
    """All of them in one process that cannot import cutedl, with warnings as errors."""
    expected = {}
    for name, row in LAYERS.items():
        model = assembled([row.make()], row.inshape)
        cutedl.export_numpy(model, tmp_path / f"{name}.py")
        np.save(tmp_path / f"{name}.x.npy", x := samples(row.inshape, 3, row.indices))
        expected[name] = model.predict(x)
    code = """
import runpy, sys
from pathlib import Path
sys.modules |= dict.fromkeys(["cutedl", "scipy", "onnx", "matplotlib", "safetensors"])
for path in Path(sys.argv.pop()).glob("*.py"):
    sys.argv[1:] = [f"{path.with_suffix('')}.x.npy", f"{path.with_suffix('')}.y.npy"]
    runpy.run_path(path, run_name="__main__")
"""
    subprocess.run([sys.executable, "-I", "-W", "error", "-c", code, tmp_path], check=True)
    for name, y in expected.items():
        alike(np.load(tmp_path / f"{name}.y.npy"), y)


def test_the_command_line_of_a_numpy_file(tmp_path):
    path = tmp_path / "own name.py"
    cutedl.export_numpy(assembled([nn.Linear()], (2,)), path)
    np.save(tmp_path / "x.npy", [[1.0, 2.0]])

    def run(*arguments):
        return subprocess.run([sys.executable, "-I", path, *arguments], capture_output=True, text=True, cwd=tmp_path)

    assert run("x.npy").stdout == "[[1. 2.]]\n"
    done = run()
    assert (done.returncode, done.stderr) == (1, "usage: python own name.py x.npy [y.npy]\n")


@pytest.mark.parametrize("name", ['a"b', 'a"""b', "a\\b", "a\\", "a\nb", "{x}", "größe"])
def test_a_file_of_any_name_is_python(name, tmp_path):
    path = tmp_path / f"{name}.py"
    cutedl.export_numpy(assembled([nn.Linear()], (2,)), path)
    exec(compile(path.read_bytes(), "network", "exec"), module := {"__name__": "network"})
    assert f"python {name}.py x.npy y.npy" in module["__doc__"]
    with pytest.raises(SystemExit, match=re.escape(f"usage: python {name}.py ")):
        module["main"]([])


def test_any_number_of_rows_and_wrong_shapes(tmp_path):
    model = assembled([nn.Reshape((2, 3)), nn.Dense(4), nn.Flatten()], (6,))
    onnx_file, numpy_file = runtime(model, tmp_path), exported(model, tmp_path)
    for rows in (0, 1, 1000):
        x = samples((6,), rows)
        assert onnx_file(x).shape == numpy_file.predict(x).shape == (rows, 8)
    with pytest.raises(ValueError, match=r"another shape. expected \(batch, 6\), received \(3, 5\)"):
        numpy_file.predict(np.zeros((3, 5)))
    assert [axis.dim_param or axis.dim_value for axis in _axes(tmp_path / "network.onnx")] == ["batch", 8]


def _axes(path):
    return onnx.load(path).graph.output[0].type.tensor_type.shape.dim


def test_the_numpy_file_returns_an_array_of_its_own(tmp_path):
    x = samples((4,), 2)
    y = exported(assembled([nn.Dropout(0.5)], (4,)), tmp_path).predict(x)
    assert not np.shares_memory(x, y)


def test_indices_are_integers_in_both_files(tmp_path):
    model = assembled([nn.Embedding(7, 3), nn.Flatten()], (2,))
    onnx_file, numpy_file = runtime(model, tmp_path), exported(model, tmp_path)
    assert onnx_file(np.array([[0, 6]], np.int64)).shape == (1, 6)
    with pytest.raises(IndexError, match="index -1 is below 0"):
        numpy_file.predict([[0, -1]])
    with pytest.raises(IndexError):
        numpy_file.predict([[0, 7]])


def test_names_of_any_kind(tmp_path):
    name = "Schicht \"1\" 'ä'\n\t\\ {x} # é"
    model = assembled([nn.Dense(3, name=name), nn.Relu(name="x"), nn.Dense(2, name="np")], (2,))
    x = samples((2,), 4)
    alike(exported(model, tmp_path).predict(x), model.predict(x))
    alike(runtime(model, tmp_path)(x), model.predict(x))


def test_expressions_have_the_parentheses_that_they_need():
    graph = Graph((2,), np.dtype("float32"))
    a, b = (Constant(name, np.ones(2)) for name in "ab")
    graph.output = (graph.x + a) * 2.0 - (graph.x - a - b) / (-(graph.x * b) * 0.5)
    assert _statements(graph)[0] == ("h0 = (x + W['a']) * 2.0 - (x - W['a'] - W['b']) / (-(x * W['b']) * 0.5)  # ")


def test_every_primitive_is_used():
    used = set()
    for row in LAYERS.values():
        used |= {value.operation for value in lowering.lower(assembled([row.make()], row.inshape)).values}
    assert used == set(PRIMITIVES)


class Own(nn.Tanh):
    """A layer of the user's own, which may compute anything."""


@pytest.mark.parametrize("export", [cutedl.export_onnx, cutedl.export_numpy])
class TestRefusals:
    def test_own_layers(self, export, tmp_path):
        model = assembled([nn.Dense(2), nn.Residual([Own()])], (2,))
        message = (
            r"own_0 cannot be exported: .* what Own computes. expected layers of cutedl.nn, received Own\(\). hint:"
        )
        with pytest.raises(ExportError, match=message):
            export(model, tmp_path / "network")
        assert not list(tmp_path.iterdir())

    def test_before_assemble(self, export, tmp_path):
        with pytest.raises(NotBuiltError, match=r"call model.assemble\(\) first"):
            export(Model([nn.Dense(2, inshape=3)]), tmp_path / "network")

    def test_what_was_there_stays_where_writing_fails(self, export, tmp_path):
        model = assembled([nn.Tanh()], (2,))
        folder = tmp_path / "taken"
        folder.write_text("a file")
        with pytest.raises(OSError, match="taken"):
            export(model, folder / "network")
        export(model, tmp_path / "network")
        mode = (tmp_path / "network").stat().st_mode
        before = (tmp_path / "network").read_bytes()
        export(model, tmp_path / "network")
        assert (tmp_path / "network").read_bytes() == before
        assert stat.S_IMODE((tmp_path / "network").stat().st_mode) == stat.S_IMODE(mode)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["network", "taken"]


@pytest.mark.parametrize(
    ("library", "message"),
    [
        ("onnx", r'export_onnx needs onnx. hint: pip install "cutedl\[onnx\]"'),
        ("onnxruntime", r"export_onnx\(verify=True\) needs onnxruntime. hint: .* verify=False"),
    ],
)
def test_a_missing_library_is_named(library, message, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    model = assembled([nn.Tanh()], (2,))
    with pytest.raises(MissingLibraryError, match=message):
        cutedl.export_onnx(model, tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())
    if library == "onnxruntime":
        cutedl.export_onnx(model, tmp_path / "network.onnx", verify=False)


def test_verify_notices_other_outputs(tmp_path, monkeypatch):
    monkeypatch.setitem(lowering.LAYERS, nn.Tanh, lambda layer, x: x * 0.9)
    model = assembled([nn.Tanh()], (2,))
    message = "onnxruntime computes other outputs than predict.* expected differences of at most 1e-05, received 0"
    with pytest.raises(ExportError, match=message):
        cutedl.export_onnx(model, tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())


def test_the_same_model_gives_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        model = assembled([nn.Dense(3, activation="relu"), nn.Dense(2)], (4,))
        cutedl.export_onnx(model, tmp_path / folder / "network.onnx")
        cutedl.export_numpy(model, tmp_path / folder / "network.py")
    for name in ("network.onnx", "network.py"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
