"""Record tests/golden/optimizers.json: `KERAS_BACKEND=torch python -m tests.golden.record_optimizers`.

50 steps of PyTorch's and Keras' optimizers in float64, on a matrix of 4 and a vector of 1 numbers, with gradients that
are given. PyTorch has no decoupled decay but AdamW's: for its other rules the weights are multiplied by
1 - learning_rate weight_decay before the step, as Keras does. Clipping is PyTorch's for both: Keras takes norms in
float32.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_name("optimizers.json")
STEPS, KEPT = 50, (2, 50)

# name: our class, our arguments, the original and its arguments
CASES = {
    "sgd": ("SGD", {"learning_rate": 0.1}, "torch.SGD", {"lr": 0.1}),
    "sgd_keras": ("SGD", {"learning_rate": 0.1}, "keras.SGD", {"learning_rate": 0.1}),
    "momentum": ("Momentum", {}, "torch.SGD", {"lr": 0.01, "momentum": 0.9}),
    "momentum_keras": ("Momentum", {}, "keras.SGD", {"learning_rate": 0.01, "momentum": 0.9}),
    "nesterov": (
        "SGD", {"momentum": 0.8, "nesterov": True}, "torch.SGD", {"lr": 0.01, "momentum": 0.8, "nesterov": True}
    ),
    "nesterov_keras": (
        "Momentum", {"nesterov": True}, "keras.SGD", {"learning_rate": 0.01, "momentum": 0.9, "nesterov": True}
    ),
    "adagrad": ("Adagrad", {}, "torch.Adagrad", {}),
    "adagrad_from": (
        "Adagrad", {"initial_accumulator_value": 0.5}, "torch.Adagrad", {"initial_accumulator_value": 0.5}
    ),
    "rmsprop": ("RMSProp", {}, "torch.RMSprop", {}),
    "rmsprop_momentum": (
        "RMSProp", {"rho": 0.9, "momentum": 0.7}, "torch.RMSprop", {"alpha": 0.9, "momentum": 0.7}
    ),
    "rmsprop_centered": (
        "RMSProp", {"centered": True, "momentum": 0.5}, "torch.RMSprop", {"centered": True, "momentum": 0.5}
    ),
    "adadelta": ("Adadelta", {}, "torch.Adadelta", {}),
    "adam": ("Adam", {"beta1": 0.8}, "torch.Adam", {"betas": (0.8, 0.999)}),
    "amsgrad": ("AMSGrad", {"beta2": 0.9}, "torch.Adam", {"betas": (0.9, 0.9), "amsgrad": True}),
    "adamw": ("AdamW", {}, "torch.AdamW", {}),
    "nadam": ("Nadam", {}, "torch.NAdam", {}),
    "adamax": ("Adamax", {}, "torch.Adamax", {}),
    "lion": ("Lion", {"learning_rate": 0.001}, "keras.Lion", {"learning_rate": 0.001}),
}  # fmt: skip

MODES = {
    "plain": {},
    "decay": {"weight_decay": 0.1},
    "clip_value": {"clip_value": 0.5},
    "clip_norm": {"clip_norm": 0.8},
    "clip_global_norm": {"clip_global_norm": 0.8},
    "schedule": {"cosine": True},
    "all": {"weight_decay": 0.1, "clip_global_norm": 0.8, "cosine": True},
}

# Keras keeps the rate inside the velocity: another trajectory where the rate changes.
LEFT_OUT = {(name, mode) for name in ("momentum_keras", "nesterov_keras") for mode in ("schedule", "all")}

# name: our class and arguments; the same curve in PyTorch (of the rate of an optimizer) or Keras
SCHEDULES = {
    "step": ("StepDecay", {"decay_steps": 7, "decay_rate": 0.3}, "torch.StepLR", {"step_size": 7, "gamma": 0.3}),
    "exponential": (
        "ExponentialDecay", {"decay_steps": 7, "decay_rate": 0.3},
        "keras.ExponentialDecay", {"decay_steps": 7, "decay_rate": 0.3},
    ),
    "exponential_torch": (
        "ExponentialDecay", {"decay_steps": 1, "decay_rate": 0.9}, "torch.ExponentialLR", {"gamma": 0.9}
    ),
    "polynomial": (
        "PolynomialDecay", {"decay_steps": 30, "end_learning_rate": 0.02, "power": 2.0},
        "keras.PolynomialDecay", {"decay_steps": 30, "end_learning_rate": 0.02, "power": 2.0},
    ),
    "cosine": (
        "CosineDecay", {"decay_steps": 50, "end_learning_rate": 0.02},
        "torch.CosineAnnealingLR", {"T_max": 50, "eta_min": 0.02},
    ),
    "cosine_keras": (
        "CosineDecay", {"decay_steps": 30, "end_learning_rate": 0.02},
        "keras.CosineDecay", {"decay_steps": 30, "alpha": 0.1},
    ),
    "restarts": (
        "CosineRestarts", {"decay_steps": 8, "end_learning_rate": 0.02},
        "torch.CosineAnnealingWarmRestarts", {"T_0": 8, "T_mult": 2, "eta_min": 0.02},
    ),
    "restarts_alike": (
        "CosineRestarts", {"decay_steps": 8, "t_mul": 1.0},
        "torch.CosineAnnealingWarmRestarts", {"T_0": 8, "T_mult": 1},
    ),
    "restarts_keras": (
        "CosineRestarts", {"decay_steps": 8, "t_mul": 1.5, "m_mul": 0.5},
        "keras.CosineDecayRestarts", {"first_decay_steps": 8, "t_mul": 1.5, "m_mul": 0.5},
    ),
    "one_cycle": ("OneCycle", {"total_steps": 50}, "torch.OneCycleLR", {"max_lr": 0.2, "total_steps": 50}),
}  # fmt: skip
RATE = 0.2


def trajectory(name: str, mode: str, start: np.ndarray, gradients: np.ndarray) -> dict[str, list[float]]:
    """The original's five numbers after some of the steps."""
    original, arguments = CASES[name][2:]
    library, rule = original.split(".")
    run = {"torch": _torch_run, "keras": _keras_run}[library]
    seen = run(rule, arguments, MODES[mode], start, gradients)
    return {str(step): seen[step - 1] for step in KEPT}


