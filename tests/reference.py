"""The naive twins: every fast or clever piece written again, slowly and plainly, in float64."""

from __future__ import annotations

import math

import numpy as np


def relu(x):
    return np.where(x > 0, x, 0.0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x)
    return e / e.sum(axis=-1, keepdims=True)


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * (np.exp(x) - 1))


def gelu(x):
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


def gelu_tanh(x):
    return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


ACTIVATIONS = {
    "elu": elu,
    "exponential": np.exp,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "hard_sigmoid": lambda x: np.minimum(np.maximum(x + 3, 0), 6) / 6,
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "linear": lambda x: x,
    "log_sigmoid": lambda x: np.log(sigmoid(x)),
    "log_softmax": lambda x: np.log(softmax(x)),
    "mish": lambda x: x * np.tanh(np.log(1 + np.exp(x))),
    "relu": relu,
    "selu": lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772),
    "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "softmax": softmax,
    "softplus": lambda x: np.log(1 + np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "tanh": np.tanh,
}


def prelu(x, alpha):
    return np.where(x > 0, x, alpha * x)


def dense_forward(x, W, b):
    """One output at a time."""
    y = np.empty((*x.shape[:-1], W.shape[1]))
    for place in np.ndindex(*x.shape[:-1]):
        for o in range(W.shape[1]):
            y[(*place, o)] = sum(x[*place, i] * W[i, o] for i in range(W.shape[0])) + b[o]
    return y


def two_layers(x, W, b, V, c):
    return dense_forward(np.tanh(dense_forward(x, W, b)), V, c)


def dropout(x, rate, draws):
    """One input at a time, kept where its draw is at least rate."""
    y = np.empty(x.shape)
    for place in np.ndindex(*x.shape):
        y[place] = float(x[place]) / (1 - rate) if draws[place] >= rate else 0.0
    return y


def normalize(x, mean, variance, scale, offset, epsilon):
    """One number at a time; mean and variance are functions of its place."""
    y = np.empty(x.shape)
    for place in np.ndindex(*x.shape):
        n = (x[place] - mean(place)) / np.sqrt(variance(place) + epsilon)
        y[place] = n * scale[place[-1]] + offset[place[-1]]
    return y


def layer_normalization(x, scale, offset, epsilon=0.001):
    return normalize(x, lambda p: x[p[:-1]].mean(), lambda p: x[p[:-1]].var(), scale, offset, epsilon)


def batch_normalization(x, scale, offset, epsilon=0.001):
    """In training: over everything that shares the last index."""
    x = x.astype("float64")
    return normalize(x, lambda p: x[..., p[-1]].mean(), lambda p: x[..., p[-1]].var(), scale, offset, epsilon)


def dense_backward(x, W, dy):
    """Return dx, dW, db, one product at a time."""
    dx, dW, db = np.zeros_like(x), np.zeros_like(W), np.zeros(W.shape[1])
    for place in np.ndindex(*x.shape[:-1]):
        for o in range(W.shape[1]):
            db[o] += dy[(*place, o)]
            for i in range(W.shape[0]):
                dW[i, o] += x[*place, i] * dy[(*place, o)]
                dx[*place, i] += dy[(*place, o)] * W[i, o]
    return dx, dW, db


def jacobian_backward(function, x, dy, h=1e-6):
    """dx = Jᵀ dy with J by central differences, for any function of one row."""
    dx = np.empty_like(x)
    for place in np.ndindex(*x.shape):
        up, down = x.copy(), x.copy()
        up[place] += h
        down[place] -= h
        dx[place] = ((function(up) - function(down)) * dy).sum() / (2 * h)
    return dx


def sgd(w, gradients, learning_rate=0.01, momentum=0.0, nesterov=False):
    v = np.zeros_like(w)
    for g in gradients:
        v = momentum * v + g
        w = w - learning_rate * (g + momentum * v if nesterov else v)
    return w


def momentum(w, gradients, learning_rate=0.01, momentum=0.9, nesterov=False):
    return sgd(w, gradients, learning_rate, momentum, nesterov)


def adagrad(w, gradients, learning_rate=0.01, initial_accumulator_value=0.0, epsilon=1e-10):
    s = np.full_like(w, initial_accumulator_value)
    for g in gradients:
        s = s + g * g
        w = w - learning_rate * g / (np.sqrt(s) + epsilon)
    return w


def rmsprop(w, gradients, learning_rate=0.01, rho=0.99, momentum=0.0, epsilon=1e-8, centered=False):
    v = a = b = np.zeros_like(w)
    for g in gradients:
        v = rho * v + (1 - rho) * g * g
        a = rho * a + (1 - rho) * g
        b = momentum * b + g / (np.sqrt(v - a * a if centered else v) + epsilon)
        w = w - learning_rate * b
    return w


def adadelta(w, gradients, learning_rate=1.0, rho=0.9, epsilon=1e-6):
    """Zeiler, algorithm 1, with a learning rate."""
    s = d = np.zeros_like(w)
    for g in gradients:
        s = rho * s + (1 - rho) * g * g
        delta = np.sqrt(d + epsilon) / np.sqrt(s + epsilon) * g
        d = rho * d + (1 - rho) * delta * delta
        w = w - learning_rate * delta
    return w


def amsgrad(w, gradients, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
    m = v = u = np.zeros_like(w)
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        u = np.maximum(u, v)
        w = w - learning_rate * m / (1 - beta1**t) / (np.sqrt(u / (1 - beta2**t)) + epsilon)
    return w


def nadam(w, gradients, learning_rate=0.002, beta1=0.9, beta2=0.999, epsilon=1e-8, momentum_decay=0.004):
    m, v, product = np.zeros_like(w), np.zeros_like(w), 1.0
    for t, g in enumerate(gradients, start=1):
        mu, ahead = (beta1 * (1 - 0.5 * 0.96 ** (n * momentum_decay)) for n in (t, t + 1))
        product *= mu
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        m_hat = (1 - mu) * g / (1 - product) + ahead * m / (1 - product * ahead)
        w = w - learning_rate * m_hat / (np.sqrt(v / (1 - beta2**t)) + epsilon)
    return w


def adamax(w, gradients, learning_rate=0.002, beta1=0.9, beta2=0.999, epsilon=1e-8):
    m = u = np.zeros_like(w)
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        u = np.maximum(beta2 * u, np.abs(g) + epsilon)
        w = w - learning_rate / (1 - beta1**t) * m / u
    return w


def lion(w, gradients, learning_rate=0.0001, beta1=0.9, beta2=0.99):
    m = np.zeros_like(w)
    for g in gradients:
        w = w - learning_rate * np.sign(beta1 * m + (1 - beta1) * g)
        m = beta2 * m + (1 - beta2) * g
    return w


def adam(w, gradients, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Kingma and Ba, algorithm 1, as printed."""
    m = v = np.zeros_like(w)
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        w = w - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon)
    return w
