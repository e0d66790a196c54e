"""The verbs of finished students: promote, rollback, lineage."""

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from fckd.cli.inputs import STORAGE, Storage, tracking_uri
from fckd.errors import UserError
from fckd.storage.shelf import storage_folder

app = typer.Typer()
console = Console()

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of a registered student.")]


@app.command()
def promote(
    name: Name,
    version: Annotated[int, typer.Argument(metavar="VERSION", min=1)],
    force: Annotated[bool, typer.Option("--force", help="Overrule the gate.")] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept with the version.")
    ] = None,
    storage: Storage = STORAGE,
) -> None:
    """Make a version the champion if it is better on the same test samples."""
    if force != bool(reason and reason.strip()):
        raise UserError(
            "--reason without --force" if reason else "--force without a reason",
            "--force --reason TEXT together, or neither",
            "say why the gate is overruled; the text stays with the version",
        )
    from fckd.registry.store import Registry

    verdict = Registry(tracking_uri(storage_folder(storage))).promote(name, version, reason)
    if verdict.promote:
        _say(f"{name}/{version} is champion ({verdict.reason})")
    elif force:
        _say(f"{name}/{version} is champion, against the gate ({verdict.reason})")
    else:
        _say(f"the champion stays ({verdict.reason})")


@app.command()
def rollback(name: Name, storage: Storage = STORAGE) -> None:
    """Make the champion before this one champion again."""
    from fckd.registry.store import Registry

    later, earlier = Registry(tracking_uri(storage_folder(storage))).rollback(name)
    _say(f"{name}/{earlier} is champion again, in place of {name}/{later}")


@app.command()
def lineage(
    reference: Annotated[
        str, typer.Argument(metavar="NAME@ALIAS", help="Such as demo@champion, or demo/1.")
    ],
    storage: Storage = STORAGE,
) -> None:
    """Say where a student comes from: sweep, trial, teachers, lessons, corpus, commit."""
    from fckd.registry.store import Registry

    rows = Registry(tracking_uri(storage_folder(storage))).lineage(reference)
    widest = max(len(what) for what, _ in rows)
    for what, which in rows:
        _say(f"{what:<{widest}}  {which}")


def _say(line: str) -> None:
    console.print(Text(line), soft_wrap=True)
