"""What every encoder and every reader has to do."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from reading_builders import intents, reader

from caseworker.core.errors import ReadingError
from caseworker.reading.adapters.scripted import ScriptedReader
from caseworker.reading.adapters.use import UseEncoder
from caseworker.reading.encoder import TfidfEncoder
from caseworker.reading.model import Context, MailText, Reading
from caseworker.reading.ports import Encoder, Reader

READING = Reading("en", 1.0, (), {}, 0.0, (), "unsure", "scripted")


@pytest.mark.parametrize("encoder", [UseEncoder(), TfidfEncoder()], ids=lambda e: e.name)
def test_an_encoder_gives_unit_vectors_that_repeat(encoder: Encoder):
    sentences = ["Where is my order?", "Wo bleibt mein Paket?", "I want to return the shoes."]
    vectors = encoder.encode(sentences)
    assert vectors.shape == (3, encoder.dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert np.allclose(encoder.encode(sentences[1:2])[0], vectors[1], atol=1e-4)
    assert encoder.encode([]).shape == (0, encoder.dimension)
    assert len(encoder.sha256) == 64


@pytest.mark.parametrize("make", [reader, lambda: ScriptedReader({"order": READING})], ids=["embedded", "scripted"])
async def test_a_reader_answers_with_its_name_and_known_intents(make):
    subject: Reader = make()
    mail = MailText("my order", "Where is my order?")
    reading = await subject.read(mail, intents=intents(), questions=(), context=Context())
    assert reading.reader == subject.name
    assert {request.intent for request in reading.requests} <= {intent.name for intent in intents()}
    assert -1 <= reading.mood <= 1


async def test_a_script_without_an_answer_says_so():
    with pytest.raises(ReadingError, match="no reading"):
        await ScriptedReader({}).read(MailText("x", "y"), intents=(), questions=(), context=Context())
