"""The optimiser of both networks: Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

from collections.abc import Sequence

import numpy as np

from caseworker.reading.heads import Matrix

Moments = list[tuple[Matrix, Matrix]]


def moments_of(parameters: Sequence[Matrix]) -> Moments:
    """Running means of the slopes and of their squares, at their beginning."""
    return [(np.zeros_like(parameter), np.zeros_like(parameter)) for parameter in parameters]


def descend(
    parameters: Sequence[Matrix], moments: Moments, slopes: Sequence[Matrix], *, step: int, rate: float, decay: float
) -> None:
    """One step, in place; `step` counts from 1. Only matrices decay, biases do not."""
    for parameter, (mean, square), slope in zip(parameters, moments, slopes, strict=True):
        np.add(mean, 0.1 * (slope - mean), out=mean)
        np.add(square, 0.001 * (slope * slope - square), out=square)
        change = np.float32(rate) * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        np.subtract(parameter, change, out=parameter)
        if parameter.ndim == 2:
            np.multiply(parameter, np.float32(1 - decay * rate), out=parameter)
