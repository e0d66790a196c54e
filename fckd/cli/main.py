"""The command `fckd`: every verb parses, calls, and prints."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from fckd import __version__
from fckd.cli import student_verbs
from fckd.cli.inputs import (
    CampaignPath,
    ComparisonPath,
    Data,
    Overrides,
    Smoke,
    SpacePath,
    Storage,
    SweepName,
    load_campaign,
    load_comparison,
    load_space,
    storage_folder,
    storage_of,
    told,
)
from fckd.cli.lines import say
from fckd.cli.packages import needs_more
from fckd.cli.weights import with_fetched_weights
from fckd.config.kind import Kind
from fckd.errors import Halted, Stopped, TrainingError, UserError

# What a verb needs is imported when its space has been read: a wrong path is refused at once.
app = typer.Typer(
    name="fckd",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(student_verbs.app)
console = Console()
problems = Console(stderr=True)

USER_ERROR, FAILURE, INTERRUPTED = 2, 1, 130
HALTED = 75
"""EX_TEMPFAIL of sysexits: nothing that was given is wrong, the same command goes on later."""
SIGNALLED = 128
"""Added to a signal's number, as shells do: who sends SIGTERM may start the command again."""
GO_ON = "stopped; run the same command again to go on"


def main() -> None:
    """Run the command; a user's mistake ends with one message and exit code 2."""
    try:
        app()
    except UserError as mistake:
        from fckd.files import is_full

        _complain("error", mistake)
        sys.exit(HALTED if isinstance(mistake, Halted) or is_full(mistake) else USER_ERROR)
    except ModuleNotFoundError as absent:
        _complain("error", needs_more(absent))
        sys.exit(USER_ERROR)
    except TrainingError as failure:
        _complain("training failed", failure)
        sys.exit(FAILURE)
    except Stopped as stopped:
        say(problems, stopped.reason or GO_ON)
        if stopped.reason:  # nobody asked for this end: a script must not take it for success
            sys.exit(FAILURE)
        sys.exit(0 if stopped.signal_number is None else SIGNALLED + stopped.signal_number)
    except SystemExit as end:
        if end.code == INTERRUPTED:  # what Typer makes of Ctrl-C
            problems.print(GO_ON)
        raise


def _tell_version(asked: bool) -> None:
    if asked:
        say(console, f"fckd {__version__}")
        raise typer.Exit


@app.callback()
def begin(
    context: typer.Context,
    profile: Annotated[
        Path | None,
        typer.Option(
            "--profile", metavar="FILE", envvar="FCKD_PROFILE", help="Where services are."
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_tell_version, help="Say which this is."),
    ] = False,
) -> None:
    """Turn expensive multi-modality models into one cheap student."""
    from fckd.config.settings import VARIABLES, read_settings

    settings = read_settings(os.environ, profile)
    token = told.set(settings)
    context.call_on_close(lambda: told.reset(token))
    if settings.ray_address:
        # Ray, also in the processes that it starts, looks nowhere else.
        os.environ[VARIABLES["ray_address"]] = settings.ray_address


@app.command()
def prepare(
    path: CampaignPath,
    overrides: Overrides = None,
    smoke: Smoke = False,
    data: Data = None,
    skip_damaged: Annotated[
        bool, typer.Option("--skip-damaged", help="Leave out recordings that cannot be read.")
    ] = False,
) -> None:
    """Convert a benchmark's raw recordings into a corpus."""
    campaign = load_campaign(path, overrides, smoke=smoke)
    from fckd.cli.corpora import print_summary
    from fckd.cli.steps import prepare_corpus

    workshop = prepare_corpus(console, campaign, data, skip_damaged=skip_damaged)
    print_summary(console, workshop.corpus)


@app.command()
def inspect(
    corpus: Annotated[
        str, typer.Argument(metavar="CORPUS", help="A folder, or its name in the storage.")
    ],
    sample: Annotated[
        str | None, typer.Argument(metavar="SAMPLE", help="The id of a sample to look at.")
    ] = None,
    storage: Storage = None,
) -> None:
    """Show what is in a corpus, or one sample in all its modalities."""
    from fckd.cli.corpora import find_corpus, print_sample, print_summary

    found = find_corpus(corpus, storage_of(storage))
    if sample is None:
        print_summary(console, found)
    else:
        print_sample(console, found, sample)


@app.command()
def teach(
    path: SpacePath, overrides: Overrides = None, smoke: Smoke = False, data: Data = None
) -> None:
    """Train the teachers that are missing (in this process, without Ray)."""
    space = load_space(path, overrides, smoke=smoke)
    from fckd.cli.steps import train_teachers

    train_teachers(console, with_fetched_weights(space), data)


@app.command()
def lessons(
    path: SpacePath, overrides: Overrides = None, smoke: Smoke = False, data: Data = None
) -> None:
    """Write down once what the frozen teachers say about every sample and view."""
    space = load_space(path, overrides, smoke=smoke)
    from fckd.cli.steps import make_lessons

    make_lessons(console, with_fetched_weights(space), data)


