"""Every class that a file may name: described, built again, and then the same."""

import numpy as np
import pytest

from cutedl import initializers, losses, metrics, nn, optimizers
from cutedl.arena import Arena
from cutedl.errors import CheckpointCorruptError, CheckpointError, CheckpointMismatchError
from cutedl.losses import Loss, Sampler
from cutedl.metrics import Metric
from cutedl.model import Model
from cutedl.nn import Layer, constraints, regularizers
from cutedl.nn.constraints import Constraint
from cutedl.nn.regularizers import Regularizer
from cutedl.optimizers import Optimizer, schedules
from cutedl.optimizers.schedules import Schedule
from cutedl.registry import build, describe, registered


def mean_error(y_true, y_pred):
    return float(np.mean(y_true - y_pred))


# Arguments that differ from the defaults, wherever there are any; what is not here is made without arguments.
ARGUMENTS = {
    "nn.Dense": {
        "units": 3, "activation": nn.LeakyRelu(0.1), "kernel_initializer": initializers.RandomNormal(0.1, 0.2),
        "bias_initializer": "ones", "kernel_regularizer": regularizers.L1L2(0.1, 0.2), "bias_regularizer": "l1",
        "kernel_constraint": constraints.MaxNorm(3.0), "name": "last",
    },
    "nn.Activation": {"activation": nn.Elu(0.5)},
    "nn.BatchNormalization": {"momentum": 0.9, "epsilon": 0.01},
    "nn.Dropout": {"rate": 0.3},
    "nn.Elu": {"alpha": 0.7},
    "nn.Embedding": {"input_dim": 5, "output_dim": 2, "embeddings_initializer": "he_normal"},
    "nn.Flatten": {"inshape": (2, 2)},
    "nn.GaussianNoise": {"stddev": 0.3},
    "nn.LayerNormalization": {"epsilon": 0.01},
    "nn.LeakyRelu": {"negative_slope": 0.3},
    "nn.PRelu": {"alpha_initializer": initializers.Constant(0.1)},
    "nn.Reshape": {"target_shape": (2, -1)},
    "nn.Residual": {"layers": [nn.Dense(3), nn.Relu()], "shortcut": nn.Dense(3, use_bias=False)},
    "nn.Sequential": {"layers": [nn.Dense(3), nn.Residual([nn.Dense(3)])]},
    "constraints.MaxNorm": {"limit": 0.5},
    "regularizers.L1": {"l1": 0.3},
    "regularizers.L2": {"l2": 0.3},
    "regularizers.L1L2": {"l1": 0.3, "l2": 0.4},
    "losses.BinaryCrossentropy": {"pos_weight": [1.0, 2.0, 3.0], "label_smoothing": 0.1, "reduction": "sum"},
    "losses.BinaryFocalCrossentropy": {"apply_class_balancing": True, "alpha": 0.3, "gamma": 1.5},
    "losses.CategoricalCrossentropy": {"label_smoothing": 0.1, "class_weight": [1.0, 2.0, 3.0], "axis": -1},
    "losses.CategoricalFocalCrossentropy": {"alpha": [0.1, 0.2, 0.3], "gamma": 1.0},
    "losses.CosineSimilarity": {"axis": 0},
    "losses.Huber": {"delta": 0.5},
    "losses.Poisson": {"log_input": True},
    "losses.SparseCategoricalCrossentropy": {"ignore_class": 0, "check": "never"},
    "losses.WeightedBinaryCrossentropy": {"pos_weight": 3.0},
    "losses.NCE": {"num_classes": 9, "num_sampled": 4, "sampler": losses.LearnedUnigramSampler(9), "num_true": 2},
    "losses.SampledSoftmax": {"num_classes": 9, "num_sampled": 4, "sampler": "uniform", "seed": 3, "name": "out"},
    "losses.FixedUnigramSampler": {"counts": [3, 1, 2], "distortion": 0.7, "num_reserved_ids": 2},
    "losses.LearnedUnigramSampler": {"num_classes": 5},
    "losses.LogUniformSampler": {"num_classes": 5},
    "losses.UniformSampler": {"num_classes": 5},
    "optimizers.SGD": {"learning_rate": 0.1, "momentum": 0.8, "nesterov": True},
    "optimizers.Adam": {
        "learning_rate": schedules.Warmup(schedules.CosineDecay(0.1, 50), 3), "beta1": 0.8, "weight_decay": 0.1,
        "clip_global_norm": 2.0, "ema": 0.9, "accumulate": 2, "multipliers": {"w*": 0.5},
    },
    "optimizers.RMSProp": {"momentum": 0.5, "centered": True},
    "schedules.Constant": {"learning_rate": 0.2},
    "schedules.CosineDecay": {"learning_rate": 0.2, "decay_steps": 9, "end_learning_rate": 0.1},
    "schedules.CosineRestarts": {"learning_rate": 0.2, "decay_steps": 9, "t_mul": 1.5, "m_mul": 0.9},
    "schedules.ExponentialDecay": {"learning_rate": 0.2, "decay_steps": 9, "decay_rate": 0.5},
    "schedules.OneCycle": {"learning_rate": 0.2, "total_steps": 9, "warmup_fraction": 0.4},
    "schedules.PolynomialDecay": {"learning_rate": 0.2, "decay_steps": 9, "power": 2.0},
    "schedules.StepDecay": {"learning_rate": 0.2, "decay_steps": 3, "decay_rate": 0.5},
    "schedules.Warmup": {"schedule": 0.3, "steps": 4},
    "metrics.Accuracy": {"threshold": 0.3, "name": "right"},
}  # fmt: skip
ARGUMENTS["optimizers.Fixed"] = ARGUMENTS["optimizers.SGD"]


