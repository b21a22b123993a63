"""Reading a playbook: texts to `Playbook`."""

import hashlib
from collections.abc import Mapping

from caseworker.sop.errors import PlaybookProblems
from caseworker.sop.folder import read_folder
from caseworker.sop.loading.operations import read_operations
from caseworker.sop.loading.parameters import read_parameters
from caseworker.sop.loading.parts import Part
from caseworker.sop.loading.procedures import read_part, read_procedure
from caseworker.sop.loading.proofs import read_proofs
from caseworker.sop.loading.text import Item, Problems, read_yaml
from caseworker.sop.loading.worker import read_intents, read_questions, read_worker
from caseworker.sop.model import Place, Playbook, Procedure
from caseworker.sop.upgrade import format_of, upgraded

__all__ = ["load", "read_folder", "release_of", "short"]

SHOWN = 12  # hex digits of a release that people see


def release_of(files: Mapping[str, str]) -> str:
    """The release: SHA-256 over paths and texts in the order of the paths, 64 hex digits."""
    digest = hashlib.sha256()
    for path in sorted(files):
        for part in (path, files[path].replace("\r\n", "\n")):
            encoded = part.encode()
            digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()


def short(release: str) -> str:
    """A release as people see it."""
    return release[:SHOWN]


def load(files: Mapping[str, str]) -> Playbook:
    """The playbook of these texts, whatever language version they are in.

    Raises PlaybookProblems with every structural problem, PlaybookError for a version that is not known.
    """
    problems, written = Problems(), files
    files = upgraded(files)
    playbook = Playbook(
        release=release_of(written),
        files=dict(written),
        format=format_of(written),
        worker=read_worker(_file(files, "worker.yaml", problems, needed=True)),
        parameters=read_parameters(_file(files, "parameters.yaml", problems)),
        intents=read_intents(_file(files, "intents.yaml", problems, needed=True)),
        questions=read_questions(_file(files, "questions.yaml", problems)),
        procedures=_procedures(files, _parts(files, problems), problems),
        proofs=read_proofs(_file(files, "proofs.yaml", problems)),
        declared=read_operations(_file(files, "operations.yaml", problems)),
    )
    if problems.findings:
        raise PlaybookProblems(problems.findings)
    return playbook


def _file(files: Mapping[str, str], name: str, problems: Problems, *, needed: bool = False) -> Item:
    if name in files:
        return read_yaml(name, files[name], problems)
    if needed:
        problems.add(Place(name, 1), "missing_file", f"There is no {name}.", "Add it to the folder.")
    return Item({}, Place(name, 1), Problems())


def _yaml(files: Mapping[str, str], folder: str) -> list[str]:
    return [name for name in sorted(files) if name.startswith(f"{folder}/") and name.endswith((".yaml", ".yml"))]


def _parts(files: Mapping[str, str], problems: Problems) -> dict[str, Part]:
    parts: dict[str, Part] = {}
    for name in _yaml(files, "parts"):
        part = read_part(read_yaml(name, files[name], problems))
        if part.name in parts:
            message = f"The part `{part.name}` stands in {parts[part.name].place.file} too."
            problems.add(part.place, "duplicate_name", message, "Give each part its own name.")
        parts[part.name] = part
    return parts


def _procedures(files: Mapping[str, str], parts: Mapping[str, Part], problems: Problems) -> dict[str, Procedure]:
    procedures: dict[str, Procedure] = {}
    for name in _yaml(files, "sops"):
        procedure = read_procedure(read_yaml(name, files[name], problems), parts)
        if procedure.name in procedures:
            other = procedures[procedure.name].place.file
            message = f"The procedure `{procedure.name}` stands in {other} too."
            problems.add(procedure.place, "duplicate_name", message, "Give each procedure its own name.")
        procedures[procedure.name] = procedure
    return procedures
