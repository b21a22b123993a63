"""How a procedure's needs become known: by a look-up, by the customer's answer, or not at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from caseworker.sop.cel.evaluate import evaluate
from caseworker.sop.cel.parse import CelError, parse
from caseworker.sop.cel.tree import paths
from caseworker.sop.cel.values import Fault, Unknown, absent, trouble
from caseworker.sop.model import Found, LookUp, Need, Procedure, Progress, Vocabulary
from caseworker.sop.scope import Scope


@dataclass(frozen=True, slots=True)
class Demand:
    """What would make a need known: a look-up, or questions. `not_found` are questions whose answer fits nothing.

    `dead` is the word for people where neither can help.
    """

    look_up: LookUp | None = None
    keys: tuple[str, ...] = ()
    not_found: tuple[str, ...] = ()
    dead: str = ""


class Needs:
    """The needs of one decision: values for the scope, and demands for those that are not known."""

    def __init__(self, procedure: Procedure, progress: Progress, vocabulary: Vocabulary) -> None:
        self._by_name = {need.name: need for need in procedure.needs}
        self._progress = progress
        self._vocabulary = vocabulary
        self.demands: dict[str, Demand] = {}

    def resolvers(self) -> Mapping[str, Callable[[Scope], object]]:
        """One function per need, for the scope."""
        return {name: self._resolver(need) for name, need in self._by_name.items()}

    def _resolver(self, need: Need) -> Callable[[Scope], object]:
        def resolve(scope: Scope) -> object:
            if need.find or need.look:
                value = self._looked_up(need, scope)
            else:
                value = (_chosen if need.choose else _taken)(need, scope, self._progress)
            if isinstance(value, Demand):
                self.demands[need.name] = value
                return Unknown(frozenset({need.name}))
            return value

        return resolve

    # -- find and look -------------------------------------------------------------------------------------------------

    def _looked_up(self, need: Need, scope: Scope) -> object:
        found = self._progress.found.get(need.name)
        if found is not None:
            return self._from(found, need, scope)
        operation = self._vocabulary.operations.get(need.find or need.look)
        required = operation.required if operation else frozenset[str]()
        arguments, missing, wrong = _arguments(need, scope, required)
        lacking = required - set(arguments)
        elsewhere = frozenset(path for path in missing if path.split(".")[0] in self._by_name)
        if elsewhere:  # an argument that is a need is waited for: looked up without it the answer would be another one
            return Unknown(elsewhere)
        if arguments and not lacking:
            return Demand(look_up=LookUp(need.name, need.find or need.look, arguments))
        if need.ask:
            return Demand(keys=(need.ask,))
        if need.optional:
            return absent(need.name)
        return wrong or (Unknown(missing) if missing else Fault(f"{need.name} cannot be looked up: no argument is known"))

    def _from(self, found: Found, need: Need, scope: Scope) -> object:
        records = () if found.refused else found.records
        operation = self._vocabulary.operations.get(need.look) if need.look else None
        if operation is not None and operation.returns.startswith("list[") and not found.refused:
            return list(records)
        if len(records) == 1 or (need.look and records):
            return records[0]
        if need.optional and not records:
            return absent(need.name)
        if need.ask:
            given = _answer(scope, f"request.{need.ask}") is not None
            return Demand(keys=(need.ask,), not_found=(need.ask,) if given and not records else ())
        return Demand(dead="look_up_failed")


def _arguments(need: Need, scope: Scope, required: frozenset[str]) -> tuple[dict[str, object], frozenset[str], Fault | None]:
    """Known arguments, paths of those that are not, and the first that cannot be computed. Absent ones are left out."""
    known: dict[str, object] = {}
    missing: frozenset[str] = frozenset()
    wrong: Fault | None = None
    for name, source in need.arguments.items():
        value = evaluate(source, scope)
        if isinstance(value, Unknown):
            missing |= value.paths
        elif isinstance(value, Fault):
            wrong = wrong or value
        else:
            known[name] = value
    if need.find:
        known = _own_words_first(need, known, required)
    return known, missing, wrong


def _own_words_first(need: Need, known: dict[str, object], required: frozenset[str]) -> dict[str, object]:
    """Where the customer named what he means, the address he writes from does not narrow it.

    People write from other addresses than they order with; that the record is theirs is for `verify` to say.
    """
    said = {name for name in known if any(path.startswith("request.") for path in _paths(need.arguments[name]))}
    sent = {name for name in known if any(path.startswith("sender.") for path in _paths(need.arguments[name]))} - required
    return {name: value for name, value in known.items() if name not in sent} if said - sent else known


@lru_cache(maxsize=1024)
def _paths(source: str) -> frozenset[str]:
    try:
        return frozenset(paths(parse(source)))
    except CelError:
        return frozenset()


# -- choose and take ---------------------------------------------------------------------------------------------------


def _chosen(need: Need, scope: Scope, _progress: Progress) -> object:
    records = evaluate(need.choose, scope)
    if isinstance(records, Unknown | Fault):
        return records
    if not isinstance(records, list | tuple):
        return Fault(f"{need.name}: {need.choose} is no list")
    skip = skipped(need, scope)
    if isinstance(skip, Unknown | Fault):
        return skip
    if skip:
        return list(records)
    answer = _answer(scope, need.using)
    ids = answer if isinstance(answer, list | tuple) else () if answer is None else (answer,)
    chosen = [record for record in records if isinstance(record, Mapping) and record.get("id") in ids]
    if chosen:
        return chosen
    if need.ask:
        return Demand(keys=(need.ask,), not_found=(need.ask,) if ids else ())
    return absent(need.name) if need.optional else Demand(dead="missing_fact")


def _taken(need: Need, scope: Scope, progress: Progress) -> object:
    value = evaluate(need.take, scope)
    if isinstance(value, Fault) and not value.absent:
        return value
    if not isinstance(value, Unknown | Fault) and (not need.one_of or value in need.one_of):
        return value
    skip = skipped(need, scope)
    if isinstance(skip, Unknown | Fault):
        return skip
    if skip:
        return absent(need.name)
    if need.optional:
        return absent(need.name)
    if need.or_else and progress.asked.get(need.ask, 0):
        return evaluate(need.or_else, scope)
    return Demand(keys=(need.ask,)) if need.ask else trouble(value) or Demand(dead="missing_fact")


def skipped(need: Need, scope: Scope) -> object:
    """Whether the question need not be put: bool, Unknown or Fault."""
    if not need.skip_when:
        return False
    value = evaluate(need.skip_when, scope)
    return value if isinstance(value, bool | Unknown | Fault) else Fault(f"skip_when of {need.name} is not true or false")


def _answer(scope: Scope, path: str) -> object:
    value = evaluate(path, scope) if path else None
    return None if isinstance(value, Unknown | Fault) else value


def answered(need: Need, scope: Scope) -> bool:
    """Whether the customer has said something for the question of a need."""
    source = need.using or need.take or f"request.{need.ask}"
    return _answer(scope, source) is not None
