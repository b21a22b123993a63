"""Training of the heads: logistic regression in numpy, calibrated on phrases held out. Deterministic, minutes on one core."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from caseworker.reading.encoder import LEXICAL_DIMENSION
from caseworker.reading.heads import Heads, Matrix, features, sigmoid
from caseworker.reading.model import Intent
from caseworker.reading.ports import Encoder
from caseworker.reading.training import corpus

WANTED_PRECISION = 0.99  # on held-out generated phrases, to keep .98 on mails
_FOLDS = 3
_STEPS = 160
_RATE = 0.08
_DECAY = 2e-5
_FLOOR, _CEILING = 0.35, 0.9


def train(intents: Sequence[Intent], encoder: Encoder, seed: int = 1) -> Heads:
    """Heads for the shipped labels and the intents of a playbook."""
    made = corpus.build(intents, seed)
    inputs = features([example.text for example in made.examples], encoder)
    wanted = _targets(made)
    groups = np.array([example.group for example in made.examples])
    held_out = _held_out(inputs, wanted, groups, seed)
    slope, offset = _platt(held_out, wanted)
    weights, bias = _fit(inputs, wanted)
    calibrated = sigmoid(held_out * slope + offset)
    return Heads(
        labels=made.labels,
        intents=made.intents,
        weights=weights.astype(np.float16).astype(np.float32),
        bias=bias.astype(np.float16).astype(np.float32),
        slope=slope,
        offset=offset,
        thresholds={label: _threshold(calibrated[:, k], wanted[:, k]) for k, label in enumerate(made.labels)},
        encoder=encoder.name,
        encoder_sha256=encoder.sha256,
        meta={
            "seed": seed,
            "languages": list(corpus.LANGUAGES),
            "sentences": len(made.examples),
            "phrases": int(groups.max()) + 1,
            "lexical_dimension": LEXICAL_DIMENSION,
            "held_out": _figures(calibrated, wanted, made.labels),
        },
    )


def _targets(made: corpus.Corpus) -> Matrix:
    return np.array([[label in example.labels for label in made.labels] for example in made.examples], dtype=np.float32)


def _fit(inputs: Matrix, wanted: Matrix) -> tuple[Matrix, Matrix]:
    """Full-batch Adam on the logistic loss with a little weight decay; rare labels count more (square root)."""
    weights = np.zeros((inputs.shape[1], wanted.shape[1]), dtype=np.float32)
    bias = np.full(wanted.shape[1], -4.0, dtype=np.float32)
    rarity = np.sqrt(len(wanted) / np.maximum(1, wanted.sum(axis=0)) / 4).clip(1, 8)
    importance = np.where(wanted > 0, rarity, 1.0).astype(np.float32)
    first = [np.zeros_like(weights), np.zeros_like(bias)]
    second = [np.zeros_like(weights), np.zeros_like(bias)]
    for step in range(1, _STEPS + 1):
        error = (sigmoid(inputs @ weights + bias) - wanted) * importance
        slopes = [inputs.T @ error / len(inputs) + _DECAY * weights, error.mean(axis=0)]
        rate = _RATE * (1 - 0.9 * step / _STEPS)
        for k, parameter in enumerate((weights, bias)):
            first[k] = 0.9 * first[k] + 0.1 * slopes[k]
            second[k] = 0.999 * second[k] + 0.001 * slopes[k] ** 2
            upward = first[k] / (1 - 0.9**step)
            parameter -= rate * upward / (np.sqrt(second[k] / (1 - 0.999**step)) + 1e-8)
    return weights, bias


def _held_out(inputs: Matrix, wanted: Matrix, groups: NDArray[np.int64], seed: int) -> Matrix:
    """Logits of every example from heads that have not seen its phrase."""
    order = np.random.default_rng(seed).permutation(int(groups.max()) + 1)
    fold = (order % _FOLDS)[groups]
    logits = np.zeros_like(wanted)
    for number in range(_FOLDS):
        weights, bias = _fit(inputs[fold != number], wanted[fold != number])
        logits[fold == number] = inputs[fold == number] @ weights + bias
    return logits


def _platt(logits: Matrix, wanted: Matrix) -> tuple[Matrix, Matrix]:
    """Slope and offset per label by Newton's method on the held-out logits (Platt 1999, with his smoothed targets)."""
    slopes, offsets = [], []
    for k in range(wanted.shape[1]):
        x, y = logits[:, k].astype(np.float64), wanted[:, k]
        hits, misses = y.sum(), len(y) - y.sum()
        target = np.where(y > 0, (hits + 1) / (hits + 2), 1 / (misses + 2))
        line = np.array([1.0, 0.0])
        design = np.stack([x, np.ones_like(x)], axis=1)
        for _ in range(30):
            p = 1 / (1 + np.exp(-np.clip(design @ line, -30, 30)))
            curvature = design.T @ (design * (p * (1 - p))[:, None]) + 1e-3 * np.eye(2)
            line = line - np.clip(np.linalg.solve(curvature, design.T @ (p - target)), -1, 1)
        slopes.append(max(0.2, line[0]))
        offsets.append(line[1])
    return np.array(slopes, dtype=np.float32), np.array(offsets, dtype=np.float32)


def _threshold(scores: Matrix, wanted: Matrix) -> float:
    """The lowest score from which on the wanted precision holds, within sensible bounds."""
    order = np.argsort(-scores, kind="stable")
    precision = np.cumsum(wanted[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(precision >= WANTED_PRECISION)
    value = float(scores[order[good[-1]]]) if len(good) else _CEILING
    return min(_CEILING, max(_FLOOR, value))


def _figures(scores: Matrix, wanted: Matrix, labels: Sequence[str]) -> dict[str, dict[str, float]]:
    found = {}
    for k, label in enumerate(labels):
        said, true = scores[:, k] >= 0.5, wanted[:, k] > 0
        both = float((said & true).sum())
        found[label] = {
            "precision": round(both / max(1, int(said.sum())), 3),
            "recall": round(both / max(1, int(true.sum())), 3),
            "n": int(true.sum()),
        }
    return found
