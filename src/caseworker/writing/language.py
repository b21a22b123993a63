"""What replies are written in: values, filters, `if`, `for` over lists, `set`. The rest of Jinja is refused when it is read.

Nothing is computed, called or included, so no words can take long or grow without end, whoever wrote them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from jinja2 import TemplateSyntaxError, nodes

OWN_FILTERS = ("money", "date", "days", "items", "join")
LENT_FILTERS = (
    "length", "first", "last", "list", "map", "selectattr", "rejectattr", "sort", "unique", "lower", "upper", "capitalize",
)  # fmt: skip
FILTERS = (*OWN_FILTERS, *LENT_FILTERS)
TESTS = ("defined", "in")
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge", "in", "defined")  # how `selectattr` compares
MOST_WRITTEN = 200  # entries of a list that is written out in a reply
DEEPEST, MOST_BLOCKS = 100, 15  # of words within each other, and of conditions and loops: Python compiles 20 loops and no more

_OFFERED = frozenset({
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign, nodes.Name, nodes.Const, nodes.Getattr,
    nodes.Getitem, nodes.Slice, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Compare, nodes.Operand, nodes.And,
    nodes.Or, nodes.Not, nodes.Neg, nodes.CondExpr, nodes.Filter, nodes.Test, nodes.Keyword,
})  # fmt: skip
_COMPUTED = ("Nothing is computed in a reply.", "Compute it under `facts:` of the procedure, and show that fact.")
_ONE_FILE = ("A reply is one file, and no words are taken from another one.", "Write the words where they are said.")
_SET = ("This block is not offered.", "Write {% set name = value %}.")
_ELSEWHERE: Mapping[type[nodes.Node], tuple[str, str]] = {
    nodes.Call: ("Nothing is called in a reply.", f"Show a value, or use a filter: {', '.join(FILTERS)}."),
    nodes.Concat: ("`~` is not offered.", "Write the values side by side: {{ a }} {{ b }}."),
    **dict.fromkeys((nodes.Macro, nodes.CallBlock), ("Replies have no macros.", "Write the words where they are said.")),
    **dict.fromkeys((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends, nodes.Block), _ONE_FILE),
    **dict.fromkeys((nodes.AssignBlock, nodes.With), _SET),
    nodes.FilterBlock: ("A filter stands behind one value.", "Write {{ value | upper }}."),
}
_OTHERS = ("This is not offered in a reply.", "Offered are values, filters, {% if %}, {% for %} over a list and {% set %}.")


@dataclass(frozen=True, slots=True)
class Refused:
    """What a template may not say: line of the template from 1, what is wrong, what to write instead."""

    line: int
    message: str
    advice: str


class NotOffered(TemplateSyntaxError):
    """A template says what is not offered. `refused` holds everything of that kind."""

    def __init__(self, refused: tuple[Refused, ...]) -> None:
        super().__init__(f"{refused[0].message} {refused[0].advice}".rstrip("."), refused[0].line)
        self.refused = refused


def too_deep(tree: nodes.Template) -> int:
    """The line in which a template is nested more deeply than it may; 0 where it is not."""
    waiting: list[tuple[nodes.Node, int, int]] = [(tree, 0, 0)]
    while waiting:
        node, level, blocks = waiting.pop()
        blocks += isinstance(node, nodes.For | nodes.If)
        if level > DEEPEST or blocks > MOST_BLOCKS:
            return _line(node)
        waiting += [(child, level + 1, blocks) for child in node.iter_child_nodes()]
    return 0


def refused(tree: nodes.Template) -> tuple[Refused, ...]:
    """Everything in a template that is not offered, in the order of the lines. The tree is not nested too deeply."""
    found = (Refused(_line(node), *wrong) for node in tree.find_all(nodes.Node) for wrong in _wrong(node))
    return tuple(sorted(dict.fromkeys(found), key=lambda entry: entry.line))


def _line(node: nodes.Node) -> int:
    """The line of a node, or of the first thing in it: a block around others may have none."""
    lines = (part.lineno for part in (node, *node.find_all(nodes.Node)) if part.lineno)
    return int(next(lines, 1))


def _wrong(node: nodes.Node) -> Iterator[tuple[str, str]]:
    """Message and advice for what is wrong with one node, whatever stands in it."""
    if type(node) not in _OFFERED:
        computes = isinstance(node, nodes.BinExpr | nodes.Pos)
        yield _ELSEWHERE.get(type(node)) or (_COMPUTED if computes else _OTHERS)
        return
    match node:
        case nodes.Neg(node=operand) if not isinstance(operand, nodes.Const):
            yield _COMPUTED
        case nodes.Name(name=name) | nodes.Getattr(attr=name) | nodes.Getitem(arg=nodes.Const(value=str(name))):
            if name.startswith("_"):
                yield f"`{name}` is no fact.", "Facts begin with a letter."
        case nodes.List() | nodes.Tuple() | nodes.Dict():
            yield from _wrong_list(node)
        case nodes.For():
            yield from _wrong_loop(node)
        case nodes.Assign(target=target) if not isinstance(target, nodes.Name):
            yield "One name is set at a time.", "Write {% set name = value %}."
        case nodes.Filter():
            yield from _wrong_filter(node)
        case nodes.Test(name=name) if name not in TESTS:
            yield f"No test named {name!r}.", f"Offered are {', '.join(TESTS)}; compare with == and <."


def _wrong_list(node: nodes.List | nodes.Tuple | nodes.Dict) -> Iterator[tuple[str, str]]:
    """A list of lists could outgrow any memory within a few lines; so lists hold texts and numbers."""
    entries = [part for item in node.items for part in ((item.key, item.value) if isinstance(item, nodes.Pair) else (item,))]
    if isinstance(node, nodes.Tuple) and node.ctx == "store":
        return  # `for a, b in`, which is told there
    if len(entries) > MOST_WRITTEN:
        yield f"A list of more than {MOST_WRITTEN} entries stands in the words.", "Make it a parameter or a fact."
    if not all(isinstance(entry, nodes.Const) for entry in entries):
        yield "A list that is written out holds texts and numbers only.", "Make it under `facts:` of the procedure."


def _wrong_loop(node: nodes.For) -> Iterator[tuple[str, str]]:
    if not isinstance(node.target, nodes.Name):
        yield "A loop has one name.", "Write {% for line in order.lines %} and show {{ line.title }}."
    if node.recursive:
        yield "A loop does not repeat itself.", "Take out `recursive`."


def _wrong_filter(node: nodes.Filter) -> Iterator[tuple[str, str]]:
    name, arguments = node.name, node.args
    if name not in FILTERS:
        instead = "Put the value behind {% if ... is defined %}." if name in ("default", "d") else ""
        yield f"No filter named {name!r}.", instead or f"Offered are {', '.join(FILTERS)}."
    elif node.dyn_args or node.dyn_kwargs:
        yield _OTHERS
    elif name == "map" and (arguments or [entry.key for entry in node.kwargs] != ["attribute"]):
        yield "`map` takes the name of a field.", 'Write map(attribute="title").'
    elif name in ("selectattr", "rejectattr"):
        words = [argument.value if isinstance(argument, nodes.Const) else None for argument in arguments[:2]]
        if not words or not isinstance(words[0], str) or words[1:] not in ([], *([word] for word in COMPARISONS)):
            yield (
                f"`{name}` cannot take this.",
                f'Write {name}("quantity", "gt", 1), with one of {", ".join(COMPARISONS)}.',
            )
