"""Language tags: two-letter codes as the playbook writes them."""

SUPPORTED = ("en", "de", "fr", "es", "it", "nl", "pl", "pt")


def best(wanted: str | None, available: tuple[str, ...], fallback: str) -> str:
    """`wanted` where there are words in it, else `fallback`, else the first language available."""
    base = (wanted or "").split("-")[0].lower()
    if base in available:
        return base
    return fallback if fallback in available else available[0]