@app.command()
def distill(
    path: SpacePath, overrides: Overrides = None, smoke: Smoke = False, data: Data = None
) -> None:
    """Train one student as the space's experiment says, measured on validation (without Ray)."""
    space = load_space(path, overrides, smoke=smoke)
    from fckd.cli.steps import distill_once

    distill_once(console, with_fetched_weights(space), data)


@app.command()
def sweep(
    path: SpacePath, overrides: Overrides = None, smoke: Smoke = False, data: Data = None
) -> None:
    """Search, confirm, report and register: every step that is still missing."""
    space = load_space(path, overrides, smoke=smoke)
    from fckd.cli.sweep import run_sweep

    run_sweep(console, with_fetched_weights(space), data)


@app.command()
def compare(
    path: ComparisonPath, overrides: Overrides = None, smoke: Smoke = False, data: Data = None
) -> None:
    """Train named variants of one experiment with the same seeds: an ablation."""
    comparison = load_comparison(path, overrides, smoke=smoke)
    from fckd.cli.compare import run_comparison

    run_comparison(console, with_fetched_weights(comparison), data)


@app.command()
def plan(
    path: SpacePath, overrides: Overrides = None, smoke: Smoke = False, data: Data = None
) -> None:
    """Say what a sweep would do and cost, from a few measured steps."""
    space = load_space(path, overrides, smoke=smoke)
    from fckd.cli.plan import print_plan

    print_plan(console, with_fetched_weights(space), data)


@app.command()
def report(
    name: Annotated[
        str, typer.Argument(metavar="SWEEP", help="The id of a sweep, or its name for the newest.")
    ],
    storage: Storage = None,
) -> None:
    """Write a finished sweep's report again, from the ledger and the leaderboard."""
    from fckd.cli.campaigns import find_campaign

    place = storage_folder(storage_of(storage))
    folder = find_campaign(name, place)
    from fckd.cli.reports import rewrite_report

    say(console, str(rewrite_report(folder, place)))


@app.command()
def status(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="SWEEP", help="The id of a sweep or comparison, or its name; else all of them."
        ),
    ] = None,
    storage: Storage = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Again, until the sweep ends.")] = False,
) -> None:
    """Say how a sweep or comparison stands, from the ledger alone."""
    if watch and (as_json or name is None):
        raise UserError(
            f"--watch {'and --json' if as_json else 'without a sweep'}",
            "fckd status SWEEP --watch, for people",
            "ask again and again with --json, or name one sweep to watch",
        )
    from fckd.cli.status import print_all, print_status

    place = storage_folder(storage_of(storage))
    if name is None:
        print_all(console, place, as_json=as_json)
    else:
        print_status(console, name, place, as_json=as_json, watch=watch)


@app.command()
def stop(name: SweepName, storage: Storage = None) -> None:
    """End a running sweep after the current epochs; its command goes on with it."""
    from fckd.cli import control

    say(console, control.stop(name, storage_folder(storage_of(storage))))


@app.command()
def pause(name: SweepName, storage: Storage = None) -> None:
    """Let a running sweep start no more trials."""
    from fckd.cli import control

    say(console, control.pause(name, storage_folder(storage_of(storage))))


@app.command()
def resume(name: SweepName, storage: Storage = None) -> None:
    """Let a paused sweep start trials again."""
    from fckd.cli import control

    say(console, control.resume(name, storage_folder(storage_of(storage))))


@app.command()
def scale(
    name: SweepName,
    groups: Annotated[int, typer.Option("--groups", metavar="N", help="Trials at a time.")],
    storage: Storage = None,
) -> None:
    """Let a running sweep run another number of trials at a time."""
    from fckd.cli import control

    say(console, control.scale(name, groups, storage_folder(storage_of(storage))))


@app.command()
def schema(
    kind: Annotated[Kind, typer.Argument(help="Of which documents.")],
    *,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Tables for people instead of a JSON Schema.")
    ] = False,
) -> None:
    """Print the JSON Schema of spaces or comparisons, for editors."""
    from fckd.config.reference import reference
    from fckd.config.schema import schema_of

    text = reference(kind) if markdown else json.dumps(schema_of(kind), indent=2)
    print(text)  # noqa: T201, a document: no console wraps it


@app.command()
def doctor(storage: Storage = None) -> None:
    """Check versions and disk, and write to and read from storage, ledger, MLflow and Ray."""
    from fckd.cli.doctor import examine

    if not examine(console, storage_of(storage)):
        sys.exit(FAILURE)


def _complain(kind: str, error: Exception) -> None:
    # Whole lines, as they are: a path that is broken in two cannot be copied.
    problems.print(Text.assemble((f"{kind}:", "red"), f" {error}"), soft_wrap=True)


if __name__ == "__main__":
    main()
