"""Weights of one's own: where they are looked for, what is refused, and which intents a reader does not know."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from caseworker import bootstrap
from caseworker.cli.doctor import Visit
from caseworker.cli.playbooks import offline
from caseworker.core.errors import ConfigurationError, ReadingError
from caseworker.reading.encoder import TfidfEncoder
from caseworker.reading.heads import SHIPPED
from caseworker.reading.model import Intent
from caseworker.reading.training import corpus, grammar, own
from caseworker.settings import Settings, from_environment
from caseworker.sop.load import load, read_folder

RETAIL = Path(bootstrap.__file__).parent / "playbooks" / "retail"
WISH = """
delivery_wish:
  description: where to leave it
  queue: general
  examples: {en: [Please leave it behind the garage]}
"""


def files() -> Mapping[str, str]:
    """The shipped playbook with an intent more."""
    shipped = read_folder(RETAIL)
    return {**shipped, "intents.yaml": shipped["intents.yaml"] + WISH}


def copied(to: Path) -> Path:
    shutil.copytree(SHIPPED, to)
    return to


def test_without_training_the_shipped_weights_are_used_and_know_the_shipped_playbook(tmp_path: Path):
    settings = Settings(tmp_path)
    assert bootstrap.weights_of(settings, "retail") == SHIPPED
    assert bootstrap.not_taught(settings, load(read_folder(RETAIL))) == ()


def test_what_was_trained_for_a_playbook_is_used_for_that_one_only(tmp_path: Path):
    settings = Settings(tmp_path)
    copied(bootstrap.trained_for(settings, "My desk"))
    assert bootstrap.weights_of(settings, "My desk") == tmp_path / "weights" / "My_desk"
    assert bootstrap.weights_of(settings, "retail") == SHIPPED


def test_a_folder_without_weights_is_refused_by_name(tmp_path: Path):
    settings = from_environment({"CASEWORKER_DATA_DIR": str(tmp_path), "CASEWORKER_WEIGHTS": str(tmp_path / "none")})
    with pytest.raises(ConfigurationError, match="CASEWORKER_WEIGHTS"):
        bootstrap.weights_of(settings, "retail")


def test_weights_of_another_encoder_are_refused_when_the_reader_is_made(tmp_path: Path):
    folder = copied(tmp_path / "w")
    described = json.loads((folder / "use.json").read_text())
    (folder / "use.json").write_text(json.dumps({**described, "encoder": "other", "encoder_sha256": "0" * 64}))
    with pytest.raises(ReadingError, match="trained on the encoder other"):
        bootstrap.make_reader(Settings(tmp_path, weights=str(folder)), offline().assemble(read_folder(RETAIL)))


async def test_an_intent_that_the_weights_do_not_know_is_told(tmp_path: Path):
    assert bootstrap.not_taught(Settings(tmp_path), load(files())) == ("delivery_wish",)
    folder = tmp_path / "desk"
    shutil.copytree(RETAIL, folder)
    (folder / "intents.yaml").write_text(files()["intents.yaml"])
    found = {finding.name: finding for finding in await Visit(Settings(tmp_path, playbook=str(folder))).reader()}
    assert (found["reader"].verdict, found["intents"].verdict) == ("ok", "warn")
    assert "delivery_wish" in found["intents"].message
    assert "caseworker train" in found["intents"].advice


def test_few_sentences_of_an_own_intent_are_a_warning_and_those_of_a_known_one_are_not(tmp_path: Path):
    folder = tmp_path / "desk"
    shutil.copytree(RETAIL, folder)
    (folder / "intents.yaml").write_text(files()["intents.yaml"])
    _, findings = offline().check(folder)
    assert [(f.code, f.severity) for f in findings] == [("few_examples", "warning")]
    assert "`delivery_wish` has 1 sentences in en" in findings[0].message
    eight = ", ".join(f"Leave it at door {number}" for number in range(8))
    (folder / "intents.yaml").write_text(files()["intents.yaml"].replace("Please leave it behind the garage", eight))
    assert offline().check(folder)[1] == ()


# -- what is trained ---------------------------------------------------------------------------------------------------

PAUSE = Intent("subscription_pause", "", {"en": ("Please pause my subscription",)})


def test_only_the_playbooks_own_intents_are_learnt_and_the_others_are_one_matter_for_people():
    made = corpus.build([PAUSE, Intent("refund_status", "", {})], 1)
    assert made.intents == (own.ANOTHER, "refund_status", "subscription_pause")
    assert not {"cancel_order", "where_is_my_order"} & set(made.labels)
    texts = {example.text for example in made.examples if own.ANOTHER in example.labels}
    assert texts & {example.text for example in corpus.build([], 1).examples if "cancel_order" in example.labels}


def test_an_own_sentence_stands_in_mails_among_others():
    made = corpus.build([PAUSE], 1)
    mails = [mail for _, mail in made.mails if "subscription_pause" in mail.requests]
    assert len(mails) > 3
    assert any(len(mail.sentences) > 1 for mail in mails)
    assert all(sum("subscription_pause" in line.labels for line in mail.sentences) == 1 for mail in mails)


def test_what_is_nearly_an_own_sentence_is_no_other_matter():
    encoder = TfidfEncoder()
    vectors = encoder.encode(["Please pause my subscription now", "Where is my parcel?", "Please pause my subscription"])
    mine = encoder.encode(["Please pause my subscription"])
    labels = [{own.ANOTHER}, {own.ANOTHER}, {"subscription_pause"}]
    assert own.too_near(labels, vectors, mine) == [True, False, False]


def test_the_shipped_playbook_has_no_intent_of_its_own():
    specs = load(read_folder(RETAIL)).intents.values()
    made = corpus.build([Intent(s.name, s.description, s.examples) for s in specs], 1)
    assert made.own == ()
    assert {spec.name for spec in specs} <= grammar.names()


def test_settings_name_the_folder(tmp_path: Path):
    folder = copied(tmp_path / "w")
    settings = replace(Settings(tmp_path), weights=str(folder))
    assert bootstrap.weights_of(settings, "retail") == folder
