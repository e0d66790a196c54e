"""The live picture of a sweep in a terminal; plain lines where there is none."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from fckd.cli.board import Board, Row, SweepSummary, duration, short_value
from fckd.cli.lines import say
from fckd.cli.published import unlike_published
from fckd.events import Event, Progress, Standing, SweepEnded, SweepStarted, TrialEnded
from fckd.sweep.arms import STUDENT_ALONE
from fckd.tracking.names import measured_on

ROWS = 12
"""Trials on screen; the rest is in the line of counts."""
FEWEST_ROWS = 3
STAGES = 4
"""Moving stages on screen; finished ones share a line."""
OTHER_LINES = 7
REFRESHES_A_SECOND = 4
LINE_SECONDS = 60.0
"""Between two lines about a stage that goes on, where there is no terminal."""

_STYLES = {
    "running": "cyan",
    "finished": "green",
    "pruned": "bright_black",
    "failed": "red",
    "interrupted": "yellow",
}
_MARKS = {"running": "▸", "finished": "✓", "pruned": "·", "failed": "✗", "interrupted": "‖"}


class Display:
    """A listener that shows what a sweep is doing, while its `with` block lasts.

    Args:
        console: Where to show it. If it is no terminal, lines are printed: of beginnings and ends,
            and one a minute of a stage that takes long.
        summary: What is known of the sweep before it starts.
        clock: Seconds since any moment.
    """

    def __init__(
        self,
        console: Console,
        summary: SweepSummary,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self.board = Board(summary, clock)
        self._live: Live | None = None
        self._clock = clock
        self._stages_told: dict[str, float] = {}

    def __enter__(self) -> Self:
        if self._console.is_interactive:
            # the picture is drawn by Live's own thread: an event costs no drawing
            self._live = Live(self, console=self._console, refresh_per_second=REFRESHES_A_SECOND)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __call__(self, event: Event) -> None:
        """Take `event` into the picture."""
        self.board.note(event)
        if isinstance(event, SweepStarted):
            self._warn(event)
        if self._live is None:
            self._print(event)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = max(FEWEST_ROWS, min(ROWS, console.size.height - STAGES - OTHER_LINES))
        yield Group(*self._stages(), *self._trials(options.max_width, rows), self._counts())

    def _stages(self) -> list[Table | Text]:
        stages = list(self.board.stages.values())
        finished = [stage.stage for stage in stages if _is_whole(stage)]
        moving = [stage for stage in stages if not _is_whole(stage)][:STAGES]
        shown: list[Table | Text] = []
        if finished:
            shown.append(_quiet(f"✓ {', '.join(finished)}"))
        if moving:
            grid = Table.grid(padding=(0, 2))
            for stage in moving:
                bar = ProgressBar(total=max(stage.total, 1), completed=stage.done, width=24)
                count = Text(f"{stage.done}/{stage.total}", style="cyan")
                grid.add_row(Text(stage.stage), bar, count, _quiet(stage.detail))
            shown.append(grid)
        return shown

    def _trials(self, width: int, most: int) -> list[Table]:
        rows = self.board.rows(most)
        if not rows:
            return []
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bright_black")
        table.add_column("trial", no_wrap=True)
        table.add_column("state", no_wrap=True)
        table.add_column("epoch", justify="right", no_wrap=True)
        table.add_column("validation", justify="right", no_wrap=True)
        names = self.board.columns(width)
        for name in names.values():
            table.add_column(name.replace(" ", "\n"), justify="right", no_wrap=True)
        for row in rows:
            table.add_row(*self._cells(row, list(names)))
        return [table]

    def _cells(self, row: Row, names: list[str]) -> list[Text]:
        quiet = "" if row.state in ("running", "finished") else "bright_black"
        best = row is self.board.best
        return [
            Text(row.name, style=quiet),
            Text(f"{_MARKS.get(row.state, '?')} {row.state}", style=_STYLES.get(row.state, "")),
            Text(row.progress, style=quiet),
            Text(f"★ {row.shown_accuracy}" if best else row.shown_accuracy,
                 style="bold yellow" if best else quiet),
            *(Text(short_value(name, row.parameters.get(name)), style=quiet) for name in names),
        ]  # fmt: skip

    def _counts(self) -> Text:
        return Text(f"{self.board.counts()}\n{self.board.times()}")

    def _warn(self, event: SweepStarted) -> None:
        """Say above the picture, once, that a benchmark is not there as it is published."""
        settings = self.board.summary.corpus
        unlike = "" if settings is None else unlike_published(settings, event.parameters)
        if unlike:
            self._say(unlike)

    def _print(self, event: Event) -> None:
        if isinstance(event, Progress):
            self._print_stage(event)
        elif isinstance(event, TrialEnded):
            self._say(self.board.ended(event))
        elif isinstance(event, Standing):
            self._say(self.board.asked())
        elif isinstance(event, SweepEnded):
            self._say(f"sweep {event.sweep}: {event.state} after {duration(self.board.elapsed)}")

    def _print_stage(self, event: Progress) -> None:
        whole, told = _is_whole(event), self._stages_told.get(event.stage, -math.inf)
        if told == math.inf or not (whole or self._clock() - told >= LINE_SECONDS):
            return
        self._stages_told[event.stage] = math.inf if whole else self._clock()
        done = f"{event.done} done" if whole else f"{event.done} of {event.total}"
        self._say(f"{event.stage}: {done}")

    def _say(self, line: str) -> None:
        say(self._console, line)


def leaderboard_table(leaderboard: Mapping[str, Any]) -> Table:
    """Return the confirmed result as a table."""
    table = Table(
        title=escape(f"{leaderboard['source']}: accuracy on {measured_on(leaderboard)}"),
        caption=Text(leaderboard["verdict"]),
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("arm")
    for heading in ("mean", "95 % interval", _against(leaderboard["arms"]), "n"):
        table.add_column(heading, justify="right")
    best = max((arm["mean"] for arm in leaderboard["arms"]), default=None)
    for arm in leaderboard["arms"]:
        low, high = arm["interval"]
        table.add_row(
            Text(arm["arm"]),
            f"{100 * arm['mean']:.1f} %",
            f"{100 * low:.1f} to {100 * high:.1f}",
            _difference(arm.get("difference")),
            str(arm["n"]),
            style="bold" if arm["mean"] == best else "",
        )
    return table


def _against(arms: Sequence[Mapping[str, Any]]) -> str:
    """Return what the arms are held against: the student alone, or a comparison's first arm."""
    named = [arm["difference"]["against"] for arm in arms if arm.get("difference")]
    other = named[0] if named else STUDENT_ALONE
    return f"against {'the ' if other == STUDENT_ALONE else ''}{other}"


def print_leaderboard(console: Console, leaderboard: Mapping[str, Any]) -> None:
    """Print the confirmed result, and by protocol if there are several."""
    console.print(leaderboard_table(leaderboard))
    if leaderboard.get("protocols"):
        console.print(protocol_table(leaderboard))


def protocol_table(leaderboard: Mapping[str, Any]) -> Table:
    """Return every arm's mean under each protocol as a table."""
    protocols = list(leaderboard["protocols"])
    table = Table(title="by protocol", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("arm")
    for protocol in protocols:
        table.add_column(protocol, justify="right")
    for arm in leaderboard["arms"]:
        scores = [arm["by_protocol"][protocol]["mean"] for protocol in protocols]
        table.add_row(Text(arm["arm"]), *(f"{100 * score:.1f} %" for score in scores))
    return table


def _is_whole(stage: Progress) -> bool:
    return stage.done >= stage.total


def _quiet(text: str) -> Text:
    return Text(text, style="bright_black", overflow="ellipsis", no_wrap=True)


def _difference(difference: Mapping[str, Any] | None) -> str:
    if difference is None:
        return "–"
    low, high = difference["interval"]
    return f"{100 * difference['mean']:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
