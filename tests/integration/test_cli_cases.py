"""The command line over a real database: cases, queues, brakes, history, backups."""

import io
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from cli_house import MAILBOX, Desk, install, mail, reading

from caseworker.app.playbooks import shipped
from caseworker.core.clock import utc_now
from caseworker.mail.model import MAX_MAIL
from caseworker.store.embedded_host import wheel_programs


@pytest.fixture
def desk(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    made = Desk(capsys)
    install(monkeypatch, tmp_path, database_url, made.readings)
    made.load_shop()
    return made


def cancelled(desk: Desk) -> str:
    """A cancel, done and answered; returns the order's number."""
    order = desk.order("paid", "processing")
    desk.readings["cancel it"] = reading("cancel_order", order_number=order["number"])
    desk.work(mail("cancel it", f"Please cancel {order['number']}.", sender=order["email"]))
    return str(order["number"])


def escalated(desk: Desk) -> None:
    desk.readings["court"] = reading("legal_threat")
    desk.work(mail("court", "You will hear from my lawyer.", sender="angry@customer.example"))


def test_a_case_is_listed_shown_and_explained(desk: Desk) -> None:
    assert desk("cases", "list") == ""
    number = cancelled(desk)
    [row] = desk.json("cases", "list", "--search", number.lower(), "--intent", "cancel_order")
    assert (row["status"], row["outcomes"]) == ("closed", ["resolved"])
    assert desk.json("cases", "list", "--status", "with_people") == []
    shown = desk("cases", "show", row["case"])
    assert "orders.cancel: done" in shown
    assert f"Please cancel {number}." in shown
    assert "Reply to" in shown
    story = desk.json("cases", "show", row["case"])
    assert [moment["kind"] for moment in story["moments"]][:2] == ["mail", "read"]
    assert story["requests"][0]["outcome"] == "resolved"
    told = desk("explain", row["case"])
    assert "Row cancel_all fires" in told
    assert "does not hold" in told
    decisions = desk.json("explain", row["case"])
    fired = [line["name"] for line in decisions[0]["decision"]["rows"] if line["verdict"] == "fired"]
    assert fired == ["cancel_all"]


def test_why_a_row_did_not_fire_is_told(desk: Desk) -> None:
    cancelled(desk)
    told = desk("explain", "1", "--decision", "1")
    assert "Decision 1, " in told
    assert "The sender is the owner: " in told
    assert "is false: order.status is " in told, "the part that was false, with its value"
    assert desk("explain", "1", "--row", "unknown_state").splitlines()[1] == "  Row cancel_all fired."
    assert "Its rows are " in desk("explain", "1", "--row", "nowhere", code=2)


def test_another_release_is_compared_with_what_was_decided(desk: Desk, tmp_path: Path) -> None:
    cancelled(desk)
    assert "identical, 0 different." in desk("replay", "1")
    folder = tmp_path / "never"
    shutil.copytree(shipped("retail"), folder)
    procedure, rule = folder / "sops" / "cancel.yaml", "  - rule: cancel_all\n"
    never = '  - rule: never\n    when: order.status != "delivered"\n    escalate: {queue: general, because: never}\n\n'
    assert rule in procedure.read_text()
    procedure.write_text(procedure.read_text().replace(rule, never + rule))
    other = desk("replay", "1", "--release", str(folder))
    assert "row cancel_all -> row never: escalate general never instead of do orders.cancel" in other
    assert "No release begins with ffffffff" in desk("replay", "1", "--release", "ffffffff", code=1)
    assert "Give a CASE, or --all" in desk("replay", code=2)


def test_an_example_is_made_from_a_case_by_one_command(desk: Desk, tmp_path: Path) -> None:
    number, made = cancelled(desk), tmp_path / "made.yaml"
    assert "row cancel_all" in desk("examples", "--from-case", "1", "--decision", "1", "--out", str(made))
    assert number not in made.read_text()
    assert "rule: cancel_all" in made.read_text()
    assert "is there already" in desk("examples", "--from-case", "1", "--out", str(made), code=2)


def test_a_decision_that_was_changed_afterwards_is_found(desk: Desk, database_url: str) -> None:
    cancelled(desk)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            """update decisions set decision = jsonb_set(decision, '{rule}', '"other"'), rule = 'other' where number = 1"""
        )
    assert "row other -> row cancel_all" in desk("replay", "1", code=1)
    assert desk.json("replay", "--all", code=1)["cases_different"] == 1