def made(name):
    thing = registered()[name]
    if not isinstance(thing, type):
        return thing
    if name == "metrics.FunctionMetric":
        return thing(mean_error)
    return thing(**ARGUMENTS.get(name, {}))


def samples(shape=(4, 3)):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def arrays(parts):
    """What an object holds, as something that can be compared."""
    if isinstance(parts, dict):
        return {name: arrays(part) for name, part in parts.items()}
    if isinstance(parts, list | tuple):
        return [arrays(part) for part in parts]
    return parts.tolist() if isinstance(parts, np.ndarray) else repr(parts)


def behaviour(thing):
    """Something that a thing does, as numbers."""
    if isinstance(thing, Layer):
        model = Model([thing])
        model.assemble(seed=0, inshape=(2, 2) if isinstance(thing, nn.Flatten) else 4)
        x = np.zeros((2, *model.shapes[0]), "float32") + (1 if thing.takes_indices else samples(model.shapes[0]))
        return [model.forward(x).tolist(), arrays(model.arena.state()), model.arena.penalty]
    if isinstance(thing, Loss):
        return arrays({name: part for name, part in vars(thing).items() if name != "sampler"})
    if isinstance(thing, Metric):
        return arrays(vars(thing)), list(thing.names), arrays(thing.state())
    if isinstance(thing, Optimizer):
        arena = Arena()
        w = arena.parameter("w", (4, 3), initializers.ones)
        arena.allocate(0, "float64")
        for _ in range(5):
            w.gradient[:] = samples()
            thing.step(arena)
        return w.value.tolist(), arrays(thing.state())
    if isinstance(thing, Schedule):
        return [thing(step) for step in range(1, 30)]
    if isinstance(thing, Regularizer):
        return thing.penalty(samples())
    if isinstance(thing, Constraint):
        w = samples()
        thing.apply(w)
        return w.tolist()
    if isinstance(thing, Sampler):
        return thing.probability(np.arange(thing.num_classes)).tolist()
    if isinstance(thing, metrics.ExactSum):
        return repr(thing)
    out = np.empty((4, 3))
    thing(out, np.random.default_rng(0))
    return out.tolist()


@pytest.mark.parametrize("name", registered())
def test_what_is_built_from_a_description_is_the_same(name):
    thing = made(name)
    description = describe(thing)
    twin = build(description, custom=[mean_error])
    assert type(twin) is type(thing)
    assert arrays(describe(twin)) == arrays(description)
    if isinstance(registered()[name], type):
        assert twin is not thing
        assert repr(twin) == repr(thing)
    assert behaviour(twin) == behaviour(thing)


