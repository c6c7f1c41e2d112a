"""L-BFGS: a model is one vector of values and one of gradients, so any optimizer of SciPy can train it.

Fits a small network to SYNTHETIC points (a noiseless curve) with scipy.optimize.minimize and with Adam, and prints
what each reaches. Needs SciPy: pip install scipy.
"""

import sys

import numpy as np

try:
    from scipy.optimize import minimize
except ImportError:
    sys.exit("lbfgs: this example needs SciPy: pip install scipy")

from cutedl import Dataset, Model, Session, losses, nn, optimizers

x = np.linspace(-2, 2, 200).reshape(-1, 1)
y = np.sin(3 * x) * np.exp(-x * x / 4)


def assembled():
    model = Model([nn.Dense(16, inshape=1, activation="tanh"), nn.Dense(16, activation="tanh"), nn.Dense(1)])
    model.assemble(seed=0, dtype="float64")
    return model


model, loss = assembled(), losses.MeanSquaredError()


def value_and_gradient(w):
    model.arena.values[...] = w
    value, dy = loss.value_and_gradient(y, model.forward(x), out=model.output_gradient(len(x)))
    model.backward(dy)
    return value, model.arena.gradients.copy()


start = model.arena.values.copy()
found = minimize(value_and_gradient, start, jac=True, method="L-BFGS-B", options={"maxiter": 500, "maxfun": 1000})

session = Session(assembled(), loss, optimizers.Adam(0.01), seed=0)
history = session.fit(Dataset(x, y, batch_size=len(x)), found.nfev, verbose=0)
print(f"SYNTHETIC curve, {len(start)} parameters, {found.nfev} evaluations of loss and gradient each")
print(f"  L-BFGS  mean squared error {found.fun:.2e}")
print(f"  Adam    mean squared error {history['loss'][-1]:.2e}")
if not found.fun < history["loss"][-1]:
    sys.exit("lbfgs: Adam was the better one here.")
