"""Objective: what a step minimises, a network and a loss, with a last softmax or sigmoid taken into the loss.

Softmax followed by -sum y log p loses what makes the loss exact: p rounds to 0 or 1. A loss with from_logits=False can
take the logits and contain the activation instead; the composition is the same function, its gradient p sum(y) - y.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from cutedl.losses import Loss
    from cutedl.model import Model
    from cutedl.nn import Layer

__all__ = ["Objective"]


@dataclass(frozen=True, slots=True)
class Objective:
    """A network and the loss of its outputs; head is the activation that the loss contains, or None."""

    network: Model
    loss: Loss
    head: Layer | None

    @classmethod
    def of(cls, model: Model, loss: Loss) -> Objective:
        """Take the last activation of an assembled model into the loss, if the loss is made for it.

        >>> from cutedl import losses, nn
        >>> from cutedl.model import Model
        >>> model = Model([nn.Dense(3, inshape=2, activation="softmax")])
        >>> model.assemble()
        >>> objective = Objective.of(model, losses.CategoricalCrossentropy(from_logits=False))
        >>> print(objective.head, objective.loss.from_logits)
        Softmax() True
        """
        head = model.chain[-1]
        contained = head.kind() == loss.activation
        along_last = getattr(loss, "axis", -1) in (-1, len(model.shapes[-1]))
        if loss.from_logits or not contained or not along_last or len(model.chain) == 1:
            return cls(model, loss, None)
        return cls(model.trunk(), loss.on_logits(), head)

    def outputs(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return the model's outputs for the network's."""
        return y if self.head is None else self.head.forward(y, np.empty_like(y), False)
