"""Which fields of records a decision looks at: records that note what is taken from them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any


class Reads(Mapping[str, object]):
    """A record that notes the keys that were read."""

    def __init__(self, record: Mapping[str, object]) -> None:
        self.inner = {key: noting(value) for key, value in record.items()}
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> object:
        self.read.add(key)
        return self.inner[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.inner)

    def __len__(self) -> int:
        return len(self.inner)


def noting(value: Any) -> Any:
    """The same tree with records that note what is read."""
    if isinstance(value, Mapping):
        return Reads(value)
    if isinstance(value, list | tuple):
        return type(value)(noting(item) for item in value)
    return value


def kept(value: object, *, always: Collection[str] = ()) -> object:
    """A plain tree of what was read. Of a record of which nothing was read stay the `always` fields; what is not there goes."""
    if isinstance(value, Reads):
        names = [key for key in value.inner if key in value.read] or [key for key in always if key in value.inner]
        names += [key for key in always if key in value.inner and key not in names and "id" not in always]
        return {name: kept(value.inner[name], always=always) for name in names if value.inner[name] is not None}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [kept(item, always=always) for item in value]
    return value
