"""The steps of a sweep one by one, in this process, without Ray."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import get_args

import torch
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Task as Bar,
)
from rich.text import Text

from fckd.cli.lines import say
from fckd.config.campaign import Campaign
from fckd.config.comparison import Comparison
from fckd.config.networks import Modality
from fckd.config.space import Space
from fckd.data.prepare import prepare
from fckd.errors import TrainingError
from fckd.storage.shelf import open_shelf, storage_folder
from fckd.sweep.arms import comparison_arms
from fckd.sweep.given import who_makes_blocks
from fckd.train.study import Part
from fckd.train.task import OUTCOME, Task, bring_run, fingerprint_of, read_outcome, run_task
from fckd.train.workshop import Workshop

Advance = Callable[[int, int], None]


def prepare_corpus(
    console: Console, campaign: Campaign, data: Path | None, *, skip_damaged: bool = False
) -> Workshop:
    """Prepare the corpus if it is missing, print its counts, and return the workshop."""
    storage, shelf = storage_folder(campaign.storage), open_shelf(campaign.storage)
    experiment = campaign.experiment
    with _bar(console, "prepare") as advance:
        corpus = prepare(
            experiment.corpus,
            _modalities(campaign),
            data,
            storage,
            advance,
            skip_damaged=skip_damaged,
            shelf=shelf,
            make=who_makes_blocks(shared=shelf is None),
        )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    workshop = Workshop(storage, corpus.folder, device, shelf)
    counts = ", ".join(f"{count} {part}" for part, count in workshop.counts(experiment).items())
    say(console, f"{corpus.source}: {len(corpus)} samples: {counts}")
    say(console, f"corpus: {corpus.folder}")
    return workshop


def train_teachers(console: Console, space: Space, data: Path | None) -> Workshop:
    """Train the teachers that are missing and print how good they are."""
    workshop = prepare_corpus(console, space, data)
    experiment = space.experiment
    workshop.share_weights(experiment)
    for name, teacher in experiment.teachers.items():
        for part in get_args(Part):
            with _bar(console, f"teach {name} ({part})") as advance:
                for result in workshop.teach(experiment, name, part):
                    advance(result.epoch, teacher.training.epochs)
        record = workshop.teacher_record(experiment, name, "train")
        accuracy = record["metrics"]["validation/accuracy"]
        say(console, f"teacher {name}: {accuracy:.1%} on validation")
    return workshop


def make_lessons(console: Console, space: Space, data: Path | None) -> Workshop:
    """Make the lessons that are missing for the space's experiment."""
    workshop = train_teachers(console, space, data)
    experiment = space.experiment
    for name in experiment.teachers:
        for part in get_args(Part):
            total = workshop.lesson_count(experiment, part)
            with _bar(console, f"lessons {name} ({part})") as advance:
                for rows in workshop.make_lessons(experiment, name, part):
                    advance(rows, total)
            store = workshop.lessons(experiment, name, part)
            say(console, f"lessons: {store.folder}")
    return workshop


def distill_once(console: Console, space: Space, data: Path | None) -> None:
    """Train the experiment's student and print every epoch; its weights stay in the storage."""
    workshop = make_lessons(console, space, data)
    described = space.experiment.model_dump(mode="json")
    key = fingerprint_of(space.experiment, "train", workshop.corpus)
    folder = workshop.storage / "runs" / f"{space.name}-{key[:8]}"

    def report(epoch: int, metrics: Mapping[str, float]) -> bool:
        shown = "  ".join(f"{name} {value:.4g}" for name, value in metrics.items())
        say(console, f"epoch {epoch}  {shown}")
        return True

    bring_run(workshop, folder)
    is_done = (folder / OUTCOME).exists()
    task = Task(key, described, "train", str(folder))
    outcome = read_outcome(folder) if is_done else run_task(task, workshop, report)
    if outcome is None:
        raise TrainingError("the run ended without an outcome")
    accuracy = asdict(outcome)["metrics"]["validation/accuracy"]
    samples = len(outcome.labels)
    say(console, f"validation accuracy {accuracy:.1%} of {samples} samples; weights in {folder}")


def _modalities(campaign: Campaign) -> list[Modality]:
    """Return every modality that a space's experiment, or any arm of a comparison, reads."""
    variants = [campaign.experiment]
    if isinstance(campaign, Comparison):
        variants = [arm.experiment for arm in comparison_arms(campaign)]
    return sorted({modality for variant in variants for modality in variant.modalities})


class _RateColumn(ProgressColumn):
    """How much is done in a second; what was found finished does not count."""

    def render(self, task: Bar) -> Text:
        """Return the rate, or nothing while it is unknown."""
        return Text(f"{task.speed:.3g}/s" if task.speed else "")


@contextmanager
def _bar(console: Console, stage: str) -> Iterator[Advance]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(stage, total=None)

        def advance(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield advance