def test_a_raw_mail_comes_back_as_it_was(desk: Desk) -> None:
    desk.readings["court"] = reading("legal_threat")
    raw = mail("court", "Mon avocat vous \u00e9crira.", sender="angry@customer.example")
    desk.work(raw)
    done = subprocess.run([sys.executable, "-m", "caseworker", "cases", "raw", "1"], capture_output=True, check=True)
    assert done.stdout == raw


def test_a_case_that_is_not_there_is_said_so(desk: Desk) -> None:
    assert "There is no case 99." in desk("cases", "show", "99", code=2)
    assert "is no case" in desk("explain", "CW-000001-ZZ", code=2)
    assert "no raw mail" in desk("cases", "raw", "99", code=2)
    assert "no queue item" in desk("queue", "show", "99", code=2)


def test_people_decide_and_the_case_goes_on(desk: Desk, tmp_path: Path) -> None:
    escalated(desk)
    [entry] = desk.json("queue", "list")
    item = str(entry["item"]["id"])
    assert "lawyer" in desk("queue", "show", item) or "legal" in desk("queue", "show", item)
    assert "does not fit" in desk("queue", "decide", item, "--approve", code=2)
    words = tmp_path / "answer.txt"
    words.write_text("We are sorry. The manager will call you tomorrow.\n")
    desk("queue", "decide", item, "--resolve", "--by", "anna", "--note", "called her", "--reply", str(words))
    desk.work()
    assert desk.json("queue", "list") == []
    shown = desk("cases", "show", entry["reference"])
    assert "anna decided: resolve" in shown
    assert "The manager will call you tomorrow." in shown
    assert "decided already" in desk("queue", "decide", item, "--resolve", code=2)


def test_a_stop_holds_back_and_resume_lists_it(desk: Desk) -> None:
    assert desk.json("stop", "--by", "anna")["scope"] == "all"
    number = cancelled(desk)
    [row] = desk.json("cases", "list", "--search", number)
    assert row["status"] == "waiting"
    lifted = desk.json("resume")
    assert lifted["lifted"] == ["1: all"]
    assert [held["operation"] for held in lifted["held"]] == ["orders.cancel"]
    desk.work()
    [row] = desk.json("cases", "list", "--search", number)
    assert row["outcomes"] == ["resolved"]
    assert "no stop was on" in desk("resume")


def test_what_was_set_aside_is_listed_and_taken_up(desk: Desk, database_url: str) -> None:
    escalated(desk)
    assert desk("retry", "--list") == ""
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE events SET aside = true, done_at = NULL, error = 'it failed'")
    listed = desk.json("retry", "--list")
    assert listed["aside"][0]["error"] == "it failed"
    assert listed["taken_up"] == 0
    assert desk.json("retry", "--case", "1")["taken_up"] >= 1
    assert desk.json("retry", "--list")["aside"] == []


def test_history_is_decided_and_nothing_is_done(desk: Desk, tmp_path: Path) -> None:
    order = desk.order("paid", "processing")
    desk.readings["old cancel"] = reading("cancel_order", order_number=order["number"])
    desk.readings["old threat"] = reading("legal_threat")
    desk.readings["odd"] = reading(abstained="language")
    folder = tmp_path / "mails"
    folder.mkdir()
    for i, subject in enumerate(desk.readings):
        long_ago = utc_now() - timedelta(days=400)
        (folder / f"{i}.eml").write_bytes(mail(subject, f"Words of {subject}", sender=order["email"], at=long_ago))
    told = desk.json("import", str(folder), "--mailbox", MAILBOX)
    assert told["imported"]["mails"] == 3
    assert told["report"]["intents"]["cancel_order"] == {"acted": 1}
    assert told["report"]["intents"]["legal_threat"] == {"escalated": 1}
    assert told["report"]["abstained"] == {"language": 1}
    assert desk.json("queue", "list") == []
    dump = desk("sandbox", "dump", "-")
    assert dump.count('"cancelled"') == str(desk.shop).count("'cancelled'")
    rows = desk.json("cases", "list")
    assert all(row["opened_at"] < (utc_now() - timedelta(days=399)).isoformat() for row in rows)
    again = desk.json("import", str(folder), "--mailbox", MAILBOX)
    assert (again["imported"]["mails"], again["imported"]["duplicates"]) == (0, 3)


