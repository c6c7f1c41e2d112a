"""Record outputs and gradients of PyTorch's activations, in float64, as activations.json.

Run it where torch is installed: python tests/golden/record_activations.py
"""

import json
from pathlib import Path

FILE = Path(__file__).with_name("activations.json")


def activations():
    """Return PyTorch's functions by the names they have here."""
    import torch
    from torch.nn import functional as F

    return {
        "elu": F.elu,
        "exponential": torch.exp,
        "gelu": F.gelu,
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
        # F.hardsigmoid takes 1/6 from float32 in its gradient, also for float64
        "hard_sigmoid": lambda x: F.relu6(x + 3) / 6,
        "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
        "linear": lambda x: x * 1,
        "log_sigmoid": F.logsigmoid,
        "log_softmax": lambda x: F.log_softmax(x, dim=-1),
        "mish": F.mish,
        "relu": F.relu,
        "selu": F.selu,
        "sigmoid": torch.sigmoid,
        "silu": F.silu,
        "softmax": lambda x: F.softmax(x, dim=-1),
        "softplus": lambda x: F.softplus(x, threshold=1000),  # PyTorch returns x itself above its threshold
        "softsign": F.softsign,
        "tanh": torch.tanh,
    }


def batch():
    """Return x and dy, (8, 5): ordinary values, both tails, and the kinks 0 and ±3."""
    import torch

    generator = torch.Generator().manual_seed(0)
    x = 3 * torch.randn(8, 5, generator=generator, dtype=torch.float64)
    x[0] = torch.tensor([0.0, -3.0, 3.0, -0.5, 0.5])
    x[1] = torch.tensor([-30.0, 30.0, -8.0, 8.0, 1e-9])
    return x, torch.randn(8, 5, generator=generator, dtype=torch.float64)


def backward(function, x, dy):
    """Return y and dx as lists."""
    x = x.clone().requires_grad_()
    y = function(x)
    y.backward(dy)
    return {"y": y.tolist(), "dx": x.grad.tolist()}


def record():
    """Return everything that the test compares, by activation."""
    import torch

    x, dy = batch()
    inputs = {"x": x.tolist(), "dy": dy.tolist()}
    results = {name: inputs | backward(function, x, dy) for name, function in activations().items()}
    alpha = [0.25, -0.5, 0.0, 1.5, 0.1]
    prelu = torch.nn.PReLU(5, dtype=torch.float64)
    prelu.weight.data.copy_(torch.tensor(alpha, dtype=torch.float64))
    results["prelu"] = inputs | backward(prelu, x, dy) | {"alpha": alpha, "dalpha": prelu.weight.grad.tolist()}
    return results


if __name__ == "__main__":
    FILE.write_text(json.dumps(record()) + "\n")
