"""`check`: what can be found wrong in a playbook before anything runs. Pure; `load` has found structural problems already."""

from caseworker.sop.checking.declared import check_declared
from caseworker.sop.checking.environment import environment
from caseworker.sop.checking.expressions import check_names, check_proofs, check_rows
from caseworker.sop.checking.table import check_table
from caseworker.sop.checking.words import check_playbook, check_words
from caseworker.sop.examples import example_findings
from caseworker.sop.model import Finding, Known, Playbook, Vocabulary

__all__ = ["Known", "check"]


def check(playbook: Playbook, vocabulary: Vocabulary, known: Known) -> tuple[Finding, ...]:
    """Every finding, by file and line. A playbook with an `error` may not run; a `warning` is for its author to judge."""
    findings = [*check_playbook(playbook, known), *check_declared(playbook, vocabulary), *example_findings(playbook)]
    for procedure in playbook.procedures.values():
        env = environment(playbook, procedure, vocabulary)
        check_names(env)
        check_rows(env)
        check_proofs(env)
        check_table(env)
        check_words(env, known)
        findings += env.findings
    return tuple(sorted(set(findings), key=lambda f: (f.place.file, f.place.line, f.severity, f.code, f.message)))
