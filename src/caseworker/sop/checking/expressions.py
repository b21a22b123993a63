"""Types of needs, named facts and rows, and whether what they name exists."""

from collections.abc import Mapping
from dataclasses import replace

from caseworker.sop.cel.parse import CelError, parse
from caseworker.sop.cel.tree import Expr, Member, Name, paths
from caseworker.sop.cel.types import BOOL, MONEY, STRING, TIME, Type, fits, list_of, optional, parse_type
from caseworker.sop.cel.typing import NOTHING, Known, shown
from caseworker.sop.checking.environment import LEVELS_OF_A_NAME, Environment, in_order, question_type
from caseworker.sop.identity import NUMBER, POSTCODE
from caseworker.sop.model import ActSpec, Need, OperationType, Place, Row
from caseworker.sop.scope import DEEPEST

MOST_LEVELS = DEEPEST * (1 + LEVELS_OF_A_NAME)  # so no more names than that rest on one another


def check_names(env: Environment) -> None:
    """Needs and named facts, each after what it is computed from."""
    levels, loops = in_order(env.procedure)
    needs = {need.name: need for need in env.procedure.needs}
    for name in loops:
        place = needs[name].place if name in needs else _fact_place(env, name)
        env.error(place, "loop", f"`{name}` is computed from itself.", "Write one of the two without the other.")
        env.names[name] = Type("any")
    deep = next((name for name, level in levels.items() if level > MOST_LEVELS), "")
    if deep:  # the others that are too deep rest on it
        place = needs[deep].place if deep in needs else _fact_place(env, deep)
        text = f"`{deep}` and the facts that it rests on are nested too deeply, {levels[deep]} levels."
        env.error(place, "too_deep", text, f"Compute it in fewer steps; {MOST_LEVELS} levels are possible.")
    for name in levels:
        if name in needs:
            env.names[name] = _need(env, needs[name])
        else:
            env.names[name] = env.expression(env.procedure.facts[name], _fact_place(env, name))
    _verify(env)


def _fact_place(env: Environment, name: str) -> Place:
    return env.procedure.fact_places.get(name, env.procedure.place)


def _verify(env: Environment) -> None:
    owner = env.procedure.verify
    if not owner:
        return
    record = env.names.get(owner, Type("any"))
    place = env.at(env.procedure.lines.get("verify"), env.procedure.place)
    if record.name == "optional":
        env.error(
            place, "bad_verify", f"`{owner}` is optional, so nobody may own it.", "Remove `optional: true` from the need."
        )
    elif record.name != "any" and "email" not in env.records.get(record.of, {}):
        env.error(place, "bad_verify", f"`{owner}` has no email, so its owner cannot be told.", "Name a need that is an order.")
    _proofs_tell_apart(env, place)
    for key, source in env.procedure.proof.items():
        _is_written(env, key, place)
        before = len(env.findings)
        env.expression(source, place, wanted=STRING, may_be_absent=True)  # what the record lacks proves nothing
        if {path.split(".")[0] for path in _paths(source)} != {owner}:
            text = f"`{key}` is held against `{source}`, which is nothing of `{owner}`: it proves nothing."
            env.error(place, "bad_verify", text, f"Write a value of the record, such as {owner}.number.")
        if any(finding.severity == "error" for finding in env.findings[before:]):
            advice = "Write `verify: {owner: account, proof: {account_number: account.number, ...}, at_least: 2}`."
            env.error(place, "bad_verify", f"A stranger cannot prove to own `{owner}`.", advice)


def _is_written(env: Environment, key: str, place: Place) -> None:
    """A proof is a text that the customer writes."""
    question = env.playbook.questions.get(key)
    if question is None and key not in (NUMBER, POSTCODE):
        env.error(place, "unknown_question", f"There is no question `{key}`.", "Add it to questions.yaml.")
    elif question is not None and not fits(question_type(question), STRING):
        text = f"`{key}` is a question of the kind {question.kind}, and nothing but a text can be held against a record."
        env.error(place, "bad_verify", text, "Give it the kind text or code, or name another proof.")


