"""Verification: does a runtime compute from an ONNX file what predict computes?"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cutedl.errors import ExportError, MissingLibraryError
from cutedl.model import Model
from cutedl.nn import Embedding, Layer, Residual, chain

__all__ = ["verify_onnx"]

_TOLERANCE = 1e-5
_ROWS = (1, 7)


def verify_onnx(model: Model, data: bytes) -> None:
    """Compare onnxruntime with predict on random samples, to 1e-5 of the largest output, or of 1 where all are smaller.

    data: the bytes of the file. Raises MissingLibraryError without onnxruntime, ExportError for a difference.
    """
    try:
        import onnxruntime
    except ImportError:
        raise MissingLibraryError(
            "export_onnx(verify=True) needs onnxruntime.",
            hint='pip install "cutedl[onnx]"; verify=False writes the file unchecked.',
        ) from None
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    kind = np.int64 if model.chain[0].takes_indices else np.float32
    limit = min(_index_limits(model.chain), default=None)
    generator = np.random.default_rng(0)
    for rows in _ROWS:
        shape = (rows, *model.shapes[0])
        x = generator.standard_normal(shape) if limit is None else generator.integers(limit, size=shape)
        expected, (received,) = model.predict(x), session.run(["y"], {"x": x.astype(kind)})
        largest = np.max(np.abs(expected), where=np.isfinite(expected), initial=1.0)
        if not np.allclose(received, expected, rtol=0, atol=_TOLERANCE * float(largest), equal_nan=True):
            raise ExportError(
                "onnxruntime computes other outputs than predict; no file was written.",
                expected=f"differences of at most {_TOLERANCE * float(largest):g}",
                received=f"{np.nanmax(np.abs(received - expected)):g}",
                hint="large weights magnify the rounding of float32; verify=False writes the file all the same.",
            )


def _index_limits(layers: Iterable[Layer]) -> Iterable[int]:
    """How many indices each embedding knows."""
    for layer in layers:
        if isinstance(layer, Embedding):
            yield layer.input_dim
        elif isinstance(layer, Residual):
            yield from _index_limits(chain.expand([*layer.layers, *(layer.shortcut or ())]))
