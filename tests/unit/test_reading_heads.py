"""Heads: small, stored, refused for another encoder; a retailer's own intent is learnt from its sentences."""

from pathlib import Path

import pytest

from caseworker.core.errors import ReadingError
from caseworker.reading.adapters.use import UseEncoder
from caseworker.reading.encoder import TfidfEncoder
from caseworker.reading.heads import SHIPPED, load
from caseworker.reading.model import Intent
from caseworker.reading.training import corpus


def test_the_shipped_heads_are_small_and_belong_to_the_shipped_encoder():
    heads = load(SHIPPED, "use", UseEncoder())
    assert "where_is_my_order" in heads.intents
    assert set(corpus.RISKS) <= set(heads.labels)
    assert (SHIPPED / "use.npz").stat().st_size < 3_000_000


def test_another_encoder_is_refused_with_the_remedy():
    with pytest.raises(ReadingError, match="caseworker train"):
        load(SHIPPED, "use", TfidfEncoder())


def test_missing_heads_say_what_to_do(tmp_path: Path):
    with pytest.raises(ReadingError, match="caseworker train"):
        load(tmp_path, "use", UseEncoder())


def test_heads_come_back_from_disk_as_they_were(tmp_path: Path):
    encoder = UseEncoder()
    heads = load(SHIPPED, "use", encoder)
    heads.save(tmp_path, "again")
    again = load(tmp_path, "again", encoder)
    sentences = ["Where is my order?", "Ich möchte stornieren."]
    mail = " ".join(sentences)
    assert (heads.scores(sentences, mail, encoder) == again.scores(sentences, mail, encoder)).all()


def test_the_same_seed_gives_the_same_corpus_and_own_intents_are_in_it():
    engraving = Intent("engraving", "wants an engraving", {"en": ("Can you engrave a name on the watch?",)})
    first, second = corpus.build([engraving], 3), corpus.build([engraving], 3)
    assert first == second
    assert "engraving" in first.intents
    assert any("engraving" in example.labels for example in first.examples)


def test_negatives_are_at_least_as_many_as_positives():
    made = corpus.build([], 1)
    for intent in made.intents:
        positives = sum(intent in example.labels for example in made.examples)
        assert positives * 2 <= len(made.examples), intent


def test_weights_of_another_file_are_refused(tmp_path: Path):
    (tmp_path / "weights.npz").write_bytes(b"not the weights")
    with pytest.raises(ReadingError, match="not the pinned one"):
        UseEncoder(tmp_path).encode(["hello"])