def _proofs_tell_apart(env: Environment, place: Place) -> None:
    """What finds a record is known to whoever names it, so alone it proves nothing; and one value is one proof."""
    procedure = env.procedure
    alone = sorted(set(procedure.proof) & _found_by(env)) if procedure.at_least == 1 else []
    if alone:
        text = f"`{procedure.verify}` is found by `{alone[0]}`, and `{alone[0]}` alone would prove to own it."
        env.error(place, "bad_verify", text, "Name a second proof, and write `at_least: 2`.")
    values: dict[Expr, str] = {}
    for key, source in procedure.proof.items():
        value = _tree(source)
        if value is not None and value in values:
            text = f"`{values[value]}` and `{key}` are held against the same value: they are one proof."
            env.error(place, "bad_verify", text, "Remove one of them, and look at `at_least:`.")
        elif value is not None:
            values[value] = key


def _found_by(env: Environment) -> set[str]:
    """Answers that lead to the record whose owner is asked for, perhaps through facts and other needs."""
    needs, facts = {need.name: need for need in env.procedure.needs}, env.procedure.facts
    ahead, seen, found = [env.procedure.verify], set[str](), set[str]()
    while ahead:
        name = ahead.pop()
        seen.add(name)
        need = needs.get(name)
        sources = (*need.arguments.values(), need.choose, need.using, need.take) if need else (facts.get(name, ""),)
        for path in (path for source in sources if source for path in _paths(source)):
            root, _, key = path.partition(".")
            if root == "request":
                found.add(key)
            elif root not in seen:
                ahead.append(root)
    return found


# -- needs -------------------------------------------------------------------------------------------------------------


def _need(env: Environment, need: Need) -> Type:
    _question(env, need)
    if need.skip_when:
        env.expression(need.skip_when, env.at(need.lines.get("skip_when"), need.place), wanted=BOOL)
    found = _looked_up(env, need) if need.find or need.look else _chosen(env, need) if need.choose else _taken(env, need)
    return optional(found) if need.optional else found


def _question(env: Environment, need: Need) -> None:
    known = {NUMBER, POSTCODE, *env.playbook.questions}
    if need.ask and need.ask not in known:
        place = env.at(need.lines.get("ask"), need.place)
        env.error(place, "unknown_question", f"There is no question `{need.ask}`.", "Add it to questions.yaml.")
    if not need.ask and not need.optional and (need.take or need.choose):
        text = f"Nobody is asked for `{need.name}` where the mail does not say it."
        env.warn(need.place, "never_asked", text, "Add `ask:` or `optional: true`.")


def _looked_up(env: Environment, need: Need) -> Type:
    name = need.find or need.look
    operation = env.vocabulary.operations.get(name)
    place = env.at(need.lines.get("find") or need.lines.get("look"), need.place)
    if operation is None or operation.kind != "read":
        _no_operation(env, name, "read", place)
        return Type("any")
    if need.look and not need.ask:
        _required(env, operation, need.arguments, place)
    others = need.optional or len(need.arguments) > 1  # a look-up needs one argument, or it finds nothing
    for argument, source in need.arguments.items():
        spot = env.at(need.lines.get(argument), need.place)
        spared = need.optional or (others and argument not in operation.required)
        _argument(env, operation, argument, source, place=spot, known=NOTHING, spared=spared)
    found = parse_type(operation.returns)
    if need.find:
        if found.name != "list" or found.item is None:
            env.error(place, "wrong_way", f"{name} gives one {found}.", "Write `look:` instead of `find:`.")
            return found
        return found.item
    return found


def _no_operation(env: Environment, name: str, kind: str, place: Place) -> None:
    offered = ", ".join(sorted(op.name for op in env.vocabulary.operations.values() if op.kind == kind)) or "none"
    env.error(place, "unknown_operation", f"There is no {kind} operation `{name}`.", f"Offered are {offered}.")


