"""From the solver's answer to facts that `decide` can be run on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import z3

from caseworker.core.money import Money
from caseworker.core.refs import Ref
from caseworker.sop.decide import decide, judge
from caseworker.sop.model import Decision, Found, Progress
from caseworker.sop.proving.logic import Term
from caseworker.sop.proving.model import Case
from caseworker.sop.proving.state import State
from caseworker.sop.proving.trees import SymbolRecord
from caseworker.sop.proving.values import Val
from caseworker.sop.proving.world import EPOCH

Path = tuple[str | int, ...]
_MOST_KEYS = 20  # of a map in an example
_SAMPLES: Mapping[str | int, str] = {
    "id": "l",
    "email": "customer@example.com",
    "address": "customer@example.com",
    "number": "N",
    "items": "l",
    "line_ids": "l",
}


@dataclass
class Concrete:
    """Facts of one model. `absent` are paths that are not there, with a value that they could have."""

    state: State
    model: Any
    absent: dict[Path, object] = field(default_factory=dict)
    _free: dict[int, str] = field(default_factory=dict)
    optional: set[Path] = field(default_factory=set)  # what is there and need not be

    def case(self) -> Case:
        """The whole case."""
        facts: dict[str, object] = {}
        found: dict[str, Found] = {}
        for section in ("message", "case", "sender", "request", "done", "failed", "timed_out"):
            facts[section] = self._section(section)
        for name, can in self.state.looked.items():
            if self.truth(can) and not self.truth(self.state.get(name).status.ok):
                found[name] = Found(())
        for need in self.state.procedure.needs:
            value = self.state.known.get(need.name)
            if value is not None and (need.find or need.look) and self.truth(value.status.ok):
                facts[need.name] = self.value(value, (need.name,))
        confirmed = self._record(facts, "request", "confirmed")
        answers = {row: bool(yes) for row, yes in confirmed.items()}
        rows = [row.name for row in self.state.procedure.rows if self.truth(self.state.past.fired(row.name))]
        now = EPOCH + timedelta(microseconds=self.number(self.state.now))
        asked = {need.ask: 1 for need in self.state.procedure.needs if need.or_else and self.truth(self.state.asked(need.ask))}
        return Case(facts, now, Progress(fired=tuple(rows), confirmed=answers, found=found, asked=asked))

    @staticmethod
    def _record(facts: Mapping[str, Any], section: str, key: str) -> Mapping[str, object]:
        inside = facts[section].get(key)
        return inside if isinstance(inside, Mapping) else {}

    def _section(self, name: str) -> dict[str, object]:
        found: dict[str, object] = {}
        section = self.state.known.get(name)
        if name == "sender" and section:
            section.term.raw("verified")
        for key, value in dict(section.term.made).items() if section else ():
            if not self.truth(value.status.absent):
                found[key] = self.value(value, (name, key))
                self.optional |= {(name, key)} if value.status.absent is not False else set()
            elif name not in ("done", "failed"):
                self.absent[name, key] = self.value(value, (name, key))
        return found

    # -- values --------------------------------------------------------------------------------------------------------

    def truth(self, term: Term) -> bool:
        """Whether a condition holds in the model."""
        return term if isinstance(term, bool) else z3.is_true(self.model.eval(term, model_completion=True))

    def number(self, term: Term) -> int:
        """A whole number of the model."""
        return term if isinstance(term, int) else int(self.model.eval(term, model_completion=True).as_long())

    def value(self, value: Val, path: Path) -> object:
        """A fact of the model."""
        match value.kind:
            case "bool":
                return self.truth(value.term)
            case "int":
                return self.number(value.term)
            case "double":
                fraction = self.model.eval(value.term, model_completion=True).as_fraction()
                return float(fraction)
            case "Money":
                return Money(self.number(value.term), self.state.world.texts()[self.number(value.currency)])
            case "time":
                return EPOCH + timedelta(microseconds=self.number(value.term))
            case "duration":
                return timedelta(microseconds=self.number(value.term))
            case "string":
                return self._text(self.number(value.term), path)
            case "Ref":
                return Ref("base", str(path[-2] if len(path) > 1 else path[0]), str(self.number(value.term)))
        return self._composed(value, path)

    def _composed(self, value: Val, path: Path) -> object:
        if value.kind == "list":
            there = [slot.value for slot in value.slots if self.truth(slot.there)]
            return [self.value(item, (*path, index)) for index, item in enumerate(there)]
        found: dict[str, object] = {}
        for key, inside in dict(getattr(value.term, "made", {})).items():
            if inside.kind == "any":
                continue
            if self.truth(inside.status.absent):
                self.absent[*path, key] = self.value(inside, (*path, key))
            else:
                found[key] = self.value(inside, (*path, key))
                self.optional |= {(*path, key)} if inside.status.absent is not False else set()
        if isinstance(value.term, SymbolRecord) and value.kind == "map":
            self._more_of_map(value.term, path, found)
        return found

    def _more_of_map(self, record: SymbolRecord, path: Path, found: dict[str, object]) -> None:
        """What stands under keys that are computed, and other texts where the map has more."""
        for key, inside in record.entries.values():
            if not self.truth(inside.status.absent):
                text = self._text(self.number(key.term), (*path, "key"))
                found.setdefault(text, self.value(inside, (*path, text)))
        item = record.kind.item
        more = range(len(found), min(self.number(record.size()), _MOST_KEYS)) if item and item.name == "string" else ()
        found.update({f"other{number + 1}": "something" for number in more})

    def _text(self, number: int, path: Path) -> str:
        texts = self.state.world.texts()
        if number < len(texts):
            return texts[number]
        kind = path[-1] if isinstance(path[-1], str) else path[-2]
        return self._free.setdefault(number, f"{_SAMPLES.get(kind, kind)}{len(self._free) + 1}")


def replay(state: State, case: Case) -> Decision:
    """What `decide` makes of a case."""
    env = state.env
    return decide(env.playbook, env.procedure.name, case.facts, now=case.now, progress=case.progress, vocabulary=env.vocabulary)


def holds(state: State, case: Case, source: str) -> bool | None:
    """What a condition is in a case; None where it is not known or cannot be computed."""
    env, name = state.env, state.procedure.name
    found = judge(env.playbook, name, source, case.facts, now=case.now, progress=case.progress, vocabulary=env.vocabulary)
    return found.holds
