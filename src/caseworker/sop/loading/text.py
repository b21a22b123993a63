"""YAML with places, for the loaders of this room; see `core.items`."""

from caseworker.core.findings import Problems
from caseworker.core.items import Item, read_each, read_yaml

__all__ = ["Item", "Problems", "read_each", "read_yaml"]
