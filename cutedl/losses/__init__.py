"""Losses: values, gradients, reductions."""
