"""A playbook with some of its languages only, for whoever begins his own. What stays, stays as it is, with its comments."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml

from caseworker.core.errors import UsageError
from caseworker.core.items import LOADER
from caseworker.sop.load import load

Files = Mapping[str, str]
_FRONT = re.compile(r"(---[ \t]*\n)(?P<front>.*?\n)(---[ \t]*\n)(?P<body>.*)", re.DOTALL)
_SECTION = re.compile(r"^##[ \t]+(?P<language>\S+)[ \t]*\n(?:(?!##[ \t]).*(?:\n|\Z))*", re.MULTILINE)
# Where sentences of customers stand by language: the keys that lead to them, `*` for every key.
_SENTENCES = {"intents.yaml": ("*", "examples"), "questions.yaml": ("*", "options", "*")}


def only(files: Files, languages: Sequence[str]) -> Files:
    """The same playbook in these languages; the first becomes the default one. Raises UsageError for one that it has not."""
    there = load(files).worker.languages
    strange = [language for language in languages if language not in there]
    if strange:
        raise UsageError(f"The playbook has no words in {', '.join(strange)}.", remedy=f"It has {', '.join(there)}.")
    return {path: _file(path, text, languages) for path, text in files.items() if _stays(path, languages)}


def _stays(path: str, languages: Collection[str]) -> bool:
    return not path.startswith("replies/") or path.rsplit("/", 1)[1].removesuffix(".md") in languages


def _file(path: str, text: str, languages: Sequence[str]) -> str:
    if path == "worker.yaml":
        return _worker(text, languages)
    if path in _SENTENCES:
        return _without(text, _SENTENCES[path], languages)
    return _article(text, languages) if path.startswith("knowledge/") else text


def _worker(text: str, languages: Sequence[str]) -> str:
    new = {"languages": f"[{', '.join(languages)}]", "default_language": languages[0]}
    top = _read(text)
    pairs = top.value if isinstance(top, yaml.MappingNode) else []
    return _cut(text, (_Cut(v.start_mark.index, _end(v), new[k.value]) for k, v in pairs if k.value in new))


def _article(text: str, languages: Collection[str]) -> str:
    """An approved answer: its questions in the front matter, and a section a language."""
    found = _FRONT.fullmatch(text)
    if found is None:
        return text  # told by the loader
    front = _without(found["front"], ("questions",), languages)
    body = _SECTION.sub(lambda section: section[0] if section["language"] in languages else "", found["body"])
    return f"{found[1]}{front}{found[3]}{body.rstrip()}\n"


# -- YAML: cut out between the marks of its nodes ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Cut:
    """Put `new` in the place of the characters from `start` up to `end`."""

    start: int
    end: int
    new: str = ""


def _without(text: str, path: Sequence[str], languages: Collection[str]) -> str:
    """A YAML text in which the mappings at a path have no entries of other languages."""
    return _cut(text, (cut for key, node in _mappings(_read(text), None, path) for cut in _cuts(text, key, node, languages)))


def _read(text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=LOADER)
    except (yaml.YAMLError, RecursionError):
        return None  # told by the loader


def _cut(text: str, cuts: Iterable[_Cut]) -> str:
    for cut in sorted(cuts, key=lambda each: each.start, reverse=True):
        text = text[: cut.start] + cut.new + text[cut.end :]
    return text


def _mappings(
    node: yaml.Node | None, key: yaml.Node | None, path: Sequence[str]
) -> Iterator[tuple[yaml.Node, yaml.MappingNode]]:
    if not isinstance(node, yaml.MappingNode):
        return
    if not path and key is not None:
        yield key, node
        return
    for name, value in node.value:
        if path[0] in ("*", name.value):
            yield from _mappings(value, name, path[1:])


def _cuts(text: str, key: yaml.Node, node: yaml.MappingNode, languages: Collection[str]) -> Iterator[_Cut]:
    pairs: list[tuple[yaml.Node, yaml.Node]] = node.value
    kept = [name for name, _ in pairs if name.value in languages]
    if len(kept) == len(pairs):
        return
    if node.flow_style:
        yield _flow(text, node, [pair for pair in pairs if pair[0] in kept])
        return
    if not kept:  # a key with nothing below it is no empty mapping
        colon = text.index(":", key.end_mark.index) + 1
        yield _Cut(colon, colon, " {}")
    for name, value in pairs:
        if name not in kept:
            start = text.rfind("\n", 0, name.start_mark.index) + 1
            end = text.find("\n", _end(value))
            yield _Cut(start, end + 1 if end >= 0 else len(text))


def _flow(text: str, node: yaml.MappingNode, kept: Sequence[tuple[yaml.Node, yaml.Node]]) -> _Cut:
    """On one line: what stays is written anew, as it stands."""
    written = ", ".join(text[name.start_mark.index : value.end_mark.index] for name, value in kept)
    return _Cut(node.start_mark.index, node.end_mark.index, f"{{{written}}}")


def _end(node: yaml.Node) -> int:
    """Behind the last character of a value. The mark of a block stands where the next thing begins, behind comments."""
    if isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    end: int = node.end_mark.index
    blocked = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
    return end - 1 if blocked else end
