"""Record what PyTorch makes of each layer, in float64: python tests/golden/record_layers.py (needs torch)."""

import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / "layers.json"
EPSILON = 0.001


def batch_norm(torch, x, scale, offset):
    """Features are PyTorch's axis 1, cutedl's last one."""
    y = torch.nn.functional.batch_norm(torch.movedim(x, -1, 1), None, None, scale, offset, training=True, eps=EPSILON)
    return torch.movedim(y, 1, -1)


def residual(torch, x, kernel, bias):
    return x + torch.tanh(x @ kernel + bias)


def projected(torch, x, kernel, bias, projection):
    return x @ projection + torch.tanh(x @ kernel + bias)


def functional(name):
    return lambda torch, *arrays, **options: getattr(torch.nn.functional, name)(*arrays, **options)


# name: shape of x, shapes of the parameters, PyTorch's forward
CASES = {
    "dense": ((4, 3), {"kernel": (3, 2), "bias": (2,)}, lambda t, x, W, b: functional("linear")(t, x, W.T, b)),
    "dense_3d": ((2, 4, 3), {"kernel": (3, 2), "bias": (2,)}, lambda t, x, W, b: functional("linear")(t, x, W.T, b)),
    "dense_no_bias": ((4, 3), {"kernel": (3, 2)}, lambda t, x, W: functional("linear")(t, x, W.T)),
    "flatten": ((2, 3, 2), {}, lambda t, x: t.flatten(x, 1)),
    "reshape": ((2, 6), {}, lambda t, x: t.unflatten(x, 1, (2, 3))),
    "layer_normalization": (
        (3, 2, 5), {"scale": (5,), "offset": (5,)},
        lambda t, x, scale, offset: functional("layer_norm")(t, x, (5,), scale, offset, eps=EPSILON),
    ),
    "batch_normalization": ((6, 4), {"scale": (4,), "offset": (4,)}, batch_norm),
    "batch_normalization_3d": ((3, 5, 4), {"scale": (4,), "offset": (4,)}, batch_norm),
    "residual": ((4, 3), {"kernel": (3, 3), "bias": (3,)}, residual),
    "residual_projected": ((4, 3), {"kernel": (3, 2), "bias": (2,), "projection": (3, 2)}, projected),
}  # fmt: skip


def record():
    """Return {case: its arrays as lists}: x, dy, parameters, and PyTorch's y, dx and gradients."""
    import torch

    cases = {}
    for seed, (name, (shape, parameter_shapes, forward)) in enumerate(CASES.items()):
        generator = np.random.default_rng(seed)
        x = torch.tensor(generator.normal(size=shape), requires_grad=True)
        parameters = {
            key: torch.tensor(generator.normal(size=size), requires_grad=True) for key, size in parameter_shapes.items()
        }
        y = forward(torch, x, *parameters.values())
        dy = torch.tensor(generator.normal(size=tuple(y.shape)))
        y.backward(dy)
        cases[name] = {
            "x": x.tolist(),
            "dy": dy.tolist(),
            "parameters": {key: parameter.tolist() for key, parameter in parameters.items()},
            "y": y.tolist(),
            "dx": x.grad.tolist(),
            "gradients": {key: parameter.grad.tolist() for key, parameter in parameters.items()},
        }
    return cases | {"moving_statistics": record_moving_statistics(torch), "embedding": record_embedding(torch)}


def record_moving_statistics(torch, momentum=0.8):
    """Two batches, then an evaluation. PyTorch's momentum is 1 - momentum, its moving variance takes rows - 1."""
    generator = np.random.default_rng(99)
    batches = torch.tensor(generator.normal(2.0, 3.0, size=(2, 6, 4)))
    mean, unbiased = torch.zeros(4, dtype=torch.float64), torch.ones(4, dtype=torch.float64)
    for batch in batches:
        functional("batch_norm")(torch, batch, mean, unbiased, training=True, momentum=1 - momentum)
    left = momentum**2  # of the 1 that the variance starts from
    variance = left + (unbiased - left) * 5 / 6
    evaluated = functional("batch_norm")(torch, batches[0], mean, variance, eps=EPSILON)
    arrays = {"batches": batches, "mean": mean, "variance": variance, "evaluated": evaluated}
    return {"momentum": momentum} | {key: array.tolist() for key, array in arrays.items()}


def record_embedding(torch):
    """Indices that repeat within a sample and between samples, and one, 5, that does not occur."""
    generator = np.random.default_rng(98)
    x, table = [[0, 2, 2], [4, 1, 3], [3, 2, 0]], torch.tensor(generator.normal(size=(6, 3)), requires_grad=True)
    y = functional("embedding")(torch, torch.tensor(x), table)
    dy = torch.tensor(generator.normal(size=tuple(y.shape)))
    y.backward(dy)
    arrays = {"table": table, "dy": dy, "y": y, "gradient": table.grad}
    return {"x": x} | {key: array.tolist() for key, array in arrays.items()}


if __name__ == "__main__":
    cases = record()
    FILE.write_text("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in cases.items()) + "\n}\n")
    print(f"{len(cases)} cases recorded in {FILE}")
