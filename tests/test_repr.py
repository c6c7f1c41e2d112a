"""The repr of everything public is one line that says what the object was made of."""

import importlib
import inspect
import pkgutil
import re
from types import ModuleType

import numpy as np
import pytest
from scipy.sparse import eye_array

import cutedl
from cutedl import BatchStream, Dataset, Model, Session, listeners, losses, metrics, nn, optimizers
from cutedl.arena import Arena, Buffer, Parameter, Statistic, Table
from cutedl.checkpoint import Saved
from cutedl.helper import Job
from cutedl.history import Best, Event
from cutedl.initializers import zeros
from cutedl.lr_find import LearningRateCurve
from cutedl.objective import Objective
from cutedl.optimizers import schedules
from cutedl.optimizers.options import Options
from cutedl.sparse_rows import SparseRows
from cutedl.summary import LayerRow
from cutedl.trial import Trial
from cutedl.workspace import Workspace

# Tables, whose repr is what one wants to see at the prompt; plain tuples of arrays, which are shown as arrays are;
# a dict type that is never made; what only mpiexec makes; system calls behind one name, which have nothing to say.
ELSEWHERE = {"Summary", "Explanation", "SampledGradients", "SampledValues", "Views", "Keywords", "System", "World"}


def public_modules():
    """Every module cutedl.x, and the modules that these offer by name, such as cutedl.nn.constraints."""
    modules = [importlib.import_module(f"cutedl.{found.name}") for found in pkgutil.iter_modules(cutedl.__path__)]
    offered = [getattr(module, name, None) for module in modules for name in getattr(module, "__all__", ())]
    return [cutedl, *modules, *(module for module in offered if isinstance(module, ModuleType))]


def public_classes():
    """Every class of their __all__ that can be made: neither abstract nor an error."""
    named = {
        getattr(module, name)
        for module in public_modules()
        for name in getattr(module, "__all__", ())
        if inspect.isclass(getattr(module, name)) and name not in ELSEWHERE
    }
    made = [each for each in named if not inspect.isabstract(each) and not issubclass(each, Exception)]
    return sorted(made, key=lambda each: (each.__module__, each.__name__))


def model():
    return Model([nn.Dense(3, inshape=2)])


def double(y_true, y_pred):
    return 2.0


