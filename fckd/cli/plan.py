"""`fckd plan`: what a sweep would do, and what it would take on this machine."""

from collections.abc import Iterator
from pathlib import Path

from rich import filesize
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fckd.cli.board import duration
from fckd.cli.lines import say
from fckd.cli.steps import prepare_corpus
from fckd.config.space import Space
from fckd.sweep.plan import Plan, Stage, plan_of
from fckd.sweep.suggest import check_bounds

COLUMNS = ("runs × epochs", "ms each", "memory", "minutes")


def print_plan(console: Console, space: Space, data: Path | None) -> None:
    """Measure a few steps of every network and print what follows from them."""
    check_bounds(space)
    workshop = prepare_corpus(console, space, data)
    plan = plan_of(space, workshop)
    table = Table(box=None, pad_edge=False)
    table.add_column("stage", overflow="fold")
    for name in (*COLUMNS, plan.unit):
        table.add_column(name, justify="right", no_wrap=True)
    for stage in plan.stages:
        table.add_row(*map(Text, _cells(stage)))
    console.print(table)
    for line in _lines(plan, space):
        say(console, line)


def _cells(stage: Stage) -> Iterator[str]:
    yield stage.name
    yield f"{stage.runs}" if stage.epochs is None else f"{stage.runs} × {stage.epochs}"
    yield f"{1000 * stage.unit_seconds:.3g}"
    yield "–" if stage.step_bytes is None else filesize.decimal(stage.step_bytes)
    yield f"{stage.seconds / 60:.1f}"
    yield f"{stage.device_hours:.2f}"


def _lines(plan: Plan, space: Space) -> Iterator[str]:
    execution = space.execution
    yield (
        f"together: about {duration(plan.seconds)} and {plan.device_hours:.2f} {plan.unit}, with "
        f"{execution.groups} trials at a time of {execution.workers} "
        f"{'worker' if execution.workers == 1 else 'workers'} each"
    )
    first, *others = plan.bounds
    rest = "".join(f"; {bound.name} would allow {bound.trials}" for bound in others)
    yield f"budget: {first.name} ends the search, after {first.trials} trials{rest}"
    lessons = sum(stage.kept_bytes for stage in plan.stages if stage.epochs is None)
    networks = sum(stage.kept_bytes for stage in plan.stages if stage.epochs is not None)
    yield (
        f"disk: {filesize.decimal(plan.corpus_bytes)} of corpus, {filesize.decimal(lessons)} of "
        f"lessons to come, {filesize.decimal(networks)} of weights"
    )
    yield (
        "each: an optimiser step with its peak of memory, or a lesson; a worker also holds Python, "
        f"torch, Ray, and up to {filesize.decimal(plan.readings_bytes)} of readings"
    )
    yield "assumes: " + "; ".join(_assumptions(plan, execution.isolation))


def _assumptions(plan: Plan, isolation: str) -> Iterator[str]:
    yield "no trial ends early, and every searched term is on"
    if plan.varying:
        yield f"{', '.join(plan.varying)} as the experiment has them"
    if plan.retaught:
        yield f"teachers and lessons for other values of {', '.join(plan.retaught)} come on top"
    if plan.crowding > 1:
        yield f"{plan.crowding:.2g} workers share each core of this machine"
    if plan.compiled:
        yield "steps as slow as without torch.compile, and no time for compiling"
    if plan.on_cpu:
        yield "steps as slow as on this machine's CPU, for it has no GPU"
    yield "this machine stays as busy as it is now"
    whose = "of each trial's own workers" if isolation == "trial" else "of Ray and its workers"
    yield f"the start {whose} comes on top"
