"""Rules of the source that no linter knows. Waivers have a reason and may only become fewer."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "caseworker"
MODULES = sorted(SOURCE.rglob("*.py"))
MAX_FILE, MAX_FUNCTION = 400, 60

LONG_FILES: dict[str, tuple[int, str]] = {
    "sop/model.py": (560, "the types of the language, one beside the other"),
}
LONG_FUNCTIONS: dict[str, tuple[int, str]] = {
    "store/migrations/versions/0001_first.py:upgrade": (260, "a migration is written once and never read as code"),
}
BROAD_EXCEPT = {
    "engine/drain.py": "the step boundary: one event or effect must not stop the others",
    "engine/shadow.py": "the shadow's own step boundary: its faults are counted and never reach the case",
    "cli/main.py": "the process boundary: a person sees what happened",
}
# Words that would tell where this was written instead of what it is. Put together here, so that this file does not hold them.
FOREIGN = (
    "art" + "ifactory",
    "pypi" + "-proxy",
    "/work" + "/",
    "/root" + "/",
    "/home" + "/",
    "index" + "_url",
    "extra" + "-index",
)
FOREIGN_ALLOWED = {"Makefile": "flags that keep such names out of the requirements"}


def _name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _calls(tree: ast.Module) -> Iterator[str]:
    """Dotted names of everything that is called or handed over."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_module_says_what_it_is_for() -> None:
    silent = [_name(p) for p in MODULES if p.stat().st_size and not ast.get_docstring(_tree(p))]
    assert silent == []


def test_files_stay_readable() -> None:
    sizes = {_name(p): len(p.read_text(encoding="utf-8").splitlines()) for p in MODULES}
    long = {name: size for name, size in sizes.items() if size > LONG_FILES.get(name, (MAX_FILE, ""))[0]}
    assert long == {}, f"over {MAX_FILE} lines: split them by what they are about"
    settled = [name for name in LONG_FILES if sizes.get(name, 0) <= MAX_FILE]
    assert settled == [], "these are short again: take the waiver away"


def test_functions_stay_readable() -> None:
    sizes = {f"{_name(p)}:{f.name}": (f.end_lineno or 0) - f.lineno + 1 for p in MODULES for f in _functions(_tree(p))}
    long = {name: size for name, size in sizes.items() if size > LONG_FUNCTIONS.get(name, (MAX_FUNCTION, ""))[0]}
    assert long == {}, f"over {MAX_FUNCTION} lines"
    settled = [name for name in LONG_FUNCTIONS if sizes.get(name, 0) <= MAX_FUNCTION]
    assert settled == [], "these are short again: take the waiver away"


def test_errors_are_caught_by_name() -> None:
    broad: set[str] = set()
    for path in MODULES:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else "everything"
                passed_on = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
                if re.search(r"\b(Exception|BaseException|everything)\b", caught) and not passed_on:
                    broad.add(_name(path))
    assert broad == set(BROAD_EXCEPT)


def test_nothing_is_mocked() -> None:
    for path in (*MODULES, *(ROOT / "tests").rglob("*.py")):
        imported = {name for name in _imports(_tree(path)) if name.startswith(("unittest.mock", "mock", "pytest_mock"))}
        assert imported == set(), path


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_time_and_identifiers_come_from_the_core_alone() -> None:
    banned = re.compile(r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.time|uuid[147]|uuid\.uuid[147])$")
    found = {
        _name(path): sorted(set(filter(banned.search, _calls(_tree(path)))))
        for path in MODULES
        if not _name(path).startswith("core/")
    }
    assert {name: calls for name, calls in found.items() if calls} == {}


def _tracked() -> list[Path]:
    try:
        listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.split("\0") if name]


def test_the_repository_speaks_of_the_project_alone() -> None:
    found = []
    for path in _tracked():
        if path.name in FOREIGN_ALLOWED or not path.is_file() or path.suffix in (".npz", ".png", ".gz"):
            continue
        text = path.read_bytes().decode("utf-8", "replace").lower()
        found += [f"{path.relative_to(ROOT)}: {word}" for word in FOREIGN if word in text]
    assert found == []
