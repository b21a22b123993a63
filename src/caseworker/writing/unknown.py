"""What stands for a fact that is not known when words are tried out: whoever uses it is told which fact it is."""

from collections.abc import Mapping
from typing import NoReturn

from jinja2 import StrictUndefined, Undefined, UndefinedError

from caseworker.writing.errors import ReplyError
from caseworker.writing.load import Reply


class LeftOut(UndefinedError):
    """The fact exists in real cases; whoever tries the words gave no value for it."""


class _NotKnown(StrictUndefined):
    """Every use but `is defined` raises UndefinedError; so does a filter that names it in a message."""

    __slots__ = ()

    def __repr__(self) -> NoReturn:
        self._fail_with_undefined_error()


class _LeftOut(_NotKnown):
    __slots__ = ()


class _Nothing(Undefined):
    """Like nothing in a condition: it is false, and equal to no value. It cannot be shown or walked through."""

    __slots__ = ()

    def __repr__(self) -> str:
        return self._fail_with_undefined_error()

    def __str__(self) -> str:
        return self._fail_with_undefined_error()

    def __iter__(self) -> NoReturn:
        self._fail_with_undefined_error()


def not_known(path: str, *, why: str = "") -> Undefined:
    """A fact that nothing makes known at this point."""
    return _NotKnown(hint=f"{path} is not known{f' ({why})' if why else ''}")


def left_out(path: str, *, may_be_nothing: bool = False) -> Undefined:
    """A fact that was left out. `may_be_nothing`: words may ask whether it is there, and it is not."""
    kind = _Nothing if may_be_nothing else _LeftOut
    return kind(hint=f"{path} is not given", exc=LeftOut)


def lacks_left_out(error: ReplyError, reply: Reply, known: Mapping[str, object]) -> bool:
    """Whether a reply could not be written for want of something that was left out of the facts `known`."""
    cause = error.__cause__
    if cause is None or isinstance(cause, UndefinedError | ReplyError):
        return isinstance(cause, LeftOut)
    return any(
        isinstance(_at(known, path), _LeftOut | _Nothing) for path in reply.needed
    )  # a filter that fails in words of its own


def _at(known: object, path: str) -> object:
    for name in path.split("."):
        known = known.get(name) if isinstance(known, Mapping) else None
    return known