def _torch_run(rule, arguments, mode, start, gradients):
    import torch

    parameters = [torch.tensor(part, dtype=torch.float64) for part in (start[:4].reshape(2, 2), start[4:])]
    optimizer = getattr(torch.optim, rule)(
        [{"params": [p], **({"weight_decay": 0.0} if p.ndim < 2 else {})} for p in parameters], **arguments
    )
    schedule = None
    if rule == "AdamW" and "weight_decay" in mode:
        optimizer.param_groups[0]["weight_decay"] = mode["weight_decay"]
    if "cosine" in mode:
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS, optimizer.param_groups[0]["lr"] / 10)
    seen = []
    for g in gradients:
        for p, part in zip(parameters, _clipped((g[:4].reshape(2, 2), g[4:]), mode), strict=True):
            p.grad = part
        if rule != "AdamW" and "weight_decay" in mode:
            parameters[0].mul_(1 - optimizer.param_groups[0]["lr"] * mode["weight_decay"])
        optimizer.step()
        if schedule is not None:
            schedule.step()
        seen.append(torch.cat([p.reshape(-1) for p in parameters]).tolist())
    return seen


def _clipped(parts, mode):
    """PyTorch's clipping; the 1e-6 that it adds to a norm is taken away first."""
    import torch
    from torch.nn.utils import clip_grad_value_, clip_grads_with_norm_, get_total_norm

    holders = [torch.zeros(part.shape) for part in parts]
    for holder, part in zip(holders, parts, strict=True):
        holder.grad = torch.tensor(part)
    if "clip_value" in mode:
        clip_grad_value_(holders, mode["clip_value"])
    for group in [holders] if "clip_global_norm" in mode else [[h] for h in holders] if "clip_norm" in mode else []:
        length = get_total_norm([holder.grad for holder in group]) - 1e-6
        clip_grads_with_norm_(group, mode.get("clip_global_norm", mode.get("clip_norm")), length)
    return [holder.grad for holder in holders]


def _keras_run(rule, arguments, mode, start, gradients):
    import keras

    options = dict(arguments)
    if "weight_decay" in mode:
        options["weight_decay"] = mode["weight_decay"]
    if "cosine" in mode:
        options["learning_rate"] = keras.optimizers.schedules.CosineDecay(arguments["learning_rate"], STEPS, alpha=0.1)
    optimizer = getattr(keras.optimizers, rule)(**options)
    parameters = [keras.Variable(part, dtype="float64") for part in (start[:4].reshape(2, 2), start[4:])]
    optimizer.exclude_from_weight_decay([parameters[1]])
    seen = []
    for g in gradients:
        optimizer.apply(_clipped((g[:4].reshape(2, 2), g[4:]), mode), parameters)
        seen.append(np.concatenate([keras.ops.convert_to_numpy(p).ravel() for p in parameters]).tolist())
    return seen


def curve(name: str) -> list[float]:
    """The original's rates of steps 1 to 50, from 0.2 at its highest."""
    original, arguments = SCHEDULES[name][2:]
    library, schedule = original.split(".")
    if library == "keras":
        import keras

        made = getattr(keras.optimizers.schedules, schedule)(RATE, **arguments)
        return [float(made(step)) for step in range(STEPS)]
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=RATE)
    made = getattr(torch.optim.lr_scheduler, schedule)(optimizer, **arguments)
    rates = []
    for _ in range(STEPS):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if len(rates) < STEPS:
            made.step()
    return rates


def record() -> dict:
    """Everything that the tests compare with, by name."""
    import keras
    import torch

    before = keras.config.floatx(), torch.get_default_dtype()
    keras.config.set_floatx("float64")
    torch.set_default_dtype(torch.float64)  # NAdam keeps its product of momenta in the default
    try:
        return _record()
    finally:
        keras.config.set_floatx(before[0])
        torch.set_default_dtype(before[1])


def _record() -> dict:
    generator = np.random.default_rng(7)
    start, gradients = generator.normal(size=5).round(3), generator.normal(size=(STEPS, 5)).round(3)
    return {
        "start": start.tolist(),
        "gradients": gradients.tolist(),
        "trajectories": {
            name: {mode: trajectory(name, mode, start, gradients) for mode in MODES if (name, mode) not in LEFT_OUT}
            for name in CASES
        },
        "schedules": {name: curve(name) for name in SCHEDULES},
    }


if __name__ == "__main__":
    os.environ.setdefault("KERAS_BACKEND", "torch")
    PATH.write_text(json.dumps(record()) + "\n")
