"""`new`, `schema` and `modernise`: help for whoever writes a playbook."""

import json
from pathlib import Path

import click

from caseworker.cli.output import json_option, print_json
from caseworker.cli.playbooks import offline
from caseworker.cli.running import settings

HINT = "# yaml-language-server: $schema="


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--from", "source", default="retail", show_default=True, help="A playbook folder, or one that is shipped.")
@click.option("--languages", multiple=True, metavar="LIST", help="Only these, such as `en,de`; the first is the default one.")
@json_option
def new(folder: Path, source: str, languages: tuple[str, ...], as_json: bool) -> None:
    """Begin a playbook in FOLDER: a copy of one that works, to be changed.

    With --languages only the words in these languages are copied, customers' sentences among them, so that a reply of your own
    has to be written in no others. The copy is written in the current version of the procedure language.

    \b
    Example:
      caseworker new my-desk --languages en
    """
    from caseworker.app.places import claim, write_folder
    from caseworker.app.playbooks import shipped
    from caseworker.sop.languages import only
    from caseworker.sop.load import load, read_folder
    from caseworker.sop.upgrade import rewritten

    claim(folder)
    files = read_folder(shipped(source))
    chosen = tuple(part.strip() for part in ",".join(languages).split(",") if part.strip())
    if chosen:
        files = only(files, chosen)
    files = rewritten(files)
    playbook = load(files)
    write_folder(folder, {path: text.encode() for path, text in files.items()})
    if as_json:
        print_json({"folder": str(folder), "files": len(files), "languages": playbook.worker.languages})
        return
    click.echo(f"{folder}: {len(playbook.procedures)} procedures, in {', '.join(playbook.worker.languages)}.")
    click.echo(f"Next: change it, then `caseworker check {folder}` and `caseworker examples {folder}`.")


@click.command()
@click.argument("playbook", default="")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder; without it .schema in the playbook.")
@json_option
def schema(playbook: str, out: Path | None, as_json: bool) -> None:
    """Write JSON Schemas for PLAYBOOK, so that an editor completes names and marks mistakes while you write.

    The schemas know the playbook's own operations, questions, intents, queues and replies. Each file of the playbook finds its
    schema where its first line is the one that is printed. Editors with a YAML language server (VS Code, Neovim, JetBrains)
    understand it. With --json the schemas are printed and nothing is written.

    \b
    Example:
      caseworker schema ./my-playbook
    """
    from caseworker.app.places import write_files, writing
    from caseworker.app.playbooks import shipped
    from caseworker.sop.schema import FILES, names_of, schemas

    folder = shipped(playbook or settings().playbook)
    release, _ = offline().examine(folder)
    names = names_of(
        release.playbook,
        release.vocabulary,
        queues=tuple(release.guardrails.queues),
        replies=tuple(release.replies.by_key),
    )
    made = schemas(names)
    if as_json:
        print_json(made)
        return
    target = out or folder / ".schema"
    with writing(target):
        target.mkdir(parents=True, exist_ok=True)
    texts = {kind: json.dumps(text, indent=1, ensure_ascii=False) + "\n" for kind, text in made.items()}
    write_files({target / f"{kind}.json": text.encode() for kind, text in texts.items()})
    click.echo(f"{len(made)} schemas written to {target}. First lines for your files:")
    for kind, pattern in FILES.items():
        up = "../" if "/" in pattern else ""
        place = f"{up}.schema/{kind}.json" if out is None else f"{target.resolve()}/{kind}.json"
        click.echo(f"  {pattern:<16} {HINT}{place}")


@click.command()
@click.argument("playbook", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Write the files; without it the changes are only shown.")
@json_option
def modernise(playbook: Path, yes: bool, as_json: bool) -> None:
    """Bring the files of PLAYBOOK to the current version of the procedure language. Comments and lines stay where they are.

    Older playbooks go on working as they are; this is for those that you want to go on writing.

    \b
    Example:
      caseworker modernise ./my-playbook          (shows what would change)
      caseworker modernise ./my-playbook --yes
    """
    from difflib import unified_diff

    from caseworker.app.places import write_files
    from caseworker.core.errors import UsageError
    from caseworker.sop.load import read_folder
    from caseworker.sop.upgrade import CURRENT, format_of, rewritten

    old = read_folder(playbook)
    if "worker.yaml" not in old:
        raise UsageError(
            f"There is no playbook at {playbook}: it has no worker.yaml. Nothing was written.", remedy="Give a playbook folder."
        )
    version, new = format_of(old), rewritten(old)
    changed = sorted(path for path in new if new[path] != old.get(path))
    if yes:
        write_files({playbook / path: new[path].encode() for path in changed})
    if as_json:
        print_json({"from": version, "to": CURRENT, "changed": changed, "written": yes})
        return
    if not changed:
        click.echo(f"{playbook} is written in format {version}, the current one.")
        return
    for path in changed if not yes else ():
        lines = unified_diff(old[path].splitlines(), new[path].splitlines(), path, path, lineterm="", n=0)
        click.echo("\n".join(lines))
    what = f"{len(changed)} files from format {version} to {CURRENT}"
    click.echo(f"Wrote {what}." if yes else f"Would change {what}; give --yes to write them.")