def test_what_an_import_leaves_out_is_told_at_the_end(desk: Desk, tmp_path: Path) -> None:
    desk.readings["old threat"] = reading("legal_threat")
    folder = tmp_path / "mails"
    folder.mkdir()
    (folder / "a.eml").write_bytes(mail("old threat", "Words", sender="a@b.example", at=utc_now() - timedelta(days=400)))
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    told = desk("import", str(folder), "--mailbox", MAILBOX)
    assert told.splitlines()[-2:] == [
        "Not taken in: 1",
        "  photo.jpg is no mail: it begins neither with a header nor with `From `",
    ]
    with (folder / "big.eml").open("wb") as file:
        file.truncate(MAX_MAIL + 1)
    [big, photo] = desk.json("import", str(folder), "--mailbox", MAILBOX, code=1)["not_taken"]
    assert big == {"name": "big.eml", "why": "is larger than 50 MiB", "lost": True}
    assert (photo["name"], photo["lost"]) == ("photo.jpg", False)
    new = desk("import", str(folder), "--mailbox", MAILBOX, "--as", "new", "--yes", code=1)
    assert "Not taken in: 2\n  big.eml is larger than 50 MiB\n  photo.jpg is no mail" in new


def test_new_mails_are_acted_upon_only_when_young(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.readings["young"] = desk.readings["old"] = reading("legal_threat")
    folder = tmp_path / "mails"
    folder.mkdir()
    for subject, days in (("young", 1), ("old", 8)):
        raw = mail(subject, f"Words, {subject}", sender="a@b.example", at=utc_now() - timedelta(days=days))
        (folder / f"{subject}.eml").write_bytes(raw)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert "1 mails are young enough" in desk("import", str(folder), "--mailbox", MAILBOX, "--as", "new", code=130)
    told = desk.json("import", str(folder), "--mailbox", MAILBOX, "--as", "new", "--yes")
    assert (told["imported"]["mails"], told["left_out"]) == (1, 1)
    desk.work()
    assert len(desk.json("queue", "list")) == 1


def test_mails_in_no_case_are_listed(desk: Desk) -> None:
    assert desk.json("cases", "list", "--unassigned") == []
    head = b"Precedence: bulk\r\n"
    desk.work(head + mail("Spring offers", "Everything must go.", sender="news@other.example"))
    assert desk.json("cases", "list") == []
    [row] = desk.json("cases", "list", "--unassigned")
    shown = ("news@other.example", "Spring offers", "bulk", "mailing_list", "Everything must go.")
    assert tuple(row[key] for key in ("sender", "subject", "kind", "why", "text")) == shown
    assert "Spring offers" in desk("cases", "list", "--unassigned", "--limit", "5")
    assert "--unassigned goes with" in desk("cases", "list", "--unassigned", "--status", "open", code=2)


def test_a_mailbox_that_is_not_ours_takes_nothing(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "one.eml"
    file.write_bytes(mail("x", "y", sender="a@b.example"))
    assert "no mailbox of ours" in desk("import", str(file), "--mailbox", "other@shop.example", code=1)


def test_a_backup_brings_everything_back(desk: Desk, tmp_path: Path, database_url: str) -> None:
    number = cancelled(desk)
    before = desk.json("cases", "list")
    file = tmp_path / "all.dump"
    desk("backup", str(file))
    assert "is there already" in desk("backup", str(file), code=2)
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM timeline")
        connection.execute("DROP SCHEMA sandbox CASCADE")
    for _ in range(2):  # a database that was restored once is restored again
        desk("restore", str(file), "--yes")
        assert desk.json("cases", "list", "--search", number) == before
        assert "orders.cancel: done" in desk("cases", "show", before[0]["case"])
        assert number in desk("sandbox", "dump", "-")


def test_a_file_that_is_no_backup_costs_nothing(desk: Desk, tmp_path: Path) -> None:
    cancelled(desk)
    file = tmp_path / "nonsense.dump"
    file.write_text("nonsense")
    assert "pg_restore failed" in desk("restore", str(file), "--yes", code=1)
    assert len(desk.json("cases", "list")) == 1


def test_a_damaged_backup_costs_nothing(desk: Desk, tmp_path: Path) -> None:
    cancelled(desk)
    whole, damaged = tmp_path / "whole.dump", tmp_path / "damaged.dump"
    desk("backup", str(whole))
    content = whole.read_bytes()
    middle, before = len(content) // 2, desk.json("cases", "list")
    damaged.write_bytes(
        content[:middle] + bytes(byte ^ 255 for byte in content[middle : middle + 200]) + content[middle + 200 :]
    )
    assert "pg_restore failed" in desk("restore", str(damaged), "--yes", code=1)
    damaged.write_bytes(content[:middle])
    assert "pg_restore failed" in desk("restore", str(damaged), "--yes", code=1)
    assert desk.json("cases", "list") == before


def test_a_restore_that_breaks_off_leaves_the_database_as_it_was(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled(desk)
    file, before = tmp_path / "all.dump", desk.json("cases", "list")
    desk("backup", str(file))
    programs, real = tmp_path / "programs", wheel_programs() / "pg_restore"
    programs.mkdir()
    half = programs / "pg_restore"  # writes half of what it should, then dies; the check before it goes well
    half.write_text(f'#!/bin/sh\ncase "$*" in *--file=-*) {real} "$@" | head -c 20000; exit 9;; esac\nexec {real} "$@"\n')
    half.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    assert "pg_restore failed" in desk("restore", str(file), "--yes", code=1)
    assert desk.json("cases", "list") == before


def test_the_sandbox_is_filled_and_misbehaves(desk: Desk, tmp_path: Path) -> None:
    assert "40 orders" in desk("sandbox", "load", "--generated", "--orders", "40")
    file = tmp_path / "shop.json"
    desk("sandbox", "dump", str(file))
    assert "40 orders" in desk("sandbox", "load", str(file), "--shop", "other")
    assert "error_500" in desk("sandbox", "faults", '{"error_500": 0.5}')
    assert "knows" in desk("sandbox", "faults", '{"nonsense": 1}', code=2)
    file.write_text("{")
    assert "no JSON" in desk("sandbox", "load", str(file), code=2)


def test_doctor_says_what_is_wrong(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CASEWORKER_RELAY", f"maildir:{tmp_path / 'out'}")
    found = {finding["name"]: finding for finding in desk.json("doctor")["findings"]}
    assert {found[name]["verdict"] for name in ("python", "data directory", "playbook", "reader", "database")} == {"ok"}
    assert found["stops"]["verdict"] == "ok"
    desk("stop", "--intent", "cancel_order")
    found = {finding["name"]: finding for finding in desk.json("doctor")["findings"]}
    assert "cancel_order" in found["stops"]["message"]
    monkeypatch.setenv("CASEWORKER_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("CASEWORKER_RELAY", "smtp://127.0.0.1:1")
    wrong = {f["name"]: f for f in desk.json("doctor", code=1)["findings"]}
    assert wrong["database"]["verdict"] == wrong["relay"]["verdict"] == "error"
    assert "CASEWORKER_DATABASE_URL" in wrong["database"]["advice"]


def test_upgrade_may_be_called_again(desk: Desk) -> None:
    assert "schema" in desk("upgrade")
    assert "schema" in desk("upgrade")
