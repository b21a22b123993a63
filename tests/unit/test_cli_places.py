"""Places that cannot be written, and options that are no numbers: said before the work begins, and nothing is half done."""

import shutil
from pathlib import Path

import pytest
from sop_builders import files

from caseworker.app.places import write_files, write_folder
from caseworker.app.playbooks import shipped
from caseworker.cli.main import run
from caseworker.core.errors import UsageError

OLD = files()  # no `format:`: the first version of the language


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    shutil.copytree(shipped("retail"), folder, ignore=shutil.ignore_patterns("demo"))
    return folder


@pytest.fixture(params=["below a file", "/proc"])
def nowhere(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A place where not even root may write."""
    if request.param == "/proc":
        return Path("/proc/caseworker/result")
    (tmp_path / "file").write_text("mine")
    return tmp_path / "file" / "result"


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    code = run([str(argument) for argument in arguments])
    shown = capsys.readouterr()
    assert code == 2, shown.out + shown.err
    assert "unforeseen" not in shown.err
    return shown.err


def test_no_command_writes_where_it_cannot(playbook: Path, nowhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (
        ("new", nowhere),
        ("schema", playbook, "--out", nowhere),
        ("train", playbook, "--out", nowhere),
        ("backup", nowhere),
        ("sandbox", "dump", nowhere),
        ("examples", "--from-case", "1", "--out", nowhere),
        ("lab", "chaos", "--keep", nowhere),
        ("lab", "run", playbook / "worker.yaml", "--keep", nowhere),
        ("lab", "run", playbook / "worker.yaml", "--out", nowhere),
    ):
        told = refused(capsys, *command)
        assert f"{nowhere} cannot be written: " in told, command
        assert "Name a place where you may write" in told


def test_a_folder_in_use_is_not_written_into(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert "is not empty" in refused(capsys, "new", tmp_path)
    assert "is not empty" in refused(capsys, "new", tmp_path / "mine.txt")
    assert "is not empty" in refused(capsys, "lab", "chaos", "--keep", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_may_be_there(tmp_path: Path) -> None:
    assert run(["new", str(tmp_path), "--languages", "en"]) == 0
    assert (tmp_path / "worker.yaml").is_file()
    assert not list(tmp_path.glob(".*"))


def test_a_folder_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write_folder(tmp_path / "deep" / "new", {"a.md": b"x", "a.md/b.md": b"y"})
    assert list(tmp_path.iterdir()) == []


def test_files_are_written_anew_all_or_none(tmp_path: Path) -> None:
    first, link = tmp_path / "a.yaml", tmp_path / "link.yaml"
    first.write_text("old")
    first.chmod(0o640)
    link.symlink_to("a.yaml")
    with pytest.raises(UsageError, match="cannot be written"):
        write_files({first: b"new", first / "below.yaml": b"new"})
    assert first.read_text() == "old"
    write_files({link: b"new"})
    assert (first.read_text(), link.is_symlink(), first.stat().st_mode & 0o777) == ("new", True, 0o640)
    write_files({Path("/dev/null"): b"x"})
    assert Path("/dev/null").is_char_device()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.yaml", "link.yaml"]


@pytest.mark.parametrize("options", [(), ("--yes",)])
def test_only_a_playbook_is_modernised(tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]) -> None:
    (tmp_path / "sops").mkdir()
    (tmp_path / "sops" / "a.yaml").write_text("sop: a\n")
    told = refused(capsys, "modernise", tmp_path, *options)
    assert f"There is no playbook at {tmp_path}: it has no worker.yaml. Nothing was written." in told
    assert "is a file" in refused(capsys, "modernise", tmp_path / "sops" / "a.yaml", *options)
    assert "does not exist" in refused(capsys, "modernise", tmp_path / "none", *options)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.yaml"]


def test_a_playbook_is_modernised_whole_or_not_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = {
        **OLD,
        "sops/return.yaml": OLD["sops/return.yaml"].replace("ask: return_reason}", "ask: return_reason, along: false}"),
    }
    for name, text in old.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert run(["modernise", str(tmp_path), "--yes"]) == 0
    assert "Wrote 2 files" in capsys.readouterr().out
    assert "ask_late: true" in (tmp_path / "sops" / "return.yaml").read_text()
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize("seconds", ["nan", "inf", "-inf", "-1", "1e400", "abc", "86401"])
def test_a_time_is_a_number_of_seconds(playbook: Path, capsys: pytest.CaptureFixture[str], seconds: str) -> None:
    assert "'--timeout'" in refused(capsys, "prove", playbook, "--timeout", seconds)


@pytest.mark.parametrize(
    "command",
    [
        ("train", "--seed", "-1"),
        ("train", "--seed", "4294967296"),
        ("sandbox", "load", "--generated", "--orders", "99999999999999"),
        ("sandbox", "faults", "[" * 100_000),
        ("sandbox", "faults", '{"slow_ms": -1}'),
        ("sandbox", "faults", '{"slow_ms": 600001}'),
        ("sandbox", "faults", '{"slow_ms": true}'),
        ("sandbox", "faults", '{"seed": false}'),
        ("sandbox", "faults", '{"error_500": NaN}'),
        ("sandbox", "faults", '{"nonsense": 1}'),
        ("queue", "show", "9223372036854775808"),
        ("queue", "decide", "99999999999999999999", "--approve"),
        ("cases", "raw", "99999999999999999999"),
        ("cases", "raw", "0"),
        ("resume", "--stop", "99999999999999999999"),
        ("replay", "--all", "--limit", "99999999999999999999"),
    ],
)
def test_numbers_out_of_range_are_a_wrong_call(capsys: pytest.CaptureFixture[str], command: tuple[str, ...]) -> None:
    assert len(refused(capsys, *command)) < 1000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_PORT", "65536"),
        ("CONSOLE_PORT", "-1"),
        ("WORKERS", "99999999999999999999"),
        ("WORKER_CONCURRENCY", "0"),
        ("SANDBOX_TIMEOUT", "nan"),
        ("SANDBOX_TIMEOUT", "-1"),
        ("MODEL_TIMEOUT", "inf"),
        ("MODEL_TIMEOUT", "0"),
    ],
)
def test_settings_out_of_range_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"CASEWORKER_{name}", value)
    told = refused(capsys, "doctor")
    assert f"CASEWORKER_{name}=" in told
    assert "Give a number from " in told
