"""`fckd status`: how a sweep stands, in a few calm lines."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from fckd.cli.board import duration, short_value
from fckd.cli.control import answering, open_control
from fckd.cli.inputs import settings
from fckd.cli.lines import say
from fckd.errors import UserError
from fckd.sweep.control import ENDED, SILENCE_SECONDS, Control, campaigns_called, is_alive
from fckd.sweep.ledger_places import existing_ledger
from fckd.sweep.status import Running, Status, status_of
from fckd.tracking.names import short_names

WATCH_SECONDS = 5.0
MOST_RUNNING = 12


def print_status(console: Console, name: str, storage: Path, *, as_json: bool, watch: bool) -> None:
    """Print how the campaign called `name` stands; with `watch`, again until it has ended.

    Raises:
        UserError: There is none, or its ledger does not answer; who watches is told so and goes on.
    """
    campaign, control = open_control(name, storage)
    status = _read(control, campaign)
    if as_json:
        print(json.dumps(status.as_json(), indent=2))  # noqa: T201, for programs: as it is
    elif not watch:
        console.print(picture(status), soft_wrap=True)
    else:
        _watch(console, control, campaign, status)


def print_all(console: Console, storage: Path, *, as_json: bool) -> None:
    """Print the id and the state of every campaign in the ledger, the newest last.

    Raises:
        UserError: There is no ledger, or it does not answer.
    """
    ledger = existing_ledger(storage, settings().ledger_url)
    with answering(ledger):
        _, campaigns = campaigns_called("", ledger)
        states = {each: _state(Control(ledger, each).read()) for each in campaigns}
    if as_json:
        print(json.dumps(states, indent=2))  # noqa: T201, for programs: as it is
    else:
        for campaign, state in states.items():
            say(console, f"{campaign}: {state}")


def _state(record: Mapping[str, Any]) -> str:
    end = record.get(ENDED)
    if end is not None:
        return str(end["state"])
    return "running" if is_alive(record, time.time()) else "no sign of life"


def _watch(console: Console, control: Control, campaign: str, status: Status) -> None:
    with Live(picture(status), console=console, auto_refresh=False) as live:
        while status.alive:
            time.sleep(WATCH_SECONDS)
            trouble = ""
            try:
                status = _read(control, campaign)
            except UserError as silence:  # such as a database that is started anew
                trouble = f"\n{silence.given}; asked again every {WATCH_SECONDS:.0f} s"
            live.update(picture(status).append(trouble), refresh=True)


def _read(control: Control, campaign: str) -> Status:
    with answering(control.storage):
        return status_of(control.storage, campaign)


def picture(status: Status, now: float | None = None) -> Text:
    """Return the lines that tell how a campaign stands.

    Args:
        status: As read.
        now: Unix time; that of the clock if not given.
    """
    now = time.time() if now is None else now
    lines = (_head(status), _driver(status, now), *_counts(status), *_best(status))
    return Text("\n".join([*lines, *_running(status), *_failures(status)]))


def _head(status: Status) -> str:
    if status.end is not None:
        state, reason = status.end
        return f"{status.campaign}: {state}" + (f" ({reason})" if reason else "")
    asked = f", {' and '.join(status.wishes)}" if status.wishes else ""
    return f"{status.campaign}: {status.phase}{asked}"


def _driver(status: Status, now: float) -> str:
    driver = status.driver
    if not driver:
        return "driver: no sign of life yet"
    place = f"process {driver['pid']} on {driver['host']}"
    if status.end is not None:
        return f"driver: ended ({place})"
    silence = now - driver["seen"]
    if not status.alive:
        return f"driver: no sign of life for {duration(silence)} ({place}); run the command again"
    quiet = f", last heard of {duration(silence)} ago" if silence > SILENCE_SECONDS / 2 else ""
    return f"driver: alive ({place}){quiet} · {driver['groups']} at a time"


def _counts(status: Status) -> Iterator[str]:
    for phase, counts in status.counts.items():
        yield (
            f"{phase}: {counts.ended} of {counts.planned} ended · {counts.running} running, "
            f"{counts.waiting} waiting, {counts.finished} finished, {counts.pruned} pruned, "
            f"{counts.failed} failed"
        )
    spent, allowed_hours = status.device_hours
    allowed = "" if allowed_hours is None else f" of {allowed_hours:g}"
    yield f"spent: {spent:.2f}{allowed} {status.unit}"
    if status.minutes is not None:
        passed, minutes = status.minutes
        left = duration(60 * max(0.0, minutes - passed))
        yield f"budget: {passed:.0f} of {minutes:g} min spent, {left} left"
    if status.seconds_left is not None and status.phase != "ended":
        yield f"about {duration(status.seconds_left)} to go in this phase"


def _best(status: Status) -> Iterator[str]:
    if status.best is not None:
        best = status.best
        names = short_names(list(best.parameters))
        values = (f"{names[n]}={short_value(n, v)}" for n, v in best.parameters.items())
        yield f"best: {best.key} at {100 * best.value:.1f} %  {'  '.join(values)}"


def _running(status: Status) -> Iterator[str]:
    for trial in status.running[:MOST_RUNNING]:
        yield f"  ▸ {trial.name}  {_progress(trial)}"
    if len(status.running) > MOST_RUNNING:
        yield f"  and {len(status.running) - MOST_RUNNING} more"


def _progress(trial: Running) -> str:
    epochs = f"/{trial.epochs}" if trial.epochs else ""
    value = "" if trial.value is None else f"  {100 * trial.value:.1f} %"
    return f"epoch {trial.epoch}{epochs}{value}"


def _failures(status: Status) -> Iterator[str]:
    for key, reason in status.failures:
        yield f"  ✗ {key}: {reason}"
