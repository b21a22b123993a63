"""Where the conditions of one decision read their facts: sections as given, needs and named facts computed when first used."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime

from caseworker.sop import parameters
from caseworker.sop.cel.evaluate import evaluate
from caseworker.sop.cel.values import Fault, Unknown, absent
from caseworker.sop.model import Playbook, Procedure

CLOSED = ("done", "failed", "param")  # what is not in these sections did not happen or does not exist
SECTIONS = ("message", "request", "sender", "case")
DEEPEST = 50  # needs and facts that rest on one another; far below what Python can call


class Scope:
    """The facts of one decision. Not shared, never kept: `seen` and memoised values belong to one walk."""

    def __init__(
        self,
        roots: dict[str, object],
        needs: Mapping[str, Callable[["Scope"], object]],
        facts: Mapping[str, str],
        *,
        anchor: str,
        country: str,
    ) -> None:
        self.seen: dict[str, object] = {}
        self.variables: dict[str, object] = {}
        self._roots = roots
        self._needs = needs
        self._facts = facts
        self._open: set[str] = set()
        self.anchor = anchor
        self.default_country = country

    def get(self, name: str) -> object:
        """The value of a section, need or named fact; Unknown where nobody supplies it."""
        value = self._roots.get(name)
        if value is not None or name in self._roots:
            return value
        source, need = self._facts.get(name), self._needs.get(name)
        if source is None and need is None:
            return Unknown(frozenset({name}))
        if name in self._open:
            return Fault(f"{name} is computed from itself")
        if len(self._open) == DEEPEST:
            return Fault(f"more than {DEEPEST} facts rest on one another up to {name}")
        self._open.add(name)
        try:
            value = evaluate(source, self) if source is not None else need(self) if need else None
        except RecursionError:  # each condition is nested as deeply as it may be, and each rests on another one
            value = Fault(f"{name} is nested too deeply, with what it is computed from")
        self._open.discard(name)
        self._roots[name] = value
        return value

    def missing(self, root: str, path: str) -> object:
        """What is not in a record or a closed section is absent; what is not in an open section may still come."""
        if root in SECTIONS and not path.startswith("request.confirmed."):
            return Unknown(frozenset({path}))
        if root in ("timed_out", "given"):
            return False
        return absent(path)

    def country(self) -> object:
        """Country of the order, else the worker's own; Unknown while the order is not known."""
        return self._of_anchor("country", self.default_country)

    def brand(self, default: str) -> object:
        """Brand of the order, else the worker's own."""
        return self._of_anchor("brand", default)

    def _of_anchor(self, key: str, default: str) -> object:
        record = self.get(self.anchor) if self.anchor else None
        if isinstance(record, Unknown):
            return record
        value = record.get(key) if isinstance(record, Mapping) else None
        return value if isinstance(value, str) and value else default


class _Parameters(Mapping[str, object]):
    """`param`: each value is looked up for the order's country and brand when it is used."""

    def __init__(self, playbook: Playbook, scope: Scope, on: date) -> None:
        self._playbook, self._scope, self._on = playbook, scope, on

    def __getitem__(self, name: str) -> object:
        parameter = self._playbook.parameters[name]
        country: object = self._scope.default_country
        brand: object = self._playbook.worker.brand
        if parameters.depends_on_place(parameter):
            country, brand = self._scope.country(), self._scope.brand(str(brand))
            if isinstance(country, Unknown):
                return country
        value = parameters.resolve(parameter, country=str(country), brand=str(brand), on=self._on)
        return absent(f"param.{name}") if value is None else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._playbook.parameters)

    def __len__(self) -> int:
        return len(self._playbook.parameters)


def anchor_of(procedure: Procedure) -> str:
    """The need whose country and brand count: the one whose owner is verified, else `order`."""
    return procedure.verify or ("order" if any(need.name == "order" for need in procedure.needs) else "")


def build(
    playbook: Playbook,
    procedure: Procedure,
    facts: Mapping[str, object],
    *,
    now: datetime,
    needs: Mapping[str, Callable[[Scope], object]],
    timed_out: str = "",
) -> Scope:
    """The scope of a decision. `needs` compute the procedure's needs; facts of the same name go before them."""
    roots: dict[str, object] = {**facts, "now": now}
    request = dict(_section(facts, "request"))
    for key, question in playbook.questions.items():
        if question.kind == "date" and isinstance(request.get(key), str):
            request[key] = _time(str(request[key]))
    request["given"] = dict.fromkeys(playbook.questions, False) | dict(_section(request, "given"))
    request.setdefault("confirmed", {})
    roots["request"] = request
    sender = dict(_section(facts, "sender"))
    if sender.get("verified") is not True:
        sender.pop("address", None)  # anybody can write a sender's address: it proves and finds nothing
        sender["verified"] = False
    roots["sender"] = sender
    roots["done"], roots["failed"] = _section(facts, "done"), _section(facts, "failed")
    over = {row.name: False for row in procedure.rows if row.wait} | dict(_section(facts, "timed_out"))
    roots["timed_out"] = over | ({timed_out: True} if timed_out else {})
    for section in ("message", "case"):
        roots.setdefault(section, {})
    scope = Scope(roots, needs, procedure.facts, anchor=anchor_of(procedure), country=playbook.worker.default_country)
    roots["param"] = _Parameters(playbook, scope, now.date())
    return scope


def _section(facts: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = facts.get(name)
    return value if isinstance(value, Mapping) else {}


def _time(text: str) -> object:
    """An ISO date as midnight UTC; a text that is none is no answer."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
