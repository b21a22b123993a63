"""Training of the heads: a small network in numpy, calibrated on phrases held out. Deterministic, minutes on one core."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from caseworker.reading.heads import Heads, Matrix, beside, sigmoid
from caseworker.reading.model import Intent
from caseworker.reading.ports import Encoder
from caseworker.reading.training import corpus, own, verdicts
from caseworker.reading.training.adam import descend, moments_of

WANTED_PRECISION = 0.99  # on held-out generated phrases, to keep .98 on mails
_FOLDS = 3
_UNITS = 384
_EPOCHS = 14
_BATCH = 192
_RATE = 2e-3
_DECAY = 1e-2
_DROPPED = 0.5
_FLOOR, _CEILING = 0.35, 0.9
_AT_ONCE = 512  # texts between two words of how far it is
_ENCODED, _TRIED, _FITTED = 0.5, 0.7, 0.85  # shares of the work that are done by then (2 cores, 2026-11)

Progress = Callable[[float], None]


def _tell_nobody(_: float) -> None:
    """For who does not wait."""


def train(
    intents: Sequence[Intent], encoder: Encoder, seed: int = 1, *, without: str = "", progress: Progress = _tell_nobody
) -> Heads:
    """Heads for the intents of a playbook and the shipped signs; `without` see `corpus.build`.

    `progress` is told the share that is done, from 0 to 1.
    """
    made, inputs = _inputs(corpus.build(intents, seed, without=without), encoder, _part(progress, 0, _ENCODED))
    wanted = _targets(made)
    groups = np.array([example.group for example in made.examples])
    held_out, nets, fold = _held_out(inputs, wanted, groups, seed, _part(progress, _ENCODED, _TRIED))
    slope, offset = _platt(held_out, wanted)
    net = _fit(inputs, wanted, seed, _part(progress, _TRIED, _FITTED))
    calibrated = sigmoid(held_out * slope + offset)

    def heads_of(fitted: _Net) -> Heads:
        return Heads(
            made.labels, made.intents, _half(fitted.hidden), _half(fitted.hidden_bias), _half(fitted.weights),
            _half(fitted.bias), slope, offset, {}, encoder.name, encoder.sha256,
        )  # fmt: skip

    weighed = _part(progress, _FITTED, 1)
    return replace(
        heads_of(net),
        verdict=verdicts.fit([heads_of(each) for each in nets], fold, made.mails, encoder, seed=seed, progress=weighed),
        thresholds={label: _threshold(calibrated[:, k], wanted[:, k]) for k, label in enumerate(made.labels)},
        meta={
            "seed": seed,
            "languages": list(corpus.LANGUAGES),
            "sentences": len(made.examples),
            "phrases": int(groups.max()) + 1,
            "held_out": _figures(calibrated, wanted, made.labels),
        },
    )


def _part(progress: Progress, start: float, end: float) -> Progress:
    """The progress of one part of the work."""
    return lambda share: progress(start + share * (end - start))


def _inputs(made: corpus.Corpus, encoder: Encoder, progress: Progress) -> tuple[corpus.Corpus, Matrix]:
    """The vectors of all examples, and the corpus without those that are too near to an own intent to be another matter."""
    texts = list(dict.fromkeys([e.text for e in made.examples] + [e.mail for e in made.examples]))
    row: dict[str, Matrix] = {}
    for start in range(0, len(texts), _AT_ONCE):
        some = texts[start : start + _AT_ONCE]
        row |= zip(some, encoder.encode(some), strict=True)
        progress(len(row) / len(texts))
    spoken = np.array([row[e.text] for e in made.examples])
    near = own.too_near([e.labels for e in made.examples], spoken, encoder.encode(made.own))
    made = made.without({example.group for example, close in zip(made.examples, near, strict=True) if close})
    sentences, mails = np.array([row[e.text] for e in made.examples]), np.array([row[e.mail] for e in made.examples])
    return made, beside(sentences, mails)


def _half(values: Matrix) -> Matrix:
    """Rounded as they will be stored, so that fresh and loaded heads agree."""
    return values.astype(np.float16).astype(np.float32)


def _targets(made: corpus.Corpus) -> Matrix:
    return np.array([[label in example.labels for label in made.labels] for example in made.examples], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Net:
    """A hidden layer of rectified units and a linear one on top."""

    hidden: Matrix
    hidden_bias: Matrix
    weights: Matrix
    bias: Matrix

    def logits(self, vectors: Matrix) -> Matrix:
        return np.asarray(np.maximum(vectors @ self.hidden + self.hidden_bias, 0) @ self.weights + self.bias, np.float32)


def _fit(inputs: Matrix, wanted: Matrix, seed: int, progress: Progress) -> _Net:
    """Two networks from different starts side by side in one: their mean is better than either."""
    one = _fit_one(inputs, wanted, seed * 10 + 1, _part(progress, 0, 0.5))
    two = _fit_one(inputs, wanted, seed * 10 + 2, _part(progress, 0.5, 1))
    return _Net(
        np.concatenate([one.hidden, two.hidden], axis=1),
        np.concatenate([one.hidden_bias, two.hidden_bias]),
        np.asarray(np.concatenate([one.weights, two.weights]) / 2, dtype=np.float32),
        np.asarray((one.bias + two.bias) / 2, dtype=np.float32),
    )


def _fit_one(inputs: Matrix, wanted: Matrix, seed: int, progress: Progress) -> _Net:
    """Adam with decoupled weight decay on the logistic loss, mini-batches, half of the hidden units dropped each time."""
    rng = np.random.default_rng(seed)
    count, dimension = inputs.shape
    scale = np.float32(np.sqrt(dimension) / 2)  # unit vectors to components of about one half
    shapes = ((dimension, _UNITS), (_UNITS,), (_UNITS, wanted.shape[1]), (wanted.shape[1],))
    deviations = (np.sqrt(2 / dimension), 0.0, np.sqrt(1 / _UNITS), 0.0)
    parameters = [(rng.normal(0, 1, shape) * dev).astype(np.float32) for shape, dev in zip(shapes, deviations, strict=True)]
    parameters[3] -= 3
    moments = moments_of(parameters)
    batches = count // _BATCH
    for step in range(1, _EPOCHS * batches + 1):
        position = (step - 1) % batches
        if position == 0:
            order = rng.permutation(count)
            progress(step / (_EPOCHS * batches))
        chosen = order[position * _BATCH : (position + 1) * _BATCH]
        slopes = _slopes(inputs[chosen] * scale, wanted[chosen], parameters, rng)
        rate = _RATE * (1 - step / (_EPOCHS * batches)) + 1e-5
        descend(parameters, moments, slopes, step=step, rate=rate, decay=_DECAY)
    return _Net(parameters[0] * scale, parameters[1], parameters[2], parameters[3])


def _slopes(inputs: Matrix, wanted: Matrix, parameters: Sequence[Matrix], rng: np.random.Generator) -> list[Matrix]:
    hidden, hidden_bias, weights, bias = parameters
    raw = inputs @ hidden + hidden_bias
    kept = ((rng.random(raw.shape, dtype=np.float32) > _DROPPED) / np.float32(1 - _DROPPED)).astype(np.float32)
    units = np.maximum(raw, 0) * kept
    error = (sigmoid(units @ weights + bias) - wanted) / np.float32(len(inputs)) * 3
    back = (error @ weights.T) * kept * (raw > 0)
    return [inputs.T @ back, back.sum(axis=0), units.T @ error, error.sum(axis=0)]


def _held_out(
    inputs: Matrix, wanted: Matrix, groups: NDArray[np.int64], seed: int, progress: Progress
) -> tuple[Matrix, list[_Net], NDArray[np.int64]]:
    """Logits of every example from heads that have not seen its phrase or mail; those heads; which of them by group."""
    order = np.random.default_rng(seed).permutation(int(groups.max()) + 1)
    by_group = order % _FOLDS
    fold = by_group[groups]
    logits, nets = np.zeros_like(wanted), []
    for number in range(_FOLDS):
        part = _part(progress, number / _FOLDS, (number + 1) / _FOLDS)
        nets.append(_fit_one(inputs[fold != number], wanted[fold != number], seed, part))
        logits[fold == number] = nets[-1].logits(inputs[fold == number])
    return logits, nets, by_group


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
