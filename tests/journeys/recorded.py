"""Customers of the demo in the test's own installation: real reader, real shop, so that decisions of many kinds are recorded."""

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


def embedded_reader() -> EmbeddedReader:
    """The reader as it is shipped."""
    encoder = UseEncoder()
    return EmbeddedReader(encoder, heads.load(Path(heads.__file__).parent / "weights", "use", encoder), languages=("en", "de"))


async def play(house: House, *, first: int, answers: bool = True) -> None:
    """The first scenarios of the demo, each with its mails, and with its answers to what it is asked."""
    await house.sandbox.load(generate(at=AT))
    scenarios = scenario.load(DEMO)[:first]
    by_case: dict[int, Scenario] = {}
    for told in scenarios:
        for mail in told.mails[:1]:
            taken = await house.mail(mail.subject, mail.text, sender=told.customer.email, auth=mail.auth)
            by_case[taken.case] = told
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
