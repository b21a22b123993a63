"""What the pages are given."""

from dataclasses import dataclass

from caseworker.app.managers import Managers
from caseworker.app.people import People
from caseworker.app.playbooks import Playbooks
from caseworker.app.story import Story, tell
from caseworker.core.errors import PlaybookError


@dataclass(frozen=True, slots=True)
class Facade:
    """The use cases behind the pages. `account` is the name that decisions carry unless another is given."""

    managers: Managers
    people: People
    playbooks: Playbooks
    account: str = ""

    async def story(self, name: str) -> Story:
        """One case in words. Raises UsageError."""
        file = await self.managers.file(name)
        try:
            playbook = (await self.playbooks.get(file.case.release)).playbook
        except PlaybookError:  # the case can be shown without the words of its procedures
            playbook = None
        return tell(file, playbook)