def test_everything_public_is_registered():
    known = set(map(id, registered().values()))
    kinds = (Layer, Loss, Sampler, Optimizer, Schedule, Regularizer, Constraint, Metric)
    for module in (nn, losses, optimizers, schedules, metrics, constraints, regularizers):
        for name in module.__all__:
            thing = getattr(module, name)
            if isinstance(thing, type) and issubclass(thing, kinds) and not thing.__abstractmethods__:
                assert id(thing) in known, name
    assert {name for name in initializers.__all__ if name not in ("Initializer", "get")} == {
        name.partition(".")[2] for name in registered() if name.startswith("initializers.")
    }


class Scale(Layer):
    """A layer of the user's own."""

    def __init__(self, factor, name=None):
        super().__init__(name)
        self.factor = factor

    def build(self, in_shape, arena):
        return in_shape

    def forward(self, x, out, training):
        return np.multiply(x, self.factor, out=out)

    def backward(self, dy, out):
        return None if out is None else np.multiply(dy, self.factor, out=out)


class Forgetful(Scale):
    def __init__(self, factor, way):
        super().__init__(factor * 2)


class Own(Scale):
    def __init__(self, twice):
        super().__init__(twice / 2)

    def arguments(self):
        return {"twice": self.factor * 2}


class Ramp:
    """An initializer written as a class."""

    def __init__(self, high):
        self.high = high

    def __call__(self, out, generator):
        out[...] = np.linspace(0, self.high, out.size).reshape(out.shape)


def test_classes_and_functions_of_the_user_are_built_when_they_are_given():
    dense = nn.Dense(2, kernel_initializer=Ramp(3.0))
    assert describe(Scale(2)) == {"class": "custom.Scale", "arguments": {"factor": 2, "name": None}}
    assert build(describe(Scale(2)), custom=[Scale]).factor == 2
    assert build(describe(Own(8)), custom=[Own]).factor == 4
    assert build(describe(dense), custom=[Ramp]).kernel_initializer.high == 3
    assert build(describe([mean_error]), custom=[mean_error]) == [mean_error]


@pytest.mark.parametrize("thing", [Scale(2), nn.Dense(2, kernel_initializer=Ramp(3.0)), mean_error])
def test_without_them_the_answer_says_how(thing):
    with pytest.raises(CheckpointMismatchError, match=r"custom=\[(Scale|Ramp|mean_error)\]"):
        build(describe(thing))


def test_what_cannot_be_described_says_why():
    offset = 3
    with pytest.raises(CheckpointError, match=r"does not keep its argument 'way'. hint: set self.way in __init__"):
        describe(Forgetful(1, 2))
    for thing in (lambda step: 0.1, lambda step: offset, object(), {1, 2}, np.random.default_rng(0)):
        with pytest.raises(CheckpointError, match="cannot be saved.*subclass of Schedule"):
            describe(thing)
    with pytest.raises(CheckpointError, match="cannot be saved"):
        describe(optimizers.SGD(lambda step: 0.1 / step))


@pytest.mark.parametrize(
    "description",
    [
        {"class": "nn.Dropout"},
        {"class": "nn.Dropout", "arguments": [0.5]},
        {"class": "nn.Dropout", "arguments": {}, "more": 1},
        {"mapping": 3},
        {"arguments": {}},
        {},
    ],
)
def test_what_is_no_description_is_refused(description):
    with pytest.raises(CheckpointCorruptError, match="no description"):
        build(description)


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "cutedl.nn.Dense", "nn.Layer", "nn.constraints", "", 3])
def test_no_other_name_means_anything(name):
    with pytest.raises(CheckpointMismatchError, match="no class that cutedl knows"):
        build({"class": name, "arguments": {}})


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("name", ["CategoricalCrossentropy", "BinaryCrossentropy", "KLDivergence"])
def test_an_argument_that_equals_the_attribute_of_the_class_is_described_all_the_same(name, from_logits):
    """Loss.from_logits is False, these losses' default is True."""
    loss = getattr(losses, name)(from_logits=from_logits)
    assert build(describe(loss)).from_logits is from_logits
