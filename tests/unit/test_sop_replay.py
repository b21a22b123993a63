"""Recordings: there and back without loss, and decided again by the same release and by others."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from recording_builders import recorded
from sop_builders import NOW, PARAMETERS, RETURN, STRANGER, VOCABULARY, order, playbook

from caseworker.core.errors import StoreError
from caseworker.core.facts import canonical
from caseworker.sop.model import Found, Playbook, Progress
from caseworker.sop.recorded import VERSION, Recording, decision_to_facts, from_documents, to_documents, with_queues
from caseworker.sop.replay import Replayed, replay, replay_one

ANSWERS = {"items": ["l1"], "return_reason": "changed_mind"}


def stored(recording: Recording) -> Recording:
    """As it comes back from the database."""
    inputs, decision = (json.loads(json.dumps(document)) for document in to_documents(recording))
    return replace(from_documents(inputs, decision, request=1, release=recording.release), case=1, seq=1, number=1)


def again(recording: Recording, book: Playbook, *, by: Playbook | None = None) -> Replayed:
    return replay_one(stored(recording), book, VOCABULARY, by=by)


EVERY_KIND = {
    "acts": {"found": {"order": order()}, "answers": ANSWERS},
    "asks": {"found": {"order": order()}},
    "asks a stranger": {"sender": STRANGER},
    "finds nothing": {"found": {"order": Found(())}, "answers": {"order_number": "4"}},
    "was refused": {"found": {"order": Found((), "not_found")}, "answers": {"order_number": "4"}},
    "wrong proof": {"found": {"order": order()}, "sender": STRANGER, "answers": {"order_number": "NW-1", "postcode": "1"}},
    "declines": {"found": {"order": order(delivered_at=NOW - timedelta(days=99))}, "answers": ANSWERS},
    "after a refusal": {
        "found": {"order": order()},
        "answers": ANSWERS,
        "failed": {"rma": {"code": "invalid_state", "message": "no"}},
        "progress": Progress(fired=("accept",), asked={"items": 1}, confirmed={"accept": True}, shown={"accept": "x"}),
    },
}


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_recording_comes_back_without_loss_and_is_decided_the_same(kind: str) -> None:
    book = playbook()
    recording = recorded(book, **EVERY_KIND[kind])  # type: ignore[arg-type]
    back = stored(recording)
    assert canonical(back.facts) == canonical(recording.facts)
    assert canonical(back.progress) == canonical(recording.progress)
    assert canonical(decision_to_facts(back.decision)) == canonical(decision_to_facts(recording.decision))
    assert again(recording, book).differences == ()


def test_what_was_looked_up_is_stored_once() -> None:
    inputs, decision = to_documents(recorded(playbook(), found={"order": order()}, answers=ANSWERS))
    assert decision["facts"]["order"] == {"$at": ["progress", "found", "order", "records", 0]}
    assert decision["facts"]["lines"] == [{"$at": ["progress", "found", "order", "records", 0, "lines", 0]}]
    assert "Item 1" in json.dumps(inputs)
    assert "Item 1" not in json.dumps(decision)


def test_documents_of_a_newer_program_are_refused() -> None:
    inputs, decision = to_documents(recorded(playbook()))
    with pytest.raises(StoreError, match="newer Caseworker"):
        from_documents({**inputs, "version": VERSION + 1}, decision, request=1, release="r")


def test_a_difference_within_the_same_release_is_told_in_every_part() -> None:
    book = playbook()
    recording = recorded(book, found={"order": order()}, answers=ANSWERS)
    decision = recording.decision
    first, *rest = decision.trace
    changed = {
        "row window_closed -> row accept": replace(decision, rule="window_closed"),
        "identity verified instead of unverified": replace(decision, identity="unverified"),
        "missing nothing instead of lines": replace(decision, missing=("lines",)),
        "days_since is 9 instead of 8": replace(decision, facts={**decision.facts, "days_since": 8}),
        "row not_delivered saw order.status delivered instead of": replace(
            decision, trace=(replace(first, seen={"order.status": "paid"}), *rest)
        ),
        "meanwhile": replace(decision, meanwhile="other"),
    }
    for words, other in changed.items():
        told = again(replace(recording, decision=other), book).differences
        assert any(words in difference for difference in told), (words, told)


def test_queues_that_followed_another_release_are_those_of_the_recording() -> None:
    book = playbook()
    live = with_queues(book, "return", {"": "other", "not_covered": "elsewhere"})
    lines = [{"id": "l1", "returnable": False, "quantity": 1}]
    recording = recorded(live, found={"order": order(lines=lines)}, answers=ANSWERS)
    assert recording.queues == {"": "other", "not_covered": "elsewhere"}
    assert again(recording, book).differences == ()


def test_another_release_is_compared_in_words() -> None:
    book, strict = playbook(), playbook(parameters=PARAMETERS.replace("[30,", "[5,"))
    told = again(recorded(book, found={"order": order()}, answers=ANSWERS), strict)
    now, before = "reply return_window_closed, resolve declined", "do returns.create, reply return_label"
    rest = "promise refund 10.00 EUR, resolve resolved"
    assert told.differences == (f"row accept -> row window_closed: {now} instead of {before}, {rest}",)
    assert told.notes == ()


def test_rows_with_other_names_and_the_same_moves_are_said_to_have_them() -> None:
    renamed = playbook(sop=RETURN.replace("rule: accept", "rule: accepted"))
    told = again(recorded(playbook(), found={"order": order()}, answers=ANSWERS), renamed)
    assert told.differences == ("row accept -> row accepted, with the same moves",)


def test_what_a_release_lacks_is_noted_and_nothing_breaks() -> None:
    book = playbook()
    progress = Progress(fired=("not_delivered",), asked={"items": 1, "photo": 1}, waiting="refused_by_system")
    recording = recorded(book, found={"order": order()}, answers=ANSWERS, progress=progress)
    other = RETURN.replace("rule: not_delivered", "rule: renamed").replace("refused_by_system", "system_said_no")
    notes = again(recording, playbook(sop=other)).notes
    assert "row not_delivered, of which the recording speaks, is not in this release" in notes
    assert "row refused_by_system, of which the recording speaks, is not in this release" in notes
    without = playbook(questions=playbook().files["questions.yaml"].replace("photo: {kind: photo}\n", ""))
    assert "question photo, which was asked, is not in this release" in again(recording, without).notes
    gone = again(
        recording, playbook(sop=RETURN.replace("return_item", "other"), intents="other: {description: x, examples: {en: [y]}}")
    )
    assert gone.decision is None
    assert gone.differences == ("row accept -> no procedure handles 'return_item'",)


def test_a_need_that_is_looked_up_in_another_way_is_noted_and_one_that_was_not_looked_up_is_said() -> None:
    book = playbook()
    recording = recorded(book, found={"order": order()}, answers=ANSWERS)
    by_number = playbook(
        sop=RETURN.replace("with: {number: request.order_number, email: sender.address}", "with: {email: sender.address}")
    )
    assert (
        "need order is looked up in another way in this release; what was found then is used"
        in again(recording, by_number, by=book).notes
    )
    more = RETURN.replace(
        "  lines: {choose", "  parcel: {look: shipments.track, with: {shipment: 'order.shipments[0].ref'}}\n  lines: {choose"
    )
    tracked = playbook(sop=more.replace('when: order.status != "delivered"', 'when: parcel.status != "delivered"'))
    [told, *_] = again(recording, tracked).differences
    assert "look shipments.track" in told
    assert "what it gives was not recorded" in told


def test_decisions_after_a_difference_are_said_to_stand_on_the_recorded_way() -> None:
    book, strict = playbook(), playbook(parameters=PARAMETERS.replace("[30,", "[5,"))
    first = stored(recorded(book, found={"order": order()}, answers=ANSWERS))
    other_request = replace(stored(recorded(book, sender=STRANGER)), request=2, number=2)
    done = {"rma": {"status": "done", "at": NOW, "number": "R-1"}}
    last = replace(
        stored(recorded(book, found={"order": order()}, answers=ANSWERS, progress=Progress(fired=("accept",)), done=done)),
        number=3,
    )
    told = replay([first, other_request, last], strict, VOCABULARY, by={book.release: book})
    assert [(each.identical, each.after_difference) for each in told] == [(False, False), (True, False), (False, True)]
