"""Customers of the demo in an installation of the test's own: real reader, real shop, decisions of many kinds."""

from collections.abc import Sequence
from pathlib import Path

from house import AT, House

from caseworker.commerce.adapters.sandbox import generate
from caseworker.core.facts import load
from caseworker.lab import scenario
from caseworker.lab.scenario import Scenario
from caseworker.reading import heads
from caseworker.reading.adapters.embedded import EmbeddedReader
from caseworker.reading.adapters.use import UseEncoder

DEMO = Path(heads.__file__).parents[1] / "playbooks" / "retail" / "demo" / "mails.jsonl"
AT_ONCE = 10


def embedded_reader() -> EmbeddedReader:
    """The reader as it is shipped."""
    encoder = UseEncoder()
    return EmbeddedReader(encoder, heads.load(Path(heads.__file__).parent / "weights", "use", encoder), languages=("en", "de"))


async def play(house: House, *, first: int, answers: bool = True) -> None:
    """The first scenarios of the demo, each with its mails, and with its answers to what it is asked."""
    await house.sandbox.load(generate(at=AT))
    scenarios = scenario.load(DEMO)[:first]
    by_case: dict[int, Scenario] = {}
    for number, told in enumerate(scenarios, start=1):
        mail = told.mails[0]
        taken = await house.mail(mail.subject, mail.text, sender=told.customer.email, auth=mail.auth)
        by_case[taken.case] = told
        if number % AT_ONCE == 0:  # nothing renews the leases here
            await house.work()
    await house.work()
    if answers:
        await _answer(house, by_case)
    await house.pass_time(step=86_400, until=8 * 86_400)


async def _answer(house: House, by_case: dict[int, Scenario]) -> None:
    letters = {str(letter["To"]).lower(): letter for letter in house.outbox.letters}
    for case, told in by_case.items():
        state = load((await house.file(case)).case.state)
        assert isinstance(state, dict)
        words = _words(told, state.get("asking") or ())
        letter = letters.get(told.customer.email.lower())
        if words and letter is not None:
            reference = str(letter["Message-ID"])
            await house.mail(f"Re: {letter['Subject']}", words, sender=told.customer.email, references=reference)
    await house.work()


def _words(told: Scenario, asking: Sequence[str]) -> str:
    return "\n".join(told.answers[key][0].text for key in asking if told.answers.get(key))
