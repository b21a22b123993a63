"""What docs/build.py makes is what is committed: a drawing or a page that no longer fits the code fails here."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_generated_files_are_up_to_date(build: ModuleType):
    stale = [str(path.relative_to(ROOT)) for path, text in build.pages().items() if path.read_text(encoding="utf-8") != text]
    assert not stale, f"run `make docs` and commit {', '.join(stale)}"


def test_every_room_stands_in_the_drawing_once(build: ModuleType):
    house = build.read_house()
    drawing = ET.fromstring(build.draw(house))
    words = [element.text for element in drawing.iter("{http://www.w3.org/2000/svg}text")]
    rooms = {p.stem for p in (ROOT / "src" / "caseworker").iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file()}
    assert rooms - {"__init__", "playbooks"} == set(house.rooms)
    assert all(words.count(room) == 1 for room in house.rooms)


def test_no_room_imports_an_outer_one(build: ModuleType):
    house = build.read_house()
    ring = {room: number for number, rooms in enumerate(house.rings) for room in rooms}
    back = [f"{importer} -> {imported}" for importer, imported in house.imports if ring[importer] >= ring[imported]]
    assert not back


def test_an_import_that_goes_back_is_drawn_in_another_colour(build: ModuleType):
    house = build.House((("outer",), ("inner",)), {("outer", "inner"): 1, ("inner", "outer"): 1}, frozenset())
    dots = [d for d in ET.fromstring(build.draw(house)).iter("{http://www.w3.org/2000/svg}circle") if d.get("fill")]
    assert [dot.get("fill") for dot in dots].count(build.BACK) == 1
