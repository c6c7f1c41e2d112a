"""What every loss and sampler is made with where nothing is said, and what a new one has to write."""

import pytest

from cutedl import losses
from cutedl.losses.categorical import SoftmaxCrossEntropy
from cutedl.losses.derivatives import CrossEntropy
from cutedl.losses.elementwise import ElementLoss
from cutedl.losses.heads import SampledHead
from cutedl.losses.sampling import Sampler
from cutedl.losses.vector import ClassLoss, VectorLoss

LOSS = {"reduction": "sum_over_batch_size", "check": "first", "total": 0.0, "count": 0.0}
VECTOR = LOSS | {"axis": -1}
CLASSES = VECTOR | {"from_logits": True, "label_smoothing": 0.0, "class_weight": None}
ANSWERS = LOSS | {"from_logits": True, "label_smoothing": 0.0, "class_weight": None, "ignore_class": None}
HEAD = LOSS | {"num_classes": 9, "num_sampled": 3, "num_true": 1, "seed": 0, "name": "head"}
DEFAULTS = [
    (losses.CategoricalCrossentropy(), CLASSES),
    (losses.SparseCategoricalCrossentropy(), CLASSES | {"ignore_class": None}),
    (losses.KLDivergence(), CLASSES),
    (losses.CategoricalFocalCrossentropy(), CLASSES | {"alpha": 0.25, "gamma": 2.0}),
    (losses.BinaryCrossentropy(), ANSWERS | {"pos_weight": None}),
    (losses.BinaryFocalCrossentropy(), ANSWERS | {"apply_class_balancing": False, "alpha": 0.25, "gamma": 2.0}),
    (losses.Huber(), LOSS | {"delta": 1.0}),
    (losses.Poisson(), LOSS | {"log_input": False}),
    (losses.CategoricalHinge(), VECTOR),
    (losses.CosineSimilarity(), VECTOR),
    (losses.SampledSoftmax(9, 3), HEAD | {"remove_accidental_hits": True}),
    (losses.NCE(9, 3), HEAD | {"remove_accidental_hits": False}),
    (losses.FixedUnigramSampler([1, 2]), {"distortion": 1.0, "num_reserved_ids": 0}),
]


@pytest.mark.parametrize(("made", "defaults"), DEFAULTS, ids=[type(made).__name__ for made, _ in DEFAULTS])
def test_where_nothing_is_said(made, defaults):
    assert {name: vars(made)[name] for name in defaults} == defaults


@pytest.mark.parametrize(
    ("base", "missing"),
    [
        (losses.Loss, {"_open", "_kernel"}),
        (ElementLoss, {"_elements"}),
        (VectorLoss, {"_kernel"}),
        (ClassLoss, {"_kernel"}),
        (CrossEntropy, {"_open", "_kernel", "_hessian_diagonal", "_hessian_product", "_label_gradient"}),
        (SoftmaxCrossEntropy, {"_hard"}),
        (SampledHead, {"_residuals", "_full"}),
        (Sampler, {"probability", "_draw"}),
    ],
)
def test_a_base_class_cannot_be_used_before_its_methods_are_written(base, missing):
    class Unfinished(base):
        pass

    with pytest.raises(TypeError, match="abstract method") as refusal:
        Unfinished()
    assert all(name in str(refusal.value) for name in missing)
