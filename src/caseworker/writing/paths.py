"""Which facts a template mentions, from its syntax tree.

`order.shipments[0].carrier` is the path `order.shipments`: what lies in a list has no path of its own, and the variable of a
loop over it has none either. What stands behind `X is defined` is only possibly needed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import nodes


@dataclass(frozen=True, slots=True)
class Mentions:
    """Paths that the words cannot do without, and those that they can."""

    needed: frozenset[str]
    possible: frozenset[str]


def mentions(tree: nodes.Template) -> Mentions:
    """All facts that a template mentions."""
    walk = _Walk()
    walk.visit(tree, frozenset(), frozenset())
    return Mentions(frozenset(walk.needed), frozenset(walk.possible - walk.needed))


class _Walk:
    """Visits the tree with the local names and the paths that are known to be there."""

    def __init__(self) -> None:
        self.needed: set[str] = set()
        self.possible: set[str] = set()

    def visit(self, node: nodes.Node, local: frozenset[str], sure: frozenset[str]) -> None:
        match node:
            case nodes.If() | nodes.CondExpr():
                self._branch(node, local, sure)
            case nodes.And():
                self.visit(node.left, local, sure)
                self.visit(node.right, local, sure | frozenset(_defined(node.left)))
            case nodes.Test(name="defined"):
                self.possible |= {path} if (path := _path(node.node)) and path.split(".")[0] not in local else set()
            case nodes.For():
                self.visit(node.iter, local, sure)
                inside = local | {"loop"} | {name.name for name in node.target.find_all(nodes.Name)} | _own(node.target)
                for child in (*node.body, *node.else_):
                    self.visit(child, inside, sure)
            case nodes.Template():
                self._sequence(node.body, local, sure)
            case nodes.Getattr() | nodes.Name() | nodes.Getitem() if _path(node):
                self._mention(_path(node), local, sure)
            case _:
                for child in node.iter_child_nodes():
                    self.visit(child, local, sure)

    def _sequence(self, body: list[nodes.Node], local: frozenset[str], sure: frozenset[str]) -> None:
        """`{% set x = ... %}` makes a local name for what follows."""
        for node in body:
            if isinstance(node, nodes.Assign):
                self.visit(node.node, local, sure)
                local |= _own(node.target)
            else:
                self.visit(node, local, sure)

    def _branch(self, node: nodes.If | nodes.CondExpr, local: frozenset[str], sure: frozenset[str]) -> None:
        self.visit(node.test, local, sure)
        inside = sure | frozenset(_defined(node.test))
        if isinstance(node, nodes.CondExpr):
            self.visit(node.expr1, local, inside)
            if node.expr2 is not None:
                self.visit(node.expr2, local, sure)
            return
        self._sequence(node.body, local, inside)
        for other in node.elif_:
            self.visit(other, local, sure)
        self._sequence(node.else_, local, sure)

    def _mention(self, path: str, local: frozenset[str], sure: frozenset[str]) -> None:
        if path.split(".", maxsplit=1)[0] in local:
            return
        guarded = any(path == prefix or path.startswith(f"{prefix}.") for prefix in sure)
        (self.possible if guarded else self.needed).add(path)


def _own(target: nodes.Node) -> frozenset[str]:
    return frozenset({target.name}) if isinstance(target, nodes.Name) else frozenset()


def _defined(test: nodes.Node) -> Iterator[str]:
    """Paths that are there where a condition holds."""
    match test:
        case nodes.Test(name="defined") if path := _path(test.node):
            yield path
        case nodes.And():
            yield from _defined(test.left)
            yield from _defined(test.right)


def _path(node: nodes.Node) -> str:
    """`order.number` for an attribute chain; up to the list for what lies in one; empty for everything else."""
    match node:
        case nodes.Name():
            return node.name
        case nodes.Getattr():
            inner = _path(node.node)
            return f"{inner}.{node.attr}" if inner and not _in_list(node.node) else inner
        case nodes.Getitem():
            return _path(node.node)
    return ""


def _in_list(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Getitem) or (isinstance(node, nodes.Getattr) and _in_list(node.node))
