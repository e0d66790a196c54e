"""A sweep on real Ray processes: what it leaves, and that runners and worker counts agree."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import pytest
from safetensors.numpy import load_file

from fckd.cli.students import pack
from fckd.config.space import Space
from fckd.events import EpochReported, TrialEnded, TrialStarted
from fckd.registry.folder import read_student
from fckd.sweep.conduct import Conducted
from fckd.sweep.execution import execute
from fckd.sweep.ledger_places import open_ledger
from fckd.sweep.needs import ALIVE
from fckd.sweep.phases import Search
from fckd.sweep.pool import worker_groups
from tests.cli.command import fckd
from tests.ray.conftest import Witness, finished_keys
from tests.sweep.unattended import Unattended

pytestmark = pytest.mark.ray

Run = Callable[[Space], tuple[Conducted, Witness]]


@pytest.fixture(scope="module")
def pooled(
    run: Run, smoke_space: Callable[..., Space], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Space, Conducted, Witness]:
    space = smoke_space(
        tmp_path_factory.mktemp("pool"),
        "experiment.student.normalization=group",
        "confirmation.seeds=2",
    )
    return space, *run(space)


def test_every_trial_ends_once_and_is_heard_of(pooled: tuple[Space, Conducted, Witness]) -> None:
    space, conducted, witness = pooled
    runs = space.budget.trials + 3 * space.confirmation.seeds
    started = [event.trial_key for event in witness.of(TrialStarted)]
    ended = [event.trial_key for event in witness.of(TrialEnded)]
    assert len(started) == len(set(started)) == runs
    assert sorted(ended) == sorted(started)
    assert {event.state for event in witness.of(TrialEnded)} == {"finished"}
    assert len(finished_keys(conducted.study)) == space.budget.trials


def test_the_corpus_the_teacher_and_its_lessons_are_named_for_the_report(
    pooled: tuple[Space, Conducted, Witness],
) -> None:
    _, conducted, _ = pooled
    found = conducted.fingerprints
    assert list(found) == ["corpus", "teacher skeleton", "lessons skeleton"]
    assert (conducted.workshop.storage / "teachers" / found["teacher skeleton"]).is_dir()
    assert (conducted.workshop.storage / "lessons" / found["lessons skeleton"]).is_dir()


def test_every_epoch_reports_every_term(pooled: tuple[Space, Conducted, Witness]) -> None:
    space, _, witness = pooled
    epochs = space.experiment.training.epochs
    by_trial: dict[str, list[EpochReported]] = {}
    for event in witness.of(EpochReported):
        by_trial.setdefault(event.trial_key, []).append(event)
    assert all([e.epoch for e in found] == [*range(1, epochs + 1)] for found in by_trial.values())
    names = set().union(*(event.metrics for event in witness.of(EpochReported)))
    for term in ("cross_entropy", "logits", "correlation/skeleton", "distribution/skeleton"):
        assert {f"train/{term}", f"gradient/{term}"} <= names


def test_the_test_split_is_measured_only_by_the_confirmation(
    pooled: tuple[Space, Conducted, Witness],
) -> None:
    _, _, witness = pooled
    phase = {event.trial_key: event.phase for event in witness.of(TrialStarted)}
    for event in witness.of(EpochReported):
        measured = {name.split("/")[0] for name in event.metrics if name.endswith("/accuracy")}
        allowed = {"validation"} if phase[event.trial_key] == "search" else {"test"}
        assert measured <= allowed
    tested = [e for e in witness.of(EpochReported) if "test/accuracy" in e.metrics]
    assert len(tested) == len({event.trial_key for event in tested})


def test_the_leaderboard_compares_the_three_arms_over_the_same_seeds(
    pooled: tuple[Space, Conducted, Witness],
) -> None:
    space, conducted, _ = pooled
    arms = {row["arm"]: row for row in conducted.leaderboard["arms"]}
    assert list(arms) == ["student alone", "logits", "fckd"]
    assert len({tuple(row["seeds"]) for row in arms.values()}) == 1
    assert all(row["n"] == space.confirmation.seeds for row in arms.values())
    kept = json.loads((conducted.folder / "leaderboard.json").read_text())
    assert kept == conducted.leaderboard


def test_the_packed_student_says_how_its_corpus_was_read_and_divided(
    pooled: tuple[Space, Conducted, Witness],
) -> None:
    space, conducted, _ = pooled
    card, _ = read_student(pack(conducted, space.name)[0])
    assert card.raw == space.experiment.corpus.raw
    assert card.protocols == ("cross-subject",)


def test_a_second_run_trains_nothing(pooled: tuple[Space, Conducted, Witness], run: Run) -> None:
    space, conducted, _ = pooled
    again, witness = run(space)
    assert witness.of(TrialStarted) == []
    assert again.leaderboard == conducted.leaderboard


def test_more_trials_continue_the_same_sweep(
    pooled: tuple[Space, Conducted, Witness], run: Run, smoke_space: Callable[..., Space]
) -> None:
    space, conducted, _ = pooled
    larger = smoke_space(
        Path(space.storage),
        "experiment.student.normalization=group",
        "budget.trials=4",
        "confirmation.seeds=2",
    )
    again, witness = run(larger)
    searched = [e for e in witness.of(TrialStarted) if e.phase == "search"]
    assert again.sweep == conducted.sweep
    assert len(searched) == 1
    assert len(finished_keys(again.study)) == 4


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("execution.workers=2", id="two workers"),
        pytest.param("execution.isolation=trial", id="one trainer a trial"),
    ],
)
def test_another_runner_gives_the_same_numbers(
    change: str,
    pooled: tuple[Space, Conducted, Witness],
    smoke_space: Callable[..., Space],
    tmp_path: Path,
) -> None:
    """With normalisation that does not depend on the local batch."""
    first, conducted, _ = pooled
    group = "experiment.student.normalization=group"
    space = smoke_space(Path(first.storage), group, "budget.trials=3", change)
    search = Search(space, conducted.sweep, open_ledger(tmp_path), tmp_path)
    leader = Unattended(space.execution.groups)
    with worker_groups(space.execution, conducted.workshop, tmp_path, leader) as ground:
        execute(search, ground, Witness(), conducted.workshop.corpus.classes, leader)
    keys = finished_keys(search.ledger.study)
    assert len(keys) == 3
    for key in keys:
        theirs = load_file(tmp_path / "trials" / key / "model.safetensors")
        ours = load_file(conducted.folder / "trials" / key / "model.safetensors")
        for name, weights in ours.items():
            # By the norm, for AdamW turns the rounding of a single gradient near zero into a whole
            # step; tests/train/test_ranks.py holds the gradients themselves, element by element.
            distance = np.linalg.norm(theirs[name] - weights)
            assert distance <= 0.01 * np.linalg.norm(weights), (key, name)


def test_a_hopeless_trial_is_pruned_and_the_sweep_goes_on(
    run: Run, smoke_space: Callable[..., Space], tmp_path: Path
) -> None:
    space = smoke_space(
        tmp_path,
        "experiment.student={modality: inertial, network: temporal, width: 16, frames: 32}",
        "experiment.training={epochs: 20, batch_size: 4}",
        "search.sampler=random",
        "search.points=[{training.learning_rate: 0.005}]",
        "search.parameters={training.learning_rate: {low: 1.0e-9, high: 0.01, log: true}}",
        "budget.trials=8",
        "stopping={rule: halving, grace_epochs: 1, reduction: 2}",
        "confirmation.seeds=2",
    )
    conducted, witness = run(space)
    states = [event.state for event in witness.of(TrialEnded)]
    pruned = conducted.study.get_trials(states=(optuna.trial.TrialState.PRUNED,))
    assert states.count("pruned") == len(pruned) > 0
    assert all(trial.intermediate_values for trial in pruned)
    assert states.count("finished") == 8 - len(pruned) + 3 * 2
    assert list(tmp_path.rglob("checkpoint.pt")) == []


def test_a_student_whose_teacher_learns_with_it_is_packed_with_that_said(
    run: Run, smoke_space: Callable[..., Space], tmp_path: Path
) -> None:
    conducted, _ = run(smoke_space(tmp_path, "experiment.teaching=together"))
    _, card = pack(conducted, "demo", "run")
    assert card.teachers == {"skeleton": ALIVE}
    assert card.lessons == {}
    assert conducted.fingerprints["teacher skeleton"] == ALIVE


def test_a_search_alone_trains_no_teacher_reads_no_test_sample_and_is_not_begun_again(
    ray_cluster: None, smoke_space: Callable[..., Space], tmp_path: Path
) -> None:
    space = smoke_space(
        tmp_path,
        "experiment.teachers={}",
        "experiment.objective={}",
        "search.parameters={training.learning_rate: {low: 0.001, high: 0.01}}",
        "search.points=[]",
        "confirmation.finalists=0",
        "budget.trials=2",
    )
    (tmp_path / "space.json").write_text(space.model_dump_json())
    for trained in (2, 0):
        ran = fckd("sweep", tmp_path / "space.json")
        assert ran.code == 0, ran.err
        assert ran.out.count(": finished  validation") == trained
        assert "the best of 2 finished trials" in ran.out
        assert "this run read no test sample" in ran.out
    (written,) = tmp_path.glob("sweeps/*/trials.json")
    first, second = json.loads(written.read_text())
    assert first["accuracy"] >= second["accuracy"]
    assert list(first["fields"]) == ["training.learning_rate"]
    assert not list(tmp_path.glob("teachers/*"))
