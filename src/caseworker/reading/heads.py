"""One-vs-rest heads over one shared hidden layer: a calibrated probability per label and sentence.

They belong to one encoder and refuse another.

Stored as `NAME.npz` (float16 weights) with `NAME.json` beside it (labels, calibration, encoder, what it was trained on).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from caseworker.core.errors import ReadingError
from caseworker.reading.ports import Encoder

SHIPPED = Path(__file__).parent / "weights"
_REMEDY = "Run `caseworker train`."
_FORM = 2
_VERDICT = ("mean", "scale", "hidden", "hidden_bias", "weights", "bias")
_ARRAYS = ("hidden", "hidden_bias", "weights", "bias")

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Heads:
    """`hidden` of shape (2 x encoder dimension, units), `weights` (units, labels), one Platt line (slope, offset) per label.

    A sentence is judged by its own vector and that of the whole mail, side by side: "it is for Saturday" says little alone.

    `verdict` is the network that weighs a whole mail (`reading.verdict`). `thresholds` are calibrated probabilities from which
    on a label held the wanted precision on held-out sentences.
    """

    labels: tuple[str, ...]
    intents: tuple[str, ...]
    hidden: Matrix
    hidden_bias: Matrix
    weights: Matrix
    bias: Matrix
    slope: Matrix
    offset: Matrix
    thresholds: Mapping[str, float]
    encoder: str
    encoder_sha256: str
    meta: Mapping[str, object] = field(default_factory=dict)
    verdict: Mapping[str, Matrix] = field(default_factory=dict)

    def scores(self, sentences: Sequence[str], mail: str, encoder: Encoder) -> Matrix:
        """Calibrated probabilities of the sentences of one mail, then of the mail: shape (sentences + 1, labels).

        Raises `ReadingError` for another encoder's vectors.
        """
        self.require(encoder)
        vectors = encoder.encode([*sentences, mail])
        return sigmoid(self.logits(beside(vectors, np.repeat(vectors[-1:], len(vectors), axis=0))) * self.slope + self.offset)

    def logits(self, vectors: Matrix) -> Matrix:
        """Raw scores of sentences beside their mails, before calibration."""
        return np.asarray(np.maximum(vectors @ self.hidden + self.hidden_bias, 0) @ self.weights + self.bias, dtype=np.float32)

    def require(self, encoder: Encoder) -> None:
        """Raises `ReadingError` unless these heads were trained on this very encoder."""
        if encoder.sha256 != self.encoder_sha256:
            raise ReadingError(
                f"These heads were trained on the encoder {self.encoder} ({self.encoder_sha256[:12]}…), "
                f"not on {encoder.name} ({encoder.sha256[:12]}…).",
                remedy=_REMEDY,
            )

    def column(self, label: str) -> int | None:
        """Where a label stands, or None for one that was not trained."""
        return self.labels.index(label) if label in self.labels else None

    def save(self, folder: Path, name: str) -> None:
        """Writes `name.npz` and `name.json`; the same heads give the same bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{name}.npz").open("wb") as file:
            arrays: dict[str, Matrix] = {part: getattr(self, part).astype(np.float16) for part in _ARRAYS}
            arrays |= {f"verdict_{name}": array for name, array in self.verdict.items()}
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # the stub takes the names for its own flag
        described = {
            "form": _FORM,
            "encoder": self.encoder,
            "encoder_sha256": self.encoder_sha256,
            "labels": self.labels,
            "intents": self.intents,
            "slope": [round(float(x), 4) for x in self.slope],
            "offset": [round(float(x), 4) for x in self.offset],
            "thresholds": {label: round(float(value), 4) for label, value in self.thresholds.items()},
            "meta": dict(self.meta),
        }
        (folder / f"{name}.json").write_text(json.dumps(described, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load(folder: Path, name: str, encoder: Encoder) -> Heads:
    """Heads from a folder. Raises `ReadingError` where they are missing, damaged or not this encoder's."""
    try:
        described = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
            hidden, hidden_bias, weights, bias = (arrays[part].astype(np.float32) for part in _ARRAYS)
            verdict = {name: arrays[f"verdict_{name}"] for name in _VERDICT}
        heads = Heads(
            labels=tuple(described["labels"]),
            intents=tuple(described["intents"]),
            hidden=hidden,
            hidden_bias=hidden_bias,
            weights=weights,
            bias=bias,
            slope=np.asarray(described["slope"], dtype=np.float32),
            offset=np.asarray(described["offset"], dtype=np.float32),
            thresholds=described["thresholds"],
            encoder=described["encoder"],
            encoder_sha256=described["encoder_sha256"],
            meta=described["meta"],
            verdict=verdict,
        )
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise ReadingError(f"The heads {name!r} in {folder} cannot be read: {error}.", remedy=_REMEDY) from error
    heads.require(encoder)
    if described["form"] != _FORM or hidden.shape[0] != 2 * encoder.dimension or weights.shape[1] != len(heads.labels):
        raise ReadingError(f"The heads {name!r} have another shape than their description says.", remedy=_REMEDY)
    return heads


def labels_in(folder: Path, name: str) -> frozenset[str]:
    """The labels of stored heads, without loading them. Raises `ReadingError` where they cannot be read."""
    try:
        return frozenset(json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["labels"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReadingError(f"The heads {name!r} in {folder} cannot be read: {error}.", remedy=_REMEDY) from error


def beside(sentences: Matrix, mails: Matrix) -> Matrix:
    """The vectors of sentences with those of their mails, one row each, again of length one."""
    return np.asarray(np.concatenate([sentences, mails], axis=1) / np.sqrt(2), dtype=np.float32)


def sigmoid(values: Matrix) -> Matrix:
    """The logistic function without overflow."""
    clipped = np.clip(values, -30, 30)
    return np.asarray(1 / (1 + np.exp(-clipped)), dtype=np.float32)
