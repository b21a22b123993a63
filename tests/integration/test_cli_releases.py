"""`caseworker release` as a manager types it."""

from pathlib import Path

import pytest
from cli_house import Desk, install, mail, reading
from playbooks_to_change import careful, playbook, without_payment_questions


@pytest.fixture
def desk(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    desk = Desk(capsys)
    install(monkeypatch, tmp_path / "data", postgres_url, desk.readings)
    monkeypatch.setenv("CASEWORKER_PLAYBOOK", str(playbook(tmp_path / "plain")))
    return desk


def test_a_change_goes_from_the_folder_to_live_and_back(desk: Desk, tmp_path: Path) -> None:
    [first] = desk.json("release", "list")
    assert (first["state"], first["how"], first["cases"]) == ("live", "first start", 0)
    changed = str(careful(tmp_path / "changed"))
    said = desk("release", "diff", "live", changed)
    assert "procedure cancel: row too_valuable added (sops/cancel.yaml:" in said
    assert said.endswith("1 row changed.\n")
    told = desk.json("release", "import", changed)
    name = told["release"]["release"][:6]
    assert told["new"]
    assert "is there already: draft." in desk("release", "import", changed)
    assert ": shadow, since" in desk("release", "shadow", name, "--by", "anna")
    assert "has decided nothing in shadow yet" in desk("release", "compare")
    assert ": share 10 %, since" in desk("release", "share", name, "--percent", "10", "--by", "anna", "--note", "a try")
    assert "has 10 % already" in desk("release", "share", name, "--percent", "10", "--by", "anna", code=2)
    assert ": live, since" in desk("release", "publish", name, "--by", "anna")
    shown = desk("release", "show", name)
    assert "shadow -> share 10 % (command) by anna: a try" in shown
    assert "share -> live (command) by anna" in shown
    assert f"Release {first['release'][:12]}: retired" in desk("release", "show", "previous")
    assert f"{first['release'][:12]} is live again" in desk("release", "rollback", "--by", "ben")
    rows = {row.split("\t")[0]: row.split("\t")[1] for row in desk("release", "list").splitlines()}
    assert rows == {first["release"][:12]: "live", told["release"]["release"][:12]: "withdrawn"}
    assert "no earlier release" in desk("release", "rollback", "--by", "ben", code=2)


def test_a_roll_back_tells_which_open_cases_do_not_simply_go_on(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASEWORKER_PLAYBOOK", str(without_payment_questions(tmp_path / "old")))
    name = desk.json("release", "import", str(playbook(tmp_path / "new")))["release"]["release"][:8]
    desk("release", "publish", name, "--by", "anna")
    desk.readings["paying"] = reading("payment_question")
    desk.work(mail("paying", "About paying.", sender="c@private.example"))
    told = "CW-000001-10\t1\tpayment_question\tawaiting_customer\tgoes to people, for there is no procedure for it; "
    seen = desk("release", "rollback", "--preview")
    assert "would be withdrawn" in seen
    assert told in seen
    assert ": live, since" in desk("release", "show", name), "looking changes nothing"
    assert "--by NAME" in desk("release", "rollback", code=2)
    share = desk.json("release", "import", str(careful(tmp_path / "share")))["release"]["release"][:12]
    desk("release", "share", share, "--percent", "10", "--by", "anna")
    done = desk("release", "rollback", "--by", "ben")
    assert f"Release {share} keeps its share of 10 % of new cases" in done
    assert f"{name} is withdrawn" not in done
    assert "1 open cases go over to" in done
    assert told in done
    given_up = desk.json("release", "withdraw", share, "--by", "ben")
    assert (given_up["withdrawn"]["state"], given_up["cases"], given_up["affected"]) == ("withdrawn", 0, [])


def test_two_people(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two = playbook(tmp_path / "two", ("guardrails.yaml", "actions:\n", "publishing: {people: 2}\nactions:\n"))
    monkeypatch.setenv("CASEWORKER_PLAYBOOK", str(two))
    name = desk.json("release", "import", str(careful(tmp_path / "changed")))["release"]["release"][:8]
    refused = desk("release", "publish", name, "--by", "anna", code=2)
    assert "two people" in refused
    assert "caseworker release propose" in refused
    assert "Say what you propose" in desk("release", "propose", name, "--by", "anna", code=2)
    assert "Proposed: live by anna." in desk("release", "propose", name, "--live", "--by", "anna")
    assert "Another person" in desk("release", "approve", name, "--by", "Anna ", code=2)
    assert "anna proposes something else now" in desk("release", "approve", name, "--share", "5", "--by", "ben", code=2)
    assert "not both" in desk("release", "approve", name, "--live", "--share", "5", "--by", "ben", code=2)
    assert ": live, since" in desk("release", "approve", name, "--live", "--by", "ben")
    assert "by anna, approved by ben" in desk("release", "show", "live")


def test_what_is_not_there_says_so(desk: Desk, tmp_path: Path) -> None:
    assert "No release begins with abcd" in desk("release", "show", "abcd", code=2)
    assert "is no release" in desk("release", "show", "nonsense", code=2)
    assert "No release is in the place shadow" in desk("release", "compare", code=2)
    assert "No release was live before" in desk("release", "move", "--from", "previous", "--to", "live", code=2)
    assert "--by" in desk("release", "publish", "live", code=2)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    assert "is there already" in desk("release", "export", "live", str(tmp_path / "full"), code=2)
    assert "cannot be written" in desk("release", "export", "live", str(tmp_path / "full" / "x" / "out"), code=2)


def test_out_and_in_again(desk: Desk, tmp_path: Path) -> None:
    written = desk.json("release", "export", "live", str(tmp_path / "out"))
    assert written["files"] > 10
    again = desk.json("release", "import", str(tmp_path / "out"))
    assert (again["new"], again["release"]["state"]) == (False, "live")
    assert desk("release", "diff", "live", str(tmp_path / "out")) == "Nothing differs.\n"


def test_doctor_says_why_the_folder_is_not_live(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = desk.json("release", "import", str(careful(tmp_path / "changed")))["release"]["release"]
    desk("release", "publish", name[:8], "--by", "anna")
    [line] = [f for f in desk.json("doctor", code=0)["findings"] if f["name"] == "release"]
    assert line["verdict"] == "warn"
    assert "was chosen by command" in line["message"]
    monkeypatch.setenv("CASEWORKER_PLAYBOOK", str(tmp_path / "changed"))
    [line] = [f for f in desk.json("doctor", code=0)["findings"] if f["name"] == "release"]
    assert (line["verdict"], line["message"]) == ("ok", f"retail, {name[:12]} is live")
