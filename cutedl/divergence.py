"""Divergence: what to say when loss or gradient is no finite number any more, looked into only then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cutedl.errors import NonFiniteError

if TYPE_CHECKING:
    from cutedl.model import Model
    from cutedl.session import Session

__all__ = ["gradient_diverged", "loss_diverged"]

_HINT = "try a smaller learning rate, clip_global_norm=1.0, or scale the input to about [0, 1]."


def loss_diverged(session: Session, network: Model, loss: float, x: NDArray[Any]) -> NonFiniteError:
    """Return the error for a loss that is NaN or infinite: names the layer of the network where it began."""
    outputs = network.outputs(len(x))
    culprit = next((name for name, output in outputs.items() if not np.isfinite(output).all()), None)
    began = f"{culprit} is the first layer with such outputs" if culprit else "the outputs of all layers are finite"
    norm = f"gradient norm of the step before {session.gradient_norm:.4g}"
    return _error(session, f"loss became {loss}", began, norm, x)


def gradient_diverged(session: Session, x: NDArray[Any]) -> NonFiniteError:
    """Return the error for a gradient that is not finite although the loss is: names the parameter nearest the loss."""
    arena = session.model.arena
    gradients = {name: parameter.gradient for name, parameter in arena.parameters.items()}
    gradients |= {name: table.row_gradients for name, table in arena.tables.items()}
    culprits = [name for name, gradient in gradients.items() if not np.isfinite(gradient).all()]
    began = f"that of {culprits[-1]} is not finite" if culprits else "its norm overflows"
    return _error(session, "the gradient diverged", began, f"gradient norm {session.gradient_norm:.4g}", x)


def _error(session: Session, what: str, began: str, norm: str, x: NDArray[Any]) -> NonFiniteError:
    optimizer, comm = session.optimizer, session.comm
    began += "" if comm.size == 1 else f" on rank {comm.rank}"
    return NonFiniteError(
        f"{what} at step {optimizer.steps + 1} (epoch {session.epoch}, batch {session.batch + 1}): {began}. "
        "Nothing was updated: the weights are those of the step before.",
        received=f"learning rate {optimizer.learning_rate:g}, {norm}, largest |x| {float(np.abs(x).max(initial=0)):g}",
        hint=_HINT,
    )
