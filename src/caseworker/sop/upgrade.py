"""Language versions. `format:` in worker.yaml says in which one a playbook is written; without it, it is the first.

Each version has one pure function that brings the texts to the next one. Older playbooks go on working: `load` reads them
through these functions, their release stays the hash of what was written, and every line stays the line it was.
"""

import re
from collections.abc import Callable, Iterator, Mapping

import yaml

from caseworker.core.errors import PlaybookError

CURRENT = 2
Files = Mapping[str, str]
_FORMAT = re.compile(r"^format:[ \t]*(\d+)[ \t]*(#.*)?$", re.MULTILINE)
_DIGITS = 9  # of a format: more say no more, and Python does not read any number of them


def format_of(files: Files) -> int:
    """The version in which the texts are written. Raises PlaybookError for one that this program does not know."""
    found = _FORMAT.search(files.get("worker.yaml", ""))
    number = int(found[1][:_DIGITS]) if found else 1
    if not 1 <= number <= CURRENT:
        raise PlaybookError(
            f"The playbook is written in format {number}; this program knows 1 to {CURRENT}.",
            remedy="Install a newer Caseworker, or correct `format:` in worker.yaml.",
        )
    return number


def upgraded(files: Files) -> Files:
    """The same playbook in the current version, line by line where it was; `format:` itself is left as it is."""
    for number in range(format_of(files), CURRENT):
        files = UPGRADES[number](files)
    return files


def rewritten(files: Files) -> Files:
    """The same playbook in the current version as it should stand in its folder, with `format:`."""
    if format_of(files) == CURRENT:
        return files
    worker, line = files.get("worker.yaml", ""), f"format: {CURRENT}\n"
    worker = _FORMAT.sub(line.rstrip(), worker) if _FORMAT.search(worker) else line + worker
    return {**upgraded(files), "worker.yaml": worker}


def _to_2(files: Files) -> Files:
    """`along: false` of a need said what does not happen; it is `ask_late: true` now, and `along: true` was never needed."""
    return {path: _needs_to_2(text) if path.startswith("sops/") else text for path, text in files.items()}


def _needs_to_2(text: str) -> str:
    changes: list[tuple[int, int, str]] = []
    for key, value in _keys_of_needs(text):
        if key.value == "along":
            late = "false" if value.value == "true" else "true"
            changes += [
                (value.start_mark.index, value.end_mark.index, late),
                (key.start_mark.index, key.end_mark.index, "ask_late"),
            ]
    for start, end, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _keys_of_needs(text: str) -> Iterator[tuple[yaml.ScalarNode, yaml.ScalarNode]]:
    try:
        top = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return  # told by the loader
    for key, needs in _pairs(top):
        for _, need in _pairs(needs) if key.value == "needs" else ():
            yield from ((k, v) for k, v in _pairs(need) if isinstance(v, yaml.ScalarNode))


def _pairs(node: yaml.Node | None) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        return []
    return [(key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]


UPGRADES: Mapping[int, Callable[[Files], Files]] = {1: _to_2}
