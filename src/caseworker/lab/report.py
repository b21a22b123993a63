"""A score in words: a table of figures, and one line for each scenario that went another way than expected. Pure."""

from collections.abc import Iterable

from caseworker.lab.score import Score, Verdict, share


def table(score: Score) -> str:
    """The figures, then the failures."""
    rows = [
        _row("Outcome as expected", score.right, score.scenarios),
        _row("... with nothing too much", score.exact, score.scenarios),
        _row("Within the policy, outcome as expected", score.in_policy_right, score.in_policy),
        _row("Within the policy, to people for lack of confidence", score.in_policy_unsure, score.in_policy),
        _row("Intents as expected", score.intents_right, score.intents_expected),
        _row("Questions that were needless", score.needless_questions, score.questions),
        f"{'Wrong writes':<52} {score.wrong_writes:>4}",
        f"{'Missing writes':<52} {score.missing_writes:>4}",
        f"{'Requests too many':<52} {score.extra_requests:>4}",
        f"{'Unexplained changes':<52} {score.unexplained:>4}",
        f"{'Personal data given away':<52} {score.leaks:>4}",
        f"{'Work set aside':<52} {score.trouble:>4}",
        "",
        *(_row(f"  expected {name}", right, count) for name, (right, count) in score.by_outcome.items()),
        *(_row(f"  tag {name}", right, count) for name, (right, count) in score.by_tag.items()),
    ]
    listed = [line for verdict in score.verdicts for line in failure(verdict)]
    return "\n".join([*rows, "", *listed]) if listed else "\n".join(rows)


def failure(verdict: Verdict) -> Iterable[str]:
    """The line of a scenario that is not exactly as expected; nothing for the others."""
    if verdict.exact:
        return
    parts = [] if verdict.right else [f"expected {_list(verdict.expected)}"]
    parts.append(f"got {_list(verdict.got)}")
    for name, values in (
        ("wrong writes", verdict.wrong_writes),
        ("missing writes", verdict.missing_writes),
        ("too many", verdict.extra_requests if verdict.right else ()),
        ("needless questions", verdict.needless),
        ("problems", verdict.problems),
    ):
        if values:
            parts.append(f"{name} {_list(values)}")
    yield f"{'wrong' if not verdict.right else 'inexact':<8}{verdict.id}: {'; '.join(parts)}"


def _list(values: tuple[str, ...]) -> str:
    return " + ".join(values) or "nothing"


def _row(name: str, part: int, whole: int) -> str:
    return f"{name:<52} {part:>4} of {whole:<5} {share(part, whole):7.1%}"