def _chosen(env: Environment, need: Need) -> Type:
    place = env.at(need.lines.get("choose"), need.place)
    found = env.expression(need.choose, place)
    if need.using:
        env.expression(need.using, env.at(need.lines.get("by"), need.place), wanted=list_of(STRING))
    if found.name != "list" or found.item is None:
        if found.name != "any":
            env.error(place, "type", f"`{need.choose}` is a {found}, not a list.", "Write for example `choose: order.lines`.")
        return Type("any")
    if found.item.name == "record" and "id" not in env.records.get(found.item.of, {}):
        env.error(place, "type", f"A {found.item} has no id to choose it by.", "Choose from a list of records with an id.")
    if not need.optional:
        env.full.add(need.name)
    return found


def _taken(env: Environment, need: Need) -> Type:
    found = env.expression(need.take, env.at(need.lines.get("take"), need.place))
    if need.or_else:
        _or_else(env, need, found)
    if not need.one_of:
        return optional(found) if need.skip_when else found
    strange = sorted(set(need.one_of) - found.words) if found.words else []
    if strange:
        place = env.at(need.lines.get("one_of"), need.place)
        text = f"The answer is never {', '.join(strange)}."
        env.error(place, "never_equal", text, f"Possible are {', '.join(sorted(found.words))}.")
    words = Type("enum", words=frozenset(need.one_of))
    return optional(words) if need.skip_when else words


def _or_else(env: Environment, need: Need, wanted: Type) -> None:
    """What counts where the customer cannot say it: a value of the same type, and one of the words that are possible."""
    place = env.at(need.lines.get("or_else"), need.place)
    possible = frozenset(need.one_of) or wanted.words
    given = env.expression(need.or_else, place, wanted=replace(wanted, words=frozenset()))
    strange = sorted(given.words - possible) if possible else []
    if strange:
        text = f"`{', '.join(strange)}` is no possible answer to `{need.name}`."
        env.error(place, "never_equal", text, f"Possible are {', '.join(sorted(possible))}.")


def _required(env: Environment, operation: OperationType, arguments: Mapping[str, str], place: Place) -> None:
    lacking = ", ".join(f"`{name}`" for name in sorted(operation.required - set(arguments)))
    if lacking:
        env.error(place, "missing_argument", f"{operation.name} needs {lacking}.", "Add it.")


def _argument(
    env: Environment, operation: OperationType, name: str, source: str, *, place: Place, known: Known, spared: bool
) -> None:
    """One argument. `spared`: where it is absent, it is left out (or the optional need is absent), and that does no harm."""
    word = operation.parameters.get(name)
    if word is None:
        offered = ", ".join(sorted(operation.parameters)) or "none"
        env.error(place, "unknown_argument", f"{operation.name} takes no `{name}`.", f"It takes {offered}.")
        return
    env.expression(source, place, wanted=parse_type(word), known=known, may_be_absent=spared)


# -- what prove is told ------------------------------------------------------------------------------------------------


def check_proofs(env: Environment) -> None:
    """Accepted gaps and invariants of the procedure, and the playbook's invariants that speak of facts it has."""
    for gap in env.procedure.accept:
        env.expression(gap.when, gap.place, wanted=BOOL)
    env.names["paid"] = MONEY
    for invariant in (*env.procedure.never, *(n for n in env.playbook.proofs.never if speaks_of(env, n.when))):
        env.expression(invariant.when, invariant.place, wanted=BOOL)
    del env.names["paid"]


def speaks_of(env: Environment, source: str) -> bool:
    """Whether a procedure has all names of an expression."""
    return {path.split(".")[0] for path in _paths(source)} <= {*env.names, "paid"}


# -- rows --------------------------------------------------------------------------------------------------------------


def check_rows(env: Environment) -> None:
    """Every row. One that ends the request whenever it holds lets those below rely on its condition being false."""
    below = NOTHING
    for row in env.procedure.rows:
        _row(env, row, below)
        if (row.resolve or row.escalate_because) and row.when and not (row.do or row.confirm or row.confidence or row.wait):
            below |= _shown(row.when, holds=False)


