"""What the pages are given."""

from dataclasses import dataclass

from caseworker.app.managers import Managers
from caseworker.app.people import People
from caseworker.app.playbooks import Playbooks
from caseworker.app.releases import Releases
from caseworker.app.replay import Replays
from caseworker.app.story import Story, tell


@dataclass(frozen=True, slots=True)
class Facade:
    """The use cases behind the pages. `account` is the name that decisions carry unless another is given."""

    managers: Managers
    people: People
    playbooks: Playbooks
    releases: Releases
    replays: Replays
    account: str = ""

    async def story(self, name: str) -> Story:
        """One case in words. Raises UsageError."""
        file = await self.managers.file(name)
        return tell(file, await self.replays.playbook(file.case.release), await self.replays.recorded(name))
