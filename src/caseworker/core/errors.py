"""Every error of Caseworker is in one tree:

CaseworkerError
├── ConfigurationError      a setting, file or folder is not usable
├── PlaybookError           a playbook cannot be loaded or does not pass `check`
├── MailError               a mail cannot be taken in or handed over
├── ReadingError            a reader or a language model cannot be loaded or cannot answer (tree in `reading.errors`)
├── StoreError              the database is away, full, or refuses
│   ├── FenceLost           another worker took the case over; nothing was committed
│   ├── StoreAway           the database cannot be reached for now
│   └── StoreFull           there is no room left to store anything
├── CommerceError           a system of the retailer refused or failed (tree in `commerce.errors`)
└── UsageError              a person asked for something that does not exist or cannot be done

Each message says what happened; `remedy` says what to do about it.
"""


class CaseworkerError(Exception):
    """Root of all our errors. `remedy` is one sentence for the person who has to act."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class ConfigurationError(CaseworkerError):
    """A setting, a file or a folder cannot be used as it is."""


class PlaybookError(CaseworkerError):
    """A playbook cannot be loaded, or `caseworker check` finds errors in it."""


class MailError(CaseworkerError):
    """A mail cannot be taken in or handed over."""


class ReadingError(CaseworkerError):
    """A reader cannot be loaded or cannot answer."""


class StoreError(CaseworkerError):
    """The database is away, full, or refuses."""


class FenceLost(StoreError):
    """Another worker has taken the case over; this worker's commit was refused."""


class StoreAway(StoreError):
    """The database cannot be reached for now; trying again later helps."""


class StoreFull(StoreError):
    """There is no room left on the disk or in the quota; somebody has to make some."""


class UsageError(CaseworkerError):
    """A person asked for something that does not exist or cannot be done."""
