"""The published JSON Schemas take what the loader takes and mark what it refuses."""

from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from sop_builders import VOCABULARY, playbook

import caseworker.playbooks
from caseworker.sop.load import load, read_folder
from caseworker.sop.schema import FILES, Names, names_of, schemas
from caseworker.sop.upgrade import rewritten

RETAIL = rewritten(read_folder(Path(caseworker.playbooks.__file__).parent / "retail"))
BOOK = load(RETAIL)


class Loader(yaml.SafeLoader):
    """Plain words are texts, as the product reads them."""


Loader.yaml_implicit_resolvers = {
    key: [(tag, pattern) for tag, pattern in found if tag.rsplit(":", 1)[1] in ("int", "float", "null", "bool")]
    for key, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    if key not in "yYnNoO"
}


def mistakes(kind: str, text: str, names: Names = Names()) -> list[str]:  # noqa: B008  # frozen
    return [error.message for error in Draft202012Validator(schemas(names)[kind]).iter_errors(yaml.load(text, Loader))]


def of(text: str) -> Mapping[str, str]:
    return dict.fromkeys(FILES, text)


@pytest.mark.parametrize("path", sorted(path for path in RETAIL if path.endswith(".yaml")))
def test_every_file_of_the_shipped_playbook_fits_its_schema(path: str) -> None:
    kind = next(kind for kind, pattern in FILES.items() if fnmatch(path, pattern))
    assert mistakes(kind, RETAIL[path]) == []


def test_every_schema_is_one() -> None:
    for schema in schemas(names_of(BOOK, VOCABULARY, queues=("a",), replies=("b",))).values():
        Draft202012Validator.check_schema(schema)


NAMES = names_of(playbook(), VOCABULARY, queues=("returns", "general"), replies=("return_label",))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("sop", "sop: x\nrules:\n  - {rule: a, when: true, replyy: return_label}"),
        ("sop", "sop: x\nrules:\n  - {rule: a, when: true, reply: return_lable}"),
        ("sop", "sop: x\nrules:\n  - {rule: a, when: true, do: [{returns.creat: {}}]}"),
        ("sop", "sop: x\nrules:\n  - {rule: a, when: true, do: [{returns.create: {ordr: order}}]}"),
        ("sop", "sop: x\nrules:\n  - {rule: a, when: true, resolve: done}"),
        ("sop", "sop: x\nrules:\n  - {when: true, resolve: resolved}"),
        ("sop", "sop: x\nneeds: {order: {find: orders.fnd}}\nrules: []"),
        ("parameters", "a: {type: integer, values: [1]}"),
        ("questions", "a: {kind: colour}"),
        ("questions", "a: {kind: code}"),
        ("worker", "name: x\nlanguages: [xx]\ndefault_language: en\ndefault_country: DE\nmailboxes: []"),
        ("guardrails", "actions: {payments.refund: {per_action: [150 EURO]}}"),
        ("operations", "operations: {a.b: {kind: call}}"),
    ],
)
def test_a_mistake_is_marked(kind: str, text: str) -> None:
    assert mistakes(kind, text, NAMES)


def test_the_kinds_that_a_retailer_makes_his_own_questions_of_are_taken() -> None:
    text = 'account: {kind: code, forms: ["AC-####"]}\nphone: {kind: phone}\nemail: {kind: email}'
    assert mistakes("questions", text, NAMES) == []
    made = load({**RETAIL, "questions.yaml": f"{RETAIL['questions.yaml']}\n{text}\n"}).questions
    assert (made["account"].forms, made["phone"].kind, made["email"].kind) == (("AC-####",), "phone", "email")


def test_editors_are_offered_the_names_of_the_playbook() -> None:
    made = str(schemas(NAMES)["sop"])
    for name in ("returns.create", "payments.refund", "orders.find", "return_reason", "return_item", "returns", "return_label"):
        assert f"'{name}'" in made
