"""Training of the verdict on whole mails, from heads that have not seen the mail that is weighed."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from caseworker.reading import verdict
from caseworker.reading.heads import Heads, Matrix, sigmoid
from caseworker.reading.ports import Encoder
from caseworker.reading.scored import Scored, score
from caseworker.reading.sentences import split
from caseworker.reading.training.adam import descend, moments_of
from caseworker.reading.training.labelled import Mail

_UNITS = 24
_EPOCHS = 30
_BATCH = 256
_RATE = 3e-3
_DROPPED = 0.3
_DECAY = 1e-2
_STARTS = 3  # networks side by side; their mean is steadier


def fit(
    heads: Sequence[Heads],
    fold: NDArray[np.int64],
    mails: Sequence[tuple[int, Mail]],
    encoder: Encoder,
    *,
    seed: int,
    progress: Callable[[float], None],
) -> Mapping[str, Matrix]:
    """The weights for `verdict.weigh`. `heads[fold[group]]` have not seen the mail of that group; `progress` goes to 1."""
    shown, wanted = [], []
    for number, (group, mail) in enumerate(mails, start=1):
        progress(number / len(mails))
        own = heads[int(fold[group])]
        scored = scored_mail(mail, own, encoder)
        if len(scored.sentences):
            shown.append(verdict.figures(scored, own))
            wanted.append([intent in mail.requests for intent in own.intents])
    return _fit(np.array(shown, dtype=np.float32), np.array(wanted, dtype=np.float32), seed)


def scored_mail(mail: Mail, heads: Heads, encoder: Encoder) -> Scored:
    """A labelled mail as the reader would see it."""
    subject = split(mail.subject.text, "subject") if mail.subject else []
    spoken = [sentence for sentence in split(mail.body) if not sentence.frame]
    return score(subject, spoken, heads, encoder, language=mail.language)


def _fit(shown: Matrix, wanted: Matrix, seed: int) -> Mapping[str, Matrix]:
    count, intents, figures = shown.shape
    mean, scale = shown.reshape(-1, figures).mean(axis=0), shown.reshape(-1, figures).std(axis=0) + 1e-3
    named = np.broadcast_to(np.eye(intents, dtype=np.float32), (count, intents, intents))
    inputs = np.concatenate([(shown - mean) / scale, named], axis=2).reshape(count * intents, -1).astype(np.float32)
    nets = [_fit_one(inputs, wanted.reshape(-1, 1), seed * 10 + k) for k in range(_STARTS)]
    return {
        "mean": mean,
        "scale": scale,
        "hidden": np.concatenate([net[0] for net in nets], axis=1),
        "hidden_bias": np.concatenate([net[1] for net in nets]),
        "weights": np.concatenate([net[2] for net in nets]) / _STARTS,
        "bias": np.mean([net[3] for net in nets], axis=0),
    }


def _fit_one(inputs: Matrix, wanted: Matrix, seed: int) -> list[Matrix]:
    """Adam with weight decay on the logistic loss."""
    rng = np.random.default_rng(seed)
    width = inputs.shape[1]
    net = [
        (rng.normal(0, 1, (width, _UNITS)) / np.sqrt(width)).astype(np.float32),
        np.zeros(_UNITS, dtype=np.float32),
        (rng.normal(0, 1, (_UNITS, 1)) / np.sqrt(_UNITS)).astype(np.float32),
        np.array([-3], dtype=np.float32),
    ]
    moments = moments_of(net)
    batches = max(1, len(inputs) // _BATCH)
    for step in range(1, _EPOCHS * batches + 1):
        if (step - 1) % batches == 0:
            order = rng.permutation(len(inputs))
        start = (step - 1) % batches * _BATCH
        chosen = order[start : start + _BATCH]
        rate = _RATE * (1 - step / (_EPOCHS * batches)) + 1e-5
        slopes = _slopes(net, inputs[chosen], wanted[chosen], rng)
        descend(net, moments, slopes, step=step, rate=rate, decay=_DECAY)
    return net


def _slopes(net: Sequence[Matrix], inputs: Matrix, wanted: Matrix, rng: np.random.Generator) -> list[Matrix]:
    raw = inputs @ net[0] + net[1]
    kept = ((rng.random(raw.shape, dtype=np.float32) > _DROPPED) / np.float32(1 - _DROPPED)).astype(np.float32)
    units = np.maximum(raw, 0) * kept
    error = (sigmoid(units @ net[2] + net[3]) - wanted) * np.float32(2 / len(inputs))
    back = (error @ net[2].T) * kept * (raw > 0)
    return [inputs.T @ back, back.sum(axis=0), units.T @ error, error.sum(axis=0)]
