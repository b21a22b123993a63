"""What a case is decided with: the pinned playbook, and what always applies as it is live now."""

from dataclasses import dataclass

from caseworker.guard.model import Guardrails
from caseworker.sop.model import Playbook, Vocabulary
from caseworker.writing.load import Replies


@dataclass(frozen=True, slots=True)
class Release:
    """`playbook` and `replies` are the case's pinned release; `guardrails` and the worker's modes are those of today."""

    playbook: Playbook
    replies: Replies
    guardrails: Guardrails
    vocabulary: Vocabulary

    def mode_of(self, intent: str) -> str:
        """shadow, draft or live, for one intent."""
        worker = self.playbook.worker
        return worker.intent_modes.get(intent, worker.mode)
