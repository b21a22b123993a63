"""Ten faults, each put into the shipped playbook, each found before it can run, with a text that helps."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from test_playbook_retail import VOCABULARY

import caseworker.playbooks
from caseworker.cli.proving import limits_of
from caseworker.commerce.operations import BUILT_IN
from caseworker.core.errors import PlaybookError
from caseworker.guard.load import load as load_guardrails
from caseworker.sop.check import check
from caseworker.sop.load import load, read_folder
from caseworker.sop.model import Known
from caseworker.sop.prove import prove
from caseworker.sop.proving.report import report
from caseworker.writing.load import load as load_replies

Files = dict[str, str]
RETAIL = read_folder(Path(caseworker.playbooks.__file__).parent / "retail")
NEEDED = (
    "worker",
    "parameters",
    "intents",
    "questions",
    "guardrails",
    "routing",
    "proofs",
    "replies/",
    "parts/",
    "sops/warranty",
)
# One procedure with everything that it needs: the whole playbook is checked and proved by the systems' tests.
FILES = {path: text for path, text in RETAIL.items() if path.startswith(NEEDED)}
ROW = "sops/warranty.yaml"


def texts(files: Files) -> list[str]:
    """What `check` (or the loader) says."""
    try:
        book, replies, guardrails = load(files), load_replies(files), load_guardrails(files)
    except PlaybookError as error:
        return str(error).splitlines()
    known = Known(replies.variables(), frozenset(guardrails.queues), frozenset(guardrails.limits), frozenset(BUILT_IN))
    found = check(book, VOCABULARY, known)
    return [f"{f.place}: {f.message} {f.advice}" for f in found if f.place.file.startswith(("sops", "parts", "replies"))]


def proofs(files: Files) -> list[str]:
    """What `prove` says of the procedure."""
    limits = limits_of(load_guardrails(files))
    [proof] = prove(load(files), VOCABULARY, limits, procedures=["warranty"], timeout=30)
    return list(report(proof))


def changed(path: str, old: str, new: str, *, every: bool = False) -> Files:
    assert old in FILES[path], f"{path} has no {old!r}"
    return {**FILES, path: FILES[path].replace(old, new) if every else FILES[path].replace(old, new, 1)}


def row(text: str, *, before: str = "  - rule: review\n") -> Files:
    """The procedure with a further row."""
    return changed(ROW, before, f"{text}{before}")


def without(path: str) -> Files:
    return {name: text for name, text in FILES.items() if name != path}


CYCLE = {"parts/a.yaml": "part: a\nrules:\n  - {use: b}\n", "parts/b.yaml": "part: b\nrules:\n  - {use: a}\n"}
SHADOWED = """\
  - rule: dear
    when: value > param.warranty_up_to && delivered_days <= param.warranty_settle_days
    resolve: declined
"""
NO_RECEIPT = """\
  - rule: told
    when: delivered_days > 900
    reply: problem_refunded
    resolve: resolved
"""
ENDLESS = """\
  - rule: wait_a
    when: delivered_days > 800
    wait: {until: order.status == "returned", at_most: 5d, then: wait_b}
  - rule: wait_b
    when: delivered_days > 900
    wait: {until: order.status == "returned", at_most: 5d, then: wait_a}
"""
TWO_PAYMENTS = """\
  - rule: twice
    when: size(payers) > 0 && value <= param.warranty_up_to && wants_money
    do:
      - payments.refund: {payment: "payers[0].ref", amount: value, lines: lines}
        as: gift
  - rule: thrice
    when: has(done.gift) && size(payers) > 0
    do:
      - payments.refund: {payment: "payers[0].ref", amount: value, lines: lines}
        as: more
    resolve: resolved
"""
LIMIT = "value <= param.warranty_up_to"
NO_PAYER = "  - rule: no_single_payment\n    when: size(payers) == 0\n"


def test_without_a_fault_nothing_is_found() -> None:
    assert [line for line in texts(FILES) if ROW in line or "replies/" in line] == []
    said = "\n".join(proofs(FILES))
    assert "gaps: none" in said
    assert "contradiction" not in said
    assert "more_than_small_items_without_a_person: proved" in said


FAULTS: Mapping[str, tuple[Files, Callable[[Files], list[str]], tuple[str, ...]]] = {
    "a gap": (
        changed(ROW, NO_PAYER, NO_PAYER.replace("== 0", "> 5")),
        proofs,
        ("no row decides", "not_covered", "Add a row that decides it"),
    ),
    "a shadowed row": (row(SHADOWED, before="  - rule: replace\n"), proofs, ("row dear never fires", "review")),
    "a missing translation": (
        without("replies/warranty_over/pl.md"),
        texts,
        ("warranty_over", "no words in pl", "Write replies/warranty_over/pl.md"),
    ),
    "a receipt without its action": (row(NO_RECEIPT), texts, ("problem_refunded", "no receipt `refund`", "has(done.refund)")),
    "an unguarded refund": (
        changed("guardrails.yaml", "  payments.refund:", "  payments.refnd:"),
        texts,
        ("payments.refund moves money and has no guardrail", "guardrails.yaml"),
    ),
    "a currency mix": (
        changed(ROW, LIMIT, f'{LIMIT} && money("75.00 GBP") > param.refund_at_once'),
        texts,
        ("GBP", "EUR", "in every currency"),
    ),
    "a wrong type": (changed(ROW, LIMIT, "value <= 75"), texts, ("Money", "int", "param")),
    "a cycle": (
        {**changed(ROW, "rules:\n", "rules:\n  - {use: a}\n"), **CYCLE},
        texts,
        ("a -> b -> a", "Take one of these `use:` out"),
    ),
    "an endless wait": (row(ENDLESS), texts, ("wait_a -> wait_b -> wait_a", "hands over or resolves")),
    "a limit broken on one path": (
        row(TWO_PAYMENTS),
        proofs,
        ("more_than_small_items_without_a_person", "twice", "thrice"),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_with_a_text_that_helps(name: str) -> None:
    fault, find, words = FAULTS[name]
    said = "\n".join(find(fault))
    assert [word for word in words if word not in said] == [], said


def test_the_faults_are_ten() -> None:
    assert len(FAULTS) == 10
