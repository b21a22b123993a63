"""From missing facts to the next move: look up first, then ask everything at once, then hand over to people."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from caseworker.sop.cel.values import Unknown
from caseworker.sop.identity import ATTEMPTS
from caseworker.sop.model import Ask, Escalate, LookUp, Move, Playbook, Procedure, Progress
from caseworker.sop.needs import Needs, answered, skipped
from caseworker.sop.scope import Scope


@dataclass
class Wanted:
    """What would settle a set of missing facts."""

    look_ups: dict[str, LookUp] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)  # question key -> name of the need that is looked up by it, or ""
    not_found: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Supply:
    """Knows who can supply what in one decision."""

    playbook: Playbook
    procedure: Procedure
    progress: Progress
    needs: Needs
    scope: Scope

    def wanted(self, paths: Iterable[str]) -> Wanted:
        """Sorts missing paths by who can supply them."""
        found = Wanted()
        finds = {need.name for need in self.procedure.needs if need.find}
        for path in sorted(paths):
            demand = self.needs.demands.get(path)
            section, _, key = path.partition(".")
            if demand is not None and demand.look_up is not None:
                found.look_ups[path] = demand.look_up
            elif demand is not None and demand.keys:
                found.keys |= dict.fromkeys(demand.keys, path if path in finds else "")
                found.not_found += demand.not_found
            elif section == "request" and key in self.playbook.questions:
                found.keys.setdefault(key, "")
            else:
                found.dead.append((demand.dead if demand else "") or "missing_fact")
        return found

    def identity(self, keys: tuple[str, ...]) -> tuple[Move, ...]:
        """The questions for the identity, with the procedure's own that no record is needed for.

        What is asked says nothing about the record.
        """
        return self._ask(Wanted(), keys, stranger=True)

    def moves(self, paths: Iterable[str], *, extra: tuple[str, ...] = ()) -> tuple[Move, ...]:
        """The moves that make `paths` known. `extra` are questions asked along."""
        wanted = self.wanted(paths)
        if wanted.look_ups:
            return tuple(wanted.look_ups.values())
        if wanted.dead:
            return (self._people(wanted.dead[0]),)
        spent = [key for key in wanted.keys if self._asked(key) >= ATTEMPTS]
        if spent:
            need = wanted.keys[spent[0]]
            return (self._people(f"cannot_identify_{need}" if need else "no_usable_answer"),)
        return self._ask(wanted, extra)

    def _ask(self, wanted: Wanted, extra: tuple[str, ...], *, stranger: bool = False) -> tuple[Move, ...]:
        along, look_ups = (self._questions_of_a_stranger(), {}) if stranger else self._open_questions()
        if look_ups:
            return tuple(look_ups.values())
        inquired = {need.ask: number for number, need in enumerate(self.procedure.needs) if need.ask}
        late = sorted(wanted.keys, key=lambda key: inquired.get(key, len(inquired)))
        asked = dict.fromkeys((*along.keys, *late, *extra))
        keys = tuple(key for key in asked if key in wanted.keys or self._asked(key) < ATTEMPTS)
        not_found = {*wanted.not_found, *along.not_found}
        return (Ask(keys, tuple(key for key in keys if key in not_found)),)

    def _open_questions(self) -> tuple[Wanted, dict[str, LookUp]]:
        """Questions of the procedure that are still open, in its order, and look-ups that may show them to be superfluous."""
        open_ = Wanted()
        look_ups: dict[str, LookUp] = {}
        for need in self.procedure.needs:
            if not need.ask or need.optional or need.ask_late:
                continue
            skip = skipped(need, self.scope)
            if isinstance(skip, Unknown):
                look_ups |= self.wanted(skip.paths).look_ups
            if skip is True or not isinstance(self.scope.get(need.name), Unknown):
                continue
            demand = self.needs.demands.get(need.name)
            if demand is not None and demand.keys:
                open_.keys |= dict.fromkeys(demand.keys, "")
                open_.not_found += demand.not_found
            elif demand is None and not (need.find or need.look) and not answered(need, self.scope):
                open_.keys[need.ask] = ""
        return open_, look_ups

    def _questions_of_a_stranger(self) -> Wanted:
        """Open questions, the same for every record and for none: what a record makes superfluous is asked too."""
        open_ = Wanted()
        for need in self.procedure.needs:
            if need.ask and not need.optional and not need.ask_late and not need.find and not answered(need, self.scope):
                open_.keys[need.ask] = ""
        return open_

    def _asked(self, key: str) -> int:
        return self.progress.asked.get(key, 0)

    def _people(self, because: str) -> Escalate:
        return Escalate(self.playbook.worker.fallback_queue, because)
