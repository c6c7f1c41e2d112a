"""Export: a model for programs without cutedl, as ONNX, as one NumPy file, as PyTorch's weights.

Both formats are written from one graph of primitive operations (graph.py), into which every layer is put once
(lowering.py).
"""

from cutedl.export.numpy_file import export_numpy
from cutedl.export.onnx_file import export_onnx
from cutedl.export.torch_weights import load_torch, save_torch, torch_state

__all__ = ["export_numpy", "export_onnx", "load_torch", "save_torch", "torch_state"]
