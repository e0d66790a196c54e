"""`fckd sweep`: conduct, register, report, and say what to try next."""

import json
import shlex
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from fckd.cli.board import SweepSummary
from fckd.cli.display import Display, print_leaderboard
from fckd.cli.inputs import artifact_root, settings, storage_of, tracking_uri
from fckd.cli.lines import say
from fckd.cli.search_end import print_search, write_trials
from fckd.cli.shipping import Shipping
from fckd.cli.students import Registration, best_run, pack, register
from fckd.config.space import Space
from fckd.errors import UserError
from fckd.events import SweepEnded
from fckd.files import write_json
from fckd.registry.signature import signing_key
from fckd.storage.shelf import storage_folder
from fckd.sweep.arms import confirmation_runs
from fckd.sweep.campaign import resolve_storage
from fckd.sweep.conduct import Conducted, Searched, conduct
from fckd.sweep.leaderboard import LEADERBOARD
from fckd.sweep.ledger_places import check_ledger
from fckd.tracking.facts import FACTS, facts
from fckd.tracking.leaderboard_files import write_leaderboard_files
from fckd.tracking.redaction import redact_text
from fckd.tracking.report import write_report
from fckd.train.task import SIGHT


def run_sweep(console: Console, space: Space, data: Path | None) -> None:
    """Run a sweep to its end and print the leaderboard, the student, and three commands.

    Raises:
        UserError: The space, the data or the machine do not allow it.
        TrainingError: Nothing could be finished.
        Stopped: It was asked to end before it was finished.
    """
    started = time.time()
    signing_key()  # hours before it is needed: is it there?
    storage, ledger = resolve_storage(space), settings().ledger_url
    check_ledger(ledger)
    uri, root = tracking_uri(storage), artifact_root(storage)
    with Shipping(uri, space.name, root) as shipping, Display(console, _summary(space)) as display:
        conducted = conduct(space, data, display, shipping.track, ledger)
    if isinstance(conducted, Searched):
        _end_search(console, conducted, uri, root, space.name)
        return
    registration = _register(console, conducted, space, uri, shipping.left)
    board = {**conducted.leaderboard, "registered": registration and registration.as_json()}
    write_json(conducted.folder / LEADERBOARD, board)
    page = _report(conducted, board, started)
    _end(conducted, board, uri, root, space.name)
    _print_end(console, board, registration, page, storage, conducted)


def _summary(space: Space) -> SweepSummary:
    runs = confirmation_runs(space.confirmation)
    trials, searched = space.budget.trials + runs, list(space.search.parameters)
    corpus = space.experiment.corpus
    return SweepSummary(space.name, trials, searched, space.budget.minutes, corpus)


def _register(
    console: Console, conducted: Conducted, space: Space, uri: str, waiting: int
) -> Registration | None:
    if not _has_student(conducted):
        say(console, f"not registered: {conducted.leaderboard['verdict']}")
        return None
    try:
        if waiting:
            raise UserError(
                f"{waiting} events have not reached MLflow at {redact_text(uri)}",
                "a tracking server that answers",
                "start it and run the same command again: only this step is left",
            )
        return register(conducted, space.name, uri)
    except UserError as refusal:
        # The sweep is done and its student packed: a dead server must not make that vain.
        folder, _ = pack(conducted, space.name)
        say(console, f"not registered: {refusal}\n(the student is in {folder})")
        return None


def _report(conducted: Conducted, board: dict[str, Any], started: float) -> Path:
    known = facts(
        command=shlex.join(["fckd", *sys.argv[1:]]),
        fingerprints=conducted.fingerprints,
        cost=conducted.cost,
        started=datetime.fromtimestamp(started, UTC),
        ended=datetime.now(UTC),
    )
    write_json(conducted.folder / FACTS, known)
    report, sight = conducted.folder / "report", _sight(conducted)
    return write_report(report, board, conducted.study, known, sight)


def _sight(conducted: Conducted) -> dict[str, Any] | None:
    """Keep what the packed student's run shows beside the leaderboard, for `fckd report`."""
    if not _has_student(conducted):
        return None
    arm, seed, run = best_run(conducted)
    if not (run / SIGHT).exists():  # finished by a version that did not look
        return None
    seen = {"arm": arm.name, "seed": seed, **json.loads((run / SIGHT).read_text())}
    write_json(conducted.folder / SIGHT, seen)
    return seen


def _has_student(conducted: Conducted) -> bool:
    return any(row["trial"] for row in conducted.leaderboard["arms"])


def _end(
    conducted: Conducted, board: dict[str, Any], uri: str, root: str | None, name: str
) -> None:
    beside = [conducted.folder / LEADERBOARD, *write_leaderboard_files(conducted.folder, board)]
    kept = [*sorted((conducted.folder / "report").iterdir()), *beside]
    files = {path.name: str(path) for path in kept}
    metrics = {f"test/accuracy/{arm['arm']}": arm["mean"] for arm in board["arms"]}
    tags = {"fckd.verdict": board["verdict"]}
    with Shipping(uri, name, root) as shipping:
        tell = shipping.track(conducted.folder)
        tell(SweepEnded(conducted.sweep, "finished", metrics, tags, files, time.time()))


def _end_search(
    console: Console, searched: Searched, uri: str, root: str | None, name: str
) -> None:
    written = write_trials(searched)
    with Shipping(uri, name, root) as shipping:
        tell = shipping.track(searched.folder)
        files = {written.name: str(written)}
        tell(SweepEnded(searched.sweep, "finished", files=files, time=time.time()))
    print_search(console, searched, written)


def _print_end(
    console: Console,
    board: dict[str, Any],
    registration: Registration | None,
    page: Path,
    storage: Path,
    conducted: Conducted,
) -> None:
    console.print()
    print_leaderboard(console, board)
    say(console, f"report: {page}")
    if registration is None:
        return
    version, aliases = registration.version, ", ".join(registration.aliases)
    say(
        console,
        f"registered: {registration.name} version {version}, {aliases} ({registration.reason})",
    )
    if registration.without_onnx:
        say(console, f"without ONNX: {registration.without_onnx}")
    place = _short(storage)
    elsewhere = "" if storage_folder(storage_of(None)) == storage else f" --storage {place}"
    corpus = _short(conducted.workshop.corpus.folder)
    sample = conducted.workshop.corpus.sample_ids[registration.test_sample]
    reference = f"{registration.name}@{registration.aliases[-1]}"
    for line in (
        "\nnext:",
        f"  {_look(place)}",
        f"  {_program('fckd')} pull {reference} --out student{elsewhere}",
        f"  {_program('fckd')} predict student {corpus}/{sample}",
    ):
        say(console, line)


def _look(place: str) -> str:
    """Say how to look at the runs."""
    uri = tracking_uri(Path(place))
    if settings().tracking_uri is None:
        return f"{_program('mlflow')} ui --backend-store-uri {uri}"
    return f"MLflow: {redact_text(uri)}"


def _program(name: str) -> str:
    """Name a program so that it can be pasted: with its folder, unless the shell finds it."""
    return name if shutil.which(name) else _short(Path(sys.argv[0]).absolute().parent / name)


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