def _row(env: Environment, row: Row, known: Known) -> None:
    """Condition, acts, promise and wait of a row. `known` is what the rows above leave certain."""
    place = env.at(row.lines.get("when"), row.place)
    if row.when:
        env.expression(row.when, place, wanted=BOOL, known=known)
        known |= _shown(row.when)
    for act in row.do:
        _act(env, row, act, known)
    promise = row.promise
    if promise:
        receipts: Known = frozenset(Member(Name("done"), act.name) for act in row.do)
        for source in (promise.amount, promise.by):
            _early(env, row, source, promise.place)
        if promise.amount:
            env.expression(promise.amount, promise.place, wanted=MONEY, known=known)
        env.expression(promise.by, promise.place, wanted=TIME, known=known)
        env.expression(promise.kept_when, promise.place, wanted=BOOL, known=known | receipts)
        if not _can_change(env, promise.kept_when):
            text = f"Nobody can check the promise: `{' '.join(promise.kept_when.split())}` does not look at any system."
            env.error(
                promise.place, "promise_unchecked", text, "Write what a system shows then, such as order.refunded >= value."
            )
    if row.wait:
        env.expression(row.wait.until, row.wait.place, wanted=BOOL, known=known)
        if row.wait.until != "true" and not _can_change(env, row.wait.until, ANEW):
            text = f"Nothing can make `{' '.join(row.wait.until.split())}` true while the case waits."
            env.error(row.wait.place, "endless_wait", text, "Wait for something that a system shows or the customer says.")


ANEW = ("request", "message", "now", "case", "done", "failed")  # sections that change while a case waits


def _can_change(env: Environment, source: str, sections: tuple[str, ...] = ()) -> bool:
    """Whether an expression looks at something that is looked up anew (or at one of the sections), perhaps through facts."""
    looked_up = {need.name for need in env.procedure.needs if need.find or need.look}
    derived = {need.name: _paths(need.choose) for need in env.procedure.needs if need.choose}
    derived |= {name: _paths(fact) for name, fact in env.procedure.facts.items()}
    names, seen = _paths(source), set[str]()
    while names:
        root = names.pop().split(".")[0]
        if root in looked_up or root in sections:
            return True
        if root not in seen:
            seen.add(root)
            names += derived.get(root, [])
    return False


def _shown(source: str, *, holds: bool = True) -> Known:
    tree = _tree(source)
    return NOTHING if tree is None else shown(tree, holds=holds)


def _act(env: Environment, row: Row, act: ActSpec, known: Known) -> None:
    operation = env.vocabulary.operations.get(act.operation)
    if operation is None or operation.kind != "write":
        _no_operation(env, act.operation, "write", act.place)
        return
    _required(env, operation, act.arguments, act.place)
    for name, source in act.arguments.items():
        _argument(env, operation, name, source, place=act.place, known=known, spared=name not in operation.required)
        _early(env, row, source, act.place)
    if operation.money and operation.money not in operation.parameters:
        env.expression(operation.money, act.place, wanted=MONEY, known=known)
    if operation.money in operation.parameters and operation.money not in act.arguments:
        text = f"{act.operation} moves money, and `{operation.money}:` does not say how much."
        env.error(act.place, "missing_argument", text, f"Add `{operation.money}:`.")


def _early(env: Environment, row: Row, source: str, place: Place) -> None:
    """A row's moves are computed before its acts are done."""
    own = {f"done.{act.name}" for act in row.do}
    early = sorted(path for path in _paths(source) if ".".join(path.split(".")[:2]) in own)
    if early:
        text = f"`{early[0]}` is not there yet when the row fires."
        env.error(place, "receipt_too_early", text, "Use it in a row of its own, below.")


def _paths(source: str) -> list[str]:
    tree = _tree(source)
    return [] if tree is None else list(paths(tree))


def _tree(source: str) -> Expr | None:
    try:
        return parse(source)
    except CelError:
        return None  # told when the expression itself is checked
