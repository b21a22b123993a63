"""One-vs-rest heads: one calibrated probability per label and sentence. They belong to one encoder and refuse another.

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
from caseworker.reading.encoder import LEXICAL_DIMENSION, lexical
from caseworker.reading.ports import Encoder

SHIPPED = Path(__file__).parent / "weights"
_REMEDY = "Run `caseworker train`."
_FORM = 1

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Heads:
    """Weights of shape (encoder dimension + lexical dimension, labels) and one Platt line (slope, offset) per label.

    `thresholds` are calibrated probabilities from which on a label held the wanted precision on held-out sentences.
    """

    labels: tuple[str, ...]
    intents: tuple[str, ...]
    weights: Matrix
    bias: Matrix
    slope: Matrix
    offset: Matrix
    thresholds: Mapping[str, float]
    encoder: str
    encoder_sha256: str
    meta: Mapping[str, object] = field(default_factory=dict)

    def scores(self, sentences: Sequence[str], encoder: Encoder) -> Matrix:
        """Calibrated probabilities, shape (sentences, labels). Raises `ReadingError` for another encoder's vectors."""
        self.require(encoder)
        if not sentences:
            return np.zeros((0, len(self.labels)), dtype=np.float32)
        logits = features(sentences, encoder) @ self.weights + self.bias
        return sigmoid(logits * self.slope + self.offset)

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
            np.savez_compressed(file, weights=self.weights.astype(np.float16), bias=self.bias.astype(np.float16))
        described = {
            "form": _FORM,
            "encoder": self.encoder,
            "encoder_sha256": self.encoder_sha256,
            "lexical_dimension": LEXICAL_DIMENSION,
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
            weights, bias = arrays["weights"].astype(np.float32), arrays["bias"].astype(np.float32)
        heads = Heads(
            labels=tuple(described["labels"]),
            intents=tuple(described["intents"]),
            weights=weights,
            bias=bias,
            slope=np.asarray(described["slope"], dtype=np.float32),
            offset=np.asarray(described["offset"], dtype=np.float32),
            thresholds=described["thresholds"],
            encoder=described["encoder"],
            encoder_sha256=described["encoder_sha256"],
            meta=described["meta"],
        )
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise ReadingError(f"The heads {name!r} in {folder} cannot be read: {error}.", remedy=_REMEDY) from error
    heads.require(encoder)
    expected = (encoder.dimension + LEXICAL_DIMENSION, len(heads.labels))
    if described["form"] != _FORM or described["lexical_dimension"] != LEXICAL_DIMENSION or weights.shape != expected:
        raise ReadingError(f"The heads {name!r} have the shape {weights.shape}, not {expected}.", remedy=_REMEDY)
    return heads


def features(sentences: Sequence[str], encoder: Encoder) -> Matrix:
    """The encoder's vector beside the hashed words, which count half."""
    return np.concatenate([encoder.encode(sentences), 0.5 * lexical(sentences)], axis=1).astype(np.float32)


def sigmoid(values: Matrix) -> Matrix:
    """The logistic function without overflow."""
    clipped = np.clip(values, -30, 30)
    return np.asarray(1 / (1 + np.exp(-clipped)), dtype=np.float32)
