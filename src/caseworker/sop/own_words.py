"""What a playbook says by itself. It may stand in an example made from a case, whoever the customer is. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from caseworker.sop.cel.parse import CelError, parse
from caseworker.sop.cel.tree import Binary, Call, Expr, Lit, Member, Name, Unary, children, path_of
from caseworker.sop.checking.environment import Environment
from caseworker.sop.model import Playbook, Procedure, Row

Node = TypeVar("Node")
NOT_FOUND = "not_found"  # what a refused look-up is called where nothing else is said
KEYS = ("fired", "asked", "waiting", "waiting_since", "confirmed", "shown", "found", "refused", "locked")  # of an example
_SEARCHES = ("startsWith", "endsWith", "contains")
_COMPUTES = ("sum", "min", "max", "percent", "prorate", "money", "duration")
_SIZES = ("<", "<=", ">", ">=", "+", "-", "*", "/", "%")


@dataclass(frozen=True, slots=True)
class OwnWords:
    """`words` and `figures` stay where a value is one of them; `searched` are texts that a condition looks for inside a value.

    `names` are those of rows, facts, fields and the like, `selected` those that an expression gives to what is no field of a
    record: keys of a map. `forms` are how numbers look (`#` a digit, `@` a letter): what is
    fixed in them stays. `measured` are fields that are compared by size or computed with: quantities, however large.
    """

    words: frozenset[str] = frozenset()
    figures: frozenset[str] = frozenset()
    searched: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    selected: frozenset[str] = frozenset()
    forms: tuple[str, ...] = ()
    measured: frozenset[str] = frozenset()


def own_words(env: Environment) -> OwnWords:
    """Of the playbook; what is searched and measured is told by the procedure of this environment."""
    playbook, here = env.playbook, tuple(expressions(env.procedure))
    everywhere = [expr for procedure in playbook.procedures.values() for expr in expressions(procedure)]
    return OwnWords(
        words=_words(env, everywhere),
        figures=frozenset(str(lit.value) for expr in here for lit in _each(expr, Lit) if lit.kind in ("int", "double")),
        searched=frozenset(text for expr in here for text in _searched(expr, playbook)),
        names=_names(env, everywhere),
        selected=frozenset(name for expr in here for name in _named(expr)) - _fields(env),
        forms=(*playbook.worker.order_numbers, *(form for each in playbook.questions.values() for form in each.forms)),
        measured=frozenset(name for expr in here for name in _measured(expr)) | {"confidence"},
    )


def expressions(procedure: Procedure) -> Iterator[Expr]:
    """Every expression that a decision may compute."""
    for source in (*procedure.facts.values(), *procedure.proof.values(), *_of_needs(procedure), *_of_rows(procedure.rows)):
        try:
            if source:
                yield parse(source)
        except CelError:
            continue


def _of_needs(procedure: Procedure) -> Iterator[str]:
    for need in procedure.needs:
        yield from need.arguments.values()
        yield from (need.choose, need.using, need.take, need.skip_when, need.or_else)


def _of_rows(rows: tuple[Row, ...]) -> Iterator[str]:
    for row in rows:
        yield row.when
        yield from (source for act in row.do for source in act.arguments.values())
        yield from (row.promise.amount, row.promise.by, row.promise.kept_when) if row.promise else ()
        yield row.wait.until if row.wait else ""


def _words(env: Environment, everywhere: list[Expr]) -> frozenset[str]:
    """Texts in conditions, options of questions, brands, countries, languages, parameters, codes of refusals."""
    playbook = env.playbook
    found = {playbook.worker.brand, playbook.worker.default_country, *playbook.worker.languages, *playbook.intents}
    found |= {str(lit.value) for expr in everywhere for lit in _each(expr, Lit) if lit.kind == "string"}
    found |= {option for procedure in playbook.procedures.values() for need in procedure.needs for option in need.one_of}
    found |= {option for question in playbook.questions.values() for option in question.options}
    for parameter in playbook.parameters.values():
        found |= {text for value in parameter.values for text in (value.country, value.brand) if text}
        found |= _said(playbook, parameter.name)
    return frozenset(found | env.vocabulary.refusals | {NOT_FOUND} | set(env.vocabulary.operations))


def _names(env: Environment, everywhere: list[Expr]) -> frozenset[str]:
    """Names of the playbook's parts, of records and of their fields: the keys of an example."""
    playbook, found = env.playbook, {*env.names, *env.records, *env.vocabulary.operations, *env.playbook.questions}
    found |= _fields(env)
    found |= {name for expr in everywhere for name in _named(expr)} | set(KEYS)
    for procedure in playbook.procedures.values():
        found |= {procedure.name, *procedure.facts, *procedure.proof, *(need.name for need in procedure.needs)}
        found |= {row.name for row in procedure.rows} | {act.name for row in procedure.rows for act in row.do}
    return frozenset(name.removeprefix("$") for name in found)


def _fields(env: Environment) -> set[str]:
    return {field for fields in env.records.values() for field in fields}


def _searched(expr: Expr, playbook: Playbook) -> Iterator[str]:
    for call in _each(expr, Call):
        for argument in call.arguments[1:] if call.name in _SEARCHES else ():
            yield from (str(lit.value) for lit in _each(argument, Lit))
            yield from _said(playbook, path_of(argument).removeprefix("param."))


def _said(playbook: Playbook, parameter: str) -> set[str]:
    """The texts among the values of a parameter."""
    values = playbook.parameters[parameter].values if parameter in playbook.parameters else ()
    return {value.value for value in values if isinstance(value.value, str)}


def _measured(expr: Expr) -> Iterator[str]:
    computed: list[Expr] = [node for node in _each(expr, Binary) if node.operator in _SIZES]
    computed += [node for node in _each(expr, Unary) if node.operator == "-"]
    computed += [node for node in _each(expr, Call) if node.name in _COMPUTES]
    for node in computed:
        yield from _named(node)


def _named(expr: Expr) -> Iterator[str]:
    """Every name in an expression, of facts and of their fields."""
    yield from (node.name for node in _each(expr, Member))
    yield from (node.name for node in _each(expr, Name))


def _each(expr: Expr, kind: type[Node]) -> Iterator[Node]:
    """The parts of an expression that are of a kind, itself among them."""
    if isinstance(expr, kind):
        yield expr
    for part in children(expr):
        yield from _each(part, kind)
