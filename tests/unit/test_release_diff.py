"""A diff in words of the domain: what a manager reads before a release goes live."""

from sop_builders import INTENTS, PARAMETERS, QUESTIONS, RETURN, WORKER

from caseworker.app.diffing import diff_releases
from caseworker.cli.playbooks import offline
from caseworker.guard.diff import diff_guardrails
from caseworker.guard.load import load as load_guardrails

GUARDRAILS = """actions:
  payments.refund: {per_action: ["150.00 EUR"], per_case: ["300.00 EUR"], above: approve, queue: finance}
  returns.create: {count_per_case: 3}
"""
ROUTING = "default_queue: general\nqueues: {general: {title: General}, finance: {title: Money}}\nbecause: {high_value: Much.}\n"
REPLY = "---\nsubject: Your return\n---\nHello,\n\nhere is your label.\n"
FILES = {
    "worker.yaml": WORKER,
    "intents.yaml": INTENTS,
    "questions.yaml": QUESTIONS,
    "parameters.yaml": PARAMETERS,
    "guardrails.yaml": GUARDRAILS,
    "routing.yaml": ROUTING,
    "sops/return.yaml": RETURN,
    "replies/return_label/en.md": REPLY,
    "replies/return_label/de.md": REPLY,
}


def told(**changes: tuple[str, str]) -> tuple[list[str], str, list[str]]:
    """The differences when in a file (named by its stem) one text stands in place of another."""
    new = dict(FILES)
    for stem, (old, instead) in changes.items():
        [path] = [p for p in FILES if p.endswith(f"{stem}.yaml")]
        assert old in new[path], f"{old!r} does not stand in {path}"
        new[path] = new[path].replace(old, instead)
    playbooks = offline()
    found = diff_releases(playbooks.assemble(FILES), playbooks.assemble(new))
    lines = [line for d in found.differences for line in d.lines]
    return [str(d) for d in found.differences], found.summary, lines


def test_a_parameter_says_where_and_from_when() -> None:
    texts, summary, _ = told(parameters=("{value: 45, country: DE", "{value: 60, country: DE"))
    assert texts == ["return window 45 -> 60 days in DE from 2026-12-01 to 2027-01-31 (parameters.yaml:4)"]
    assert summary == "1 parameter changed"


def test_a_new_line_of_a_parameter_says_what_held_there_before() -> None:
    texts, _, _ = told(parameters=("values: [30,", "values: [30, {value: 20, country: PL, from: 2026-12-01},"))
    assert texts == ["return window 30 -> 20 days in PL from 2026-12-01 (parameters.yaml:4)"]
    texts, _, _ = told(parameters=("{value: 14, country: GB}, ", ""))
    assert texts == ["return window 14 -> 30 days in GB (parameters.yaml:2)"]


def test_other_dates_are_told_as_such() -> None:
    texts, _, _ = told(parameters=("from: 2026-12-01, to: 2027-01-31", "from: 2026-12-15"))
    assert texts == [
        "return window days: 45 in DE from 2026-12-15, it was in DE from 2026-12-01 to 2027-01-31 (parameters.yaml:2)"
    ]


def test_a_new_parameter_and_a_removed_one() -> None:
    texts, _, _ = told(parameters=("goodwill:", "kindness:"))
    assert texts == [
        "goodwill: removed, 10.00 EUR, 9.00 GBP in GB (parameters.yaml:5)",
        "kindness: new, 10.00 EUR, 9.00 GBP in GB (parameters.yaml:5)",
    ]


def test_a_row_says_what_changed_in_it() -> None:
    texts, summary, _ = told(**{"return": ("days_since > param.return_window_days", "days_since > 99")})
    [text] = texts
    assert text.startswith("procedure return: row ")
    assert "changed: when days_since > param.return_window_days" in text
    assert "-> days_since > 99" in text
    assert "(sops/return.yaml:" in text
    assert summary == "1 row changed"


FRESH = "- rule: fresh\n    when: days_since > 9\n    reply: return_label\n    resolve: answered\n\n  "


def test_a_row_that_is_new() -> None:
    texts, _, lines = told(**{"return": ("- rule: window_closed", f"{FRESH}- rule: window_closed")})
    assert len(texts) == 1
    assert texts[0].startswith("procedure return: row fresh added")
    assert lines == ["when days_since > 9", "reply return_label", "resolve answered"]


def test_a_row_that_is_moved() -> None:
    first = RETURN[RETURN.index("  - rule: not_delivered") : RETURN.index("  - rule: window_closed")]
    playbooks, new = offline(), RETURN.replace(first, "").replace("  - rule: accept", f"{first}  - rule: accept")
    found = diff_releases(playbooks.assemble(FILES), playbooks.assemble({**FILES, "sops/return.yaml": new}))
    [text] = [str(d) for d in found.differences]
    assert text.startswith("procedure return: row not_delivered moved after refused_by_system (sops/return.yaml:")
    assert found.summary == "1 row changed"


def test_needs_facts_and_intents() -> None:
    texts, summary, lines = told(
        **{
            "return": ("days_since: days(order.delivered_at, now)", "days_since: days(order.placed_at, now)"),
            "intents": ("[I want to return it]", "[I want to return it, it goes back]"),
            "worker": ("mode: live", "mode: shadow"),
        }
    )
    assert any(
        t.startswith("procedure return: fact days_since days(order.delivered_at, now) -> days(order.placed_at") for t in texts
    )
    assert "intent return_item changed: example en added: it goes back (intents.yaml:2)" in texts
    assert "mode live -> shadow (worker.yaml:1)" in texts
    assert summary == "1 fact changed, 1 intent, 1 setting"
    assert lines == []