# The classes that need arguments: one object each, and what its repr has to hold.
MADE = {
    Job: (lambda: Job(double), "double"),
    Trial: (lambda: Trial(8, 0.9, 100), "bar=0.9"),
    Saved: (lambda: Saved({}, {}), "state={}"),
    Dataset: (lambda: Dataset(np.zeros((5, 2)), np.zeros(5), batch_size=4), "5 samples (2,) float64, batch_size=4"),
    BatchStream: (lambda: BatchStream([], 3), "3 batches from the user's batches"),
    SparseRows: (lambda: SparseRows("x", eye_array(3)), "3 rows (3,) float64, 3 stored"),
    Buffer: (lambda: Buffer((3, 4)), "(3, 4)"),
    Parameter: (lambda: Parameter("kernel", (3, 4), zeros), "'kernel', shape=(3, 4)"),
    Statistic: (lambda: Statistic("mean", (3,), 0.0), "'mean', shape=(3,)"),
    Table: (lambda: Table("words", (9, 2), zeros), "'words', shape=(9, 2)"),
    Workspace: (lambda: Workspace([nn.Relu()], [(3,)], Arena()), "1 layers"),
    Event: (lambda: Event(3.0, "stop", "enough"), "epoch=3.0, kind='stop', text='enough'"),
    Best: (lambda: Best(3, 0.5), "epoch=3, value=0.5"),
    LayerRow: (lambda: LayerRow("relu_0", "Relu", (3,), 0, 3), "'relu_0'"),
    LearningRateCurve: (lambda: LearningRateCurve(np.ones(60), np.ones(60), 0.1), "60 rates"),
    Objective: (lambda: Objective(model(), losses.Huber(), None), "loss=Huber("),
    Session: (lambda: Session(model(), losses.Huber(), optimizers.SGD(0.5), seed=7), "SGD(learning_rate=0.5"),
    Options: (lambda: Options(weight_decay=0.1), "weight_decay=0.1"),
    nn.Activation: (lambda: nn.Activation("relu"), "Relu()"),
    nn.Dense: (lambda: nn.Dense(7, activation="tanh"), "7, activation='tanh'"),
    nn.Dropout: (lambda: nn.Dropout(0.3), "0.3"),
    nn.Embedding: (lambda: nn.Embedding(9, 2), "9, 2"),
    nn.GaussianNoise: (lambda: nn.GaussianNoise(0.3), "0.3"),
    nn.Reshape: (lambda: nn.Reshape((3, -1)), "(3, -1)"),
    nn.Residual: (lambda: nn.Residual([nn.Relu()], shortcut=nn.Tanh()), "[Relu()], shortcut=[Tanh()]"),
    nn.Sequential: (lambda: nn.Sequential([nn.Relu()]), "[Relu()]"),
    losses.WeightedBinaryCrossentropy: (lambda: losses.WeightedBinaryCrossentropy(3.0), "pos_weight="),
    losses.NCE: (lambda: losses.NCE(90, 8), "num_classes=90, num_sampled=8"),
    losses.SampledSoftmax: (lambda: losses.SampledSoftmax(90, 8), "num_classes=90, num_sampled=8"),
    losses.FixedUnigramSampler: (lambda: losses.FixedUnigramSampler([3, 2, 1]), "3"),
    losses.LearnedUnigramSampler: (lambda: losses.LearnedUnigramSampler(90), "90"),
    losses.LogUniformSampler: (lambda: losses.LogUniformSampler(90), "90"),
    losses.UniformSampler: (lambda: losses.UniformSampler(90), "90"),
    schedules.Constant: (lambda: schedules.Constant(0.5), "0.5"),
    schedules.CosineDecay: (lambda: schedules.CosineDecay(0.5, 70), "0.5"),
    schedules.CosineRestarts: (lambda: schedules.CosineRestarts(0.5, 70), "70"),
    schedules.ExponentialDecay: (lambda: schedules.ExponentialDecay(0.5, 70, 0.9), "0.9"),
    schedules.OneCycle: (lambda: schedules.OneCycle(0.5, 70), "70"),
    schedules.PolynomialDecay: (lambda: schedules.PolynomialDecay(0.5, 70), "70"),
    schedules.StepDecay: (lambda: schedules.StepDecay(0.5, 70), "70"),
    schedules.Warmup: (lambda: schedules.Warmup(0.5, 70), "70"),
    listeners.Checkpoint: (lambda: listeners.Checkpoint("best.cute"), "'best.cute'"),
    listeners.CSVLogger: (lambda: listeners.CSVLogger("log.csv"), "'log.csv'"),
    listeners.JSONLogger: (lambda: listeners.JSONLogger("log.jsonl"), "'log.jsonl'"),
    listeners.TensorBoard: (lambda: listeners.TensorBoard("runs"), "'runs'"),
    listeners.FitListener: (lambda: listeners.FitListener("epoch_end", callback=print), "'epoch_end'"),
    metrics.FunctionMetric: (lambda: metrics.FunctionMetric(double), "double"),
}


@pytest.mark.parametrize("each", public_classes(), ids=lambda each: f"{each.__module__[7:]}.{each.__name__}")
def test_one_line_that_says_what_it_was_made_of(each):
    make, shown = MADE.get(each, (each, ""))
    text = repr(make())
    assert re.fullmatch(rf"{each.__name__}\(.*\)", text), text
    assert shown in text
    assert " object at 0x" not in text
    assert len(text) < 300


def test_the_walk_meets_every_part():
    parts = {each.__module__.split(".")[1] for each in public_classes()}
    assert parts >= {"arena", "dataset", "history", "initializers", "listeners", "losses", "metrics", "model", "nn"}
    assert len(public_classes()) > 100


def test_a_model_and_its_memory_say_how_large_they_are():
    assert repr(model()) == "Model([Dense(3, activation='linear')])"
    built = model()
    assert repr(built.declare()) == "Arena(2 parameters, 0 tables, 9 numbers, not allocated)"
    built.assemble(seed=0)
    assert repr(built.arena) == "Arena(2 parameters, 0 tables, 9 numbers, float32)"
