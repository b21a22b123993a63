"""Receipt binding: no words of something done without the receipt that it is done."""

from collections.abc import Mapping

from caseworker.writing.errors import ReceiptMissing
from caseworker.writing.load import Reply

SETTLED = ("done", "already_done")


def settled(done: Mapping[str, object]) -> dict[str, object]:
    """The receipts that something may be said about; pending and unknown ones are not among them."""
    return {
        name: receipt for name, receipt in done.items() if isinstance(receipt, Mapping) and receipt.get("status") in SETTLED
    }


def bind(reply: Reply, done: Mapping[str, object]) -> tuple[str, ...]:
    """The names of the receipts behind a reply's words.

    Raises ReceiptMissing where the words claim or show a receipt that is not there, pending or unknown.
    """
    there = settled(done)
    needed = reply.claims | _names(reply.needed)
    for name in sorted(needed):
        if name not in there:
            receipt = done.get(name)
            state = f"is {receipt.get('status')}" if isinstance(receipt, Mapping) else "is not there"
            raise ReceiptMissing(
                f"{reply.place.file} speaks of `{name}` as done, and its receipt {state}.",
                receipt=name,
                remedy="Say it only in a row that has done it.",
            )
    return tuple(sorted(needed | (_names(reply.possible) & there.keys())))


def _names(paths: frozenset[str]) -> frozenset[str]:
    return frozenset(path.split(".")[1] for path in paths if path.startswith("done."))