def test_words_are_shown_line_by_line_and_per_language() -> None:
    new = {**FILES, "replies/return_label/de.md": REPLY.replace("here is your label", "hier ist Ihr Etikett")}
    playbooks = offline()
    found = diff_releases(playbooks.assemble(FILES), playbooks.assemble(new))
    [reply] = found.differences
    assert str(reply) == "reply return_label de changed (replies/return_label/de.md:1)"
    assert reply.lines == ("- here is your label.", "+ hier ist Ihr Etikett.")
    assert found.summary == "1 reply changed"


def test_comments_and_line_ends_change_nothing_that_is_decided() -> None:
    playbooks = offline()
    comment = {**FILES, "parameters.yaml": f"# a word\n{PARAMETERS}"}
    found = diff_releases(playbooks.assemble(FILES), playbooks.assemble(comment))
    assert (found.differences, found.only_layout) == ((), True)
    same = diff_releases(playbooks.assemble(FILES), playbooks.assemble({p: t.replace("\n", "\r\n") for p, t in FILES.items()}))
    assert (same.differences, same.only_layout, same.before) == ((), False, same.after)


def test_other_files_are_named() -> None:
    playbooks = offline()
    found = diff_releases(playbooks.assemble(FILES), playbooks.assemble({**FILES, "examples/more.yaml": "[]"}))
    assert [str(d) for d in found.differences] == ["examples/more.yaml added"]


def guarded(old: str, new: str) -> list[tuple[str, bool]]:
    assert old in GUARDRAILS + ROUTING
    files = {"guardrails.yaml": GUARDRAILS, "routing.yaml": ROUTING}
    after = {name: text.replace(old, new) for name, text in files.items()}
    return [(c.text, c.raises) for c in diff_guardrails(load_guardrails(files), load_guardrails(after))]


def test_limits_that_rise_are_marked() -> None:
    for old, new, told_, raises in (
        ('["150.00 EUR"]', '["200.00 EUR"]', "LIMIT RAISED: payments.refund per_action 150.00 EUR -> 200.00 EUR", True),
        ('["150.00 EUR"]', '["100.00 EUR"]', "limit lowered: payments.refund per_action 150.00 EUR -> 100.00 EUR", False),
        ('["150.00 EUR"]', '["150.00 EUR", "9.00 GBP"]', "LIMIT RAISED: payments.refund per_action none GBP -> 9.00 GBP", True),
        (' per_case: ["300.00 EUR"],', "", "LIMIT RAISED: payments.refund per_case 300.00 EUR -> unlimited EUR", True),
        ("above: approve", "above: forbid", "limit lowered: payments.refund above its limits: approve -> forbid", False),
        ("{count_per_case: 3}", "{count_per_case: 5}", "LIMIT RAISED: returns.create count_per_case 3 -> 5", True),
        ("{count_per_case: 3}", "{}", "LIMIT RAISED: returns.create count_per_case 3 -> unlimited", True),
        ("actions:", "publishing: {people: 2}\nactions:", "limit lowered: people to publish 1 -> 2", False),
    ):
        assert guarded(old, new) == [(told_, raises)]


def test_queues_and_reasons() -> None:
    assert guarded("finance: {title: Money}", "finance: {title: Money, service_level: 4h}") == [
        ("queue finance: service level 480 min -> 240 min", False)
    ]
    assert guarded("high_value: Much.", "high_value: A lot.") == [("reason high_value: words changed", False)]


def test_other_days_of_a_season_are_no_layout() -> None:
    playbooks = offline()
    season = PARAMETERS.replace("values: [30,", "values: [30, {value: 60, season: winter},")
    before = {**FILES, "parameters.yaml": f"seasons: {{winter: {{from: 12-10, to: 12-24}}}}\n{season}"}
    after = {**before, "parameters.yaml": before["parameters.yaml"].replace("12-10", "11-01")}
    found = diff_releases(playbooks.assemble(before), playbooks.assemble(after))
    assert not found.only_layout
    [difference] = found.differences
    assert "(11-01 to 12-24), it was in the season winter (12-10 to 12-24)" in str(difference)


def test_a_language_that_goes_is_one_line_and_marked() -> None:
    playbooks = offline()
    after = {path: text for path, text in FILES.items() if not path.endswith("/de.md")}
    after["worker.yaml"] = WORKER.replace("languages: [en, de]", "languages: [en]")
    found = diff_releases(playbooks.assemble(FILES), playbooks.assemble(after))
    [lost] = [d for d in found.differences if "replies in de" in str(d)]
    assert lost.raises
    assert not [d for d in found.differences if "reply return_label de" in str(d)]


def test_what_customers_read_as_approved_answers_is_shown() -> None:
    playbooks = offline()
    front = "---\nowner: a\nreview_by: 2027-01-01\nintents: [return_item]\nquestions: {en: [Do you gift-wrap?]}\n---\n"
    answer = f"{front}\n## en\n\nNo.\n"
    before = {**FILES, "knowledge/wrapping.md": answer}
    after = {**FILES, "knowledge/wrapping.md": answer.replace("No.", "Yes, until Christmas.")}
    found = diff_releases(playbooks.assemble(before), playbooks.assemble(after))
    [difference] = found.differences
    assert "+ Yes, until Christmas." in difference.lines
