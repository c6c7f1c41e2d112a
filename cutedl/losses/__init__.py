"""Losses: values, gradients, reductions.

The classes carry Keras' names, the functions TensorFlow's. `from_logits` is True unless said otherwise.
"""

from cutedl.losses.base import Loss
from cutedl.losses.binary import BinaryCrossentropy, WeightedBinaryCrossentropy
from cutedl.losses.categorical import CategoricalCrossentropy, SparseCategoricalCrossentropy
from cutedl.losses.cosine import CosineSimilarity
from cutedl.losses.divergence import KLDivergence
from cutedl.losses.focal import BinaryFocalCrossentropy, CategoricalFocalCrossentropy
from cutedl.losses.functions import (
    log_loss,
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
    weighted_cross_entropy_with_logits,
)
from cutedl.losses.heads import NCE, SampledSoftmax
from cutedl.losses.hinge import CategoricalHinge, Hinge, SquaredHinge
from cutedl.losses.regression import Huber, LogCosh, MeanAbsoluteError, MeanSquaredError, Poisson
from cutedl.losses.sampled import (
    SampledGradients,
    nce_gradients,
    nce_loss,
    sampled_softmax_gradients,
    sampled_softmax_loss,
)
from cutedl.losses.samplers import FixedUnigramSampler, LearnedUnigramSampler, LogUniformSampler, UniformSampler
from cutedl.losses.sampling import SampledValues, Sampler

__all__ = [
    "NCE",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "FixedUnigramSampler",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LearnedUnigramSampler",
    "LogCosh",
    "LogUniformSampler",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Poisson",
    "SampledGradients",
    "SampledSoftmax",
    "SampledValues",
    "Sampler",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "UniformSampler",
    "WeightedBinaryCrossentropy",
    "log_loss",
    "nce_gradients",
    "nce_loss",
    "sampled_softmax_gradients",
    "sampled_softmax_loss",
    "sigmoid_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits",
    "sparse_softmax_cross_entropy_with_logits",
    "weighted_cross_entropy_with_logits",
]
