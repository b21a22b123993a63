"""replies/KEY/LANG.md to `Replies`: front matter, templates, and what the words need.

A file is `---`, a few YAML lines, `---`, then the words. Front matter: `subject` (a template too), `tone` (a word for people
who edit it), `claims` (receipts that the words speak of without showing a value of them).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from jinja2 import TemplateSyntaxError

from caseworker.core.language import best
from caseworker.sop.errors import PlaybookProblems
from caseworker.sop.loading.text import Item, Problems, read_yaml
from caseworker.sop.model import Place
from caseworker.writing.errors import ReplyError
from caseworker.writing.language import NotOffered
from caseworker.writing.paths import Mentions, mentions
from caseworker.writing.templates import ENVIRONMENT

_FILE = re.compile(r"replies/(?P<key>[a-z0-9_]+)/(?P<language>[a-z]{2})\.md")
_FRONT = re.compile(r"---[ \t]*\n(?P<front>.*?)(?:^|(?<=\n))---[ \t]*\n(?P<body>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reply:
    """The words of one reply in one language.

    `subject` and `body` are sources of templates, compiled when they are first said. `needed` are the variable paths it cannot
    do without, `possible` those that stand behind `is defined`. `claims` are the receipts without which it must not be said.
    """

    key: str
    language: str
    subject: str
    body: str
    tone: str
    claims: frozenset[str]
    needed: frozenset[str]
    possible: frozenset[str]
    place: Place


@dataclass(frozen=True, slots=True)
class Replies:
    """All replies of a playbook by key and language; `default` is the language for customers whose own has no words."""

    by_key: Mapping[str, Mapping[str, Reply]]
    default: str

    def get(self, key: str, language: str) -> Reply:
        """The words of a reply, in `language` or else in the default one. Raises ReplyError where there are none."""
        found = self.by_key.get(key)
        if not found:
            raise ReplyError(f"The playbook has no reply `{key}`.", remedy=f"Write replies/{key}/{self.default}.md.")
        return found[best(language, tuple(sorted(found)), self.default)]

    def variables(self) -> Mapping[str, Mapping[str, frozenset[str]]]:
        """Reply key -> language -> variable paths, for `check`. A claimed receipt counts as mentioned; one that stands behind
        `is defined` does not, for the words do without it."""
        return {
            key: {
                language: reply.needed
                | {path for path in reply.possible if path.split(".")[0] not in ("done", "failed")}
                | {f"done.{name}" for name in reply.claims}
                for language, reply in languages.items()
            }
            for key, languages in self.by_key.items()
        }


def load(files: Mapping[str, str]) -> Replies:
    """From the texts of a playbook by path. Raises PlaybookProblems, each problem with its file and line."""
    problems = Problems()
    by_key: dict[str, dict[str, Reply]] = {}
    for path in sorted(files):
        if not path.startswith("replies/"):
            continue
        match = _FILE.fullmatch(path)
        if match is None:
            problems.add(Place(path, 1), "bad_name", "This is no reply.", "Name it replies/KEY/LANG.md, such as en.md.")
            continue
        reply = _reply(match["key"], match["language"], files[path].replace("\r\n", "\n"), problems)
        if reply is not None:
            by_key.setdefault(reply.key, {})[reply.language] = reply
    if problems.findings:
        raise PlaybookProblems(problems.findings)
    return Replies(by_key, _default(files))


def _reply(key: str, language: str, text: str, problems: Problems) -> Reply | None:
    place = Place(f"replies/{key}/{language}.md", 1)
    match = _FRONT.fullmatch(text)
    if match is None:
        problems.add(place, "no_front_matter", "The front matter is missing.", "Begin with `---`, `subject: ...`, `---`.")
        return None
    front = read_yaml(place.file, "\n" + match["front"], problems).keys("subject", "tone", "claims")
    subject = front["subject"].text() if "subject" in front else ""
    body, above = match["body"].strip("\n"), text[: match.start("body")].count("\n")
    if not body.strip():
        problems.add(place, "no_words", "There are no words below the front matter.", "Write what the customer is told.")
        return None
    parts = [
        _part(subject, front["subject"].place if subject else place, problems, above=0),
        _part(body, Place(place.file, above + 1), problems, above=above),
    ]
    in_subject, in_body = parts
    needed = in_subject.needed | in_body.needed
    return Reply(
        key=key,
        language=language,
        subject=subject,
        body=body,
        tone=front["tone"].text() if "tone" in front else "neutral",
        claims=frozenset(front["claims"].texts()) if "claims" in front else frozenset(),
        needed=needed,
        possible=(in_subject.possible | in_body.possible) - needed,
        place=place,
    )


def _part(source: str, place: Place, problems: Problems, *, above: int) -> Mentions:
    """What the words of a template mention. It is read here and compiled later: a playbook has a thousand of them."""
    try:
        tree = ENVIRONMENT.parse(source)
    except NotOffered as error:
        for wrong in error.refused:
            line = Place(place.file, above + wrong.line if above else place.line)
            problems.add(line, "bad_template", wrong.message, wrong.advice)
        return Mentions(frozenset(), frozenset())
    except TemplateSyntaxError as error:
        line = Place(place.file, above + error.lineno if above else place.line)
        problems.add(
            line, "bad_template", f"{error.message}.", "Check the braces: {{ value }} and {% if ... %} ... {% endif %}."
        )
        return Mentions(frozenset(), frozenset())
    return mentions(tree)


def _default(files: Mapping[str, str]) -> str:
    """The worker's default language; what is wrong in worker.yaml is for its own reader to say."""
    item = read_yaml("worker.yaml", files.get("worker.yaml", ""), Problems())
    found = item.value.get("default_language") if isinstance(item.value, dict) else None
    return str(found.value) if isinstance(found, Item) else "en"
