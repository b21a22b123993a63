"""The one port to the retailer's systems. Operations are named, so that a retailer's own are like built-in ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from caseworker.commerce.model import Receipt


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of an operation. `type` is a word of the procedure language: `Ref[order]`, `Money`, `list[line]` ..."""

    name: str
    type: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation that a procedure may name.

    `money` is the argument that carries the amount, or a fact path such as `order.refundable` where the system decides it (a
    cancel that refunds); empty where no money moves. `receipt` are the typed values that its receipt carries for replies."""

    name: str
    kind: Literal["read", "write"]
    parameters: tuple[Parameter, ...]
    returns: str
    doc: str
    money: str = ""
    receipt: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a system can do, from commerce.md; `check` holds procedures against it."""

    system: str
    operations: tuple[str, ...]
    cancel_refunds: Literal["never", "always", "optional"]
    rma: bool
    idempotency: Literal["native", "version", "none"]
    partial_cancel: bool
    exact_lookup: bool
    address_change_until: Literal["shipped", "never"]
    webhooks: bool


@dataclass(frozen=True, slots=True)
class WriteCall:
    """One write. The same `key` with the same arguments is the same write, for ever.

    `shop` names the connection (a mailbox belongs to one). `case` is noted in the system where it can be."""

    shop: str
    operation: str
    arguments: Mapping[str, object]
    key: str
    case: str
    reason: str
    expected_version: str | None = None
    dry_run: bool = False


class Commerce(Protocol):
    """Reads and writes in the retailer's systems. Raises the errors of `commerce.errors` only."""

    def operations(self) -> Mapping[str, Operation]: ...

    def capabilities(self) -> Capabilities: ...

    async def read(self, shop: str, operation: str, arguments: Mapping[str, object]) -> object:
        """A record, a tuple of records (for `find`), or NotFound."""
        ...

    async def write(self, call: WriteCall) -> Receipt: ...

    async def read_back(self, call: WriteCall) -> Receipt | None:
        """Whether a write of this key, or its effect, is in the system: its receipt; None where it certainly is not.

        Raises `OutcomeUnknown` where the system cannot tell, and Trouble while it is away."""
        ...
