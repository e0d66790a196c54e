"""`fckd plan`: what a sweep would do, and what it would cost on this machine."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from fckd.cli.steps import prepare_corpus
from fckd.config.experiment import TrainingSettings
from fckd.config.space import Space
from fckd.sweep.arms import confirmation_runs
from fckd.sweep.suggest import check_bounds
from fckd.train.batches import batches_per_epoch
from fckd.train.loop import distill
from fckd.train.study import Study, student_study, teacher_study
from fckd.train.workshop import Workshop

STEPS = 4


def print_plan(console: Console, space: Space, data: Path | None) -> None:
    """Measure a few optimiser steps of every network and print what follows from them."""
    check_bounds(space)
    workshop = prepare_corpus(console, space, data)
    confirmation, execution = space.confirmation, space.execution
    runs = confirmation_runs(confirmation)
    teachings = 1 + (len(confirmation.protocols) or 1)
    table = Table("stage", "runs", "epochs each", "seconds a step", "CPU minutes", box=None)
    spent = 0.0
    for name, teacher in space.experiment.teachers.items():
        study = teacher_study(
            teacher,
            space.experiment.views,
            workshop.corpus,
            workshop.division(space.experiment),
            "train",
        )
        spent += _row(table, f"teach {name}", teachings, study)
    study = _student(space, workshop)
    student = _row(table, "search", space.budget.trials, study)
    student += _row(table, "confirmation", runs, study)
    console.print(table)
    minutes = spent / execution.groups + student / execution.groups
    console.print(
        f"about {minutes:.1f} minutes with {execution.groups} trials at a time "
        f"({(spent + student):.1f} CPU minutes)"
    )
    console.print(
        "assumes: no early stopping, the student's cross-entropy step alone (distillation terms "
        "and lessons come on top), one core a worker, nothing else running",
        highlight=False,
    )


def _student(space: Space, workshop: Workshop) -> Study:
    experiment = space.experiment
    alone = experiment.model_copy(update={"objective": type(experiment.objective)()})
    readings = workshop.readings(experiment.student, experiment.views)
    division = workshop.division(experiment)
    return student_study(alone, workshop.corpus, division, "train", readings, {}, {})


def _row(table: Table, stage: str, runs: int, study: Study) -> float:
    epochs, steps = study.training.epochs, batches_per_epoch(study)
    seconds = _seconds_a_step(study)
    minutes = runs * epochs * steps * seconds / 60
    table.add_row(stage, f"{runs}", f"{epochs}", f"{seconds:.4f}", f"{minutes:.1f}")
    return minutes


def _seconds_a_step(study: Study) -> float:
    """Time the second of two short epochs: the first one fills caches."""
    few = study.learn[: STEPS * study.training.batch_size]
    training = TrainingSettings(**{**study.training.model_dump(), "epochs": 3})
    short = replace(study, learn=few, training=training, measure_every_epoch=False)
    results = list(islice(distill(short), 2))
    return results[1].metrics["seconds"] / batches_per_epoch(short)
