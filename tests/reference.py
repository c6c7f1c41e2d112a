"""The naive twins: every fast or clever piece written again, slowly and plainly, in float64."""

from __future__ import annotations

import numpy as np


def relu(x):
    return np.where(x > 0, x, 0.0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x)
    return e / e.sum(axis=-1, keepdims=True)


ACTIVATIONS = {"linear": lambda x: x, "relu": relu, "sigmoid": sigmoid, "tanh": np.tanh, "softmax": softmax}


def dense_forward(x, W, b):
    """One output at a time."""
    y = np.empty((*x.shape[:-1], W.shape[1]))
    for place in np.ndindex(*x.shape[:-1]):
        for o in range(W.shape[1]):
            y[(*place, o)] = sum(x[*place, i] * W[i, o] for i in range(W.shape[0])) + b[o]
    return y


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


def sgd(w, gradients, learning_rate=0.01):
    for g in gradients:
        w = w - learning_rate * g
    return w


def momentum(w, gradients, learning_rate=0.01, momentum=0.9):
    v = np.zeros_like(w)
    for g in gradients:
        v = momentum * v + g
        w = w - learning_rate * v
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
