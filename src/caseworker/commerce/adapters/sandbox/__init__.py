"""A realistic shop in PostgreSQL: what a new installation talks to, and the bed that everything is tested in."""

from caseworker.commerce.adapters.sandbox.adapter import Sandbox
from caseworker.commerce.adapters.sandbox.form import ShopError
from caseworker.commerce.adapters.sandbox.seed import DEFAULT_AT, generate

__all__ = ["DEFAULT_AT", "Sandbox", "ShopError", "generate"]
