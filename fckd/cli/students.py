"""The best student of a sweep: packed with its card, registered, and brought before the gate."""

import shutil
import subprocess
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file

from fckd.errors import UserError
from fckd.files import sha256_of_file
from fckd.names import SWEEP_TAG, TRIAL_TAG
from fckd.registry.card import Card, Measurement, TestResult
from fckd.registry.packing import pack_student
from fckd.sweep.arms import Arm, under
from fckd.sweep.conduct import Conducted
from fckd.sweep.needs import taught_from
from fckd.tracking.facts import versions
from fckd.tracking.redaction import redact_text
from fckd.tracking.spool import SHIPPED_FILE
from fckd.train.task import WEIGHTS, Outcome, read_outcome


@dataclass(frozen=True)
class Registration:
    """Where the student went.

    Attributes:
        name: Of the registered model.
        version: Of it.
        aliases: `candidate`, and `champion` if the gate let it pass.
        reason: The gate's, in words.
        test_sample: Corpus index of a test sample, to try the student on.
        without_onnx: Why it has no ONNX file; empty if it has one.
    """

    name: str
    version: int
    aliases: tuple[str, ...]
    reason: str
    test_sample: int
    without_onnx: str

    def as_json(self) -> dict[str, Any]:
        """Return what the leaderboard keeps."""
        return {**asdict(self), "alias": self.aliases[-1]}


def pack(conducted: Conducted, name: str, tracked_by: str | None = None) -> tuple[Path, Card]:
    """Pack the student of the best finalist under the first confirmed seed.

    The finalist is the best trial by validation, and the seed is fixed before anything is tested:
    nothing about the choice has seen the test split. `tracked_by` is the id of its MLflow run.
    Returned are its folder and its card.
    """
    arm, seed, run = best_run(conducted)
    outcome = read_outcome(run)
    folder = conducted.workshop.storage / "students" / _folder_name(name, run)
    card = _card(conducted, name, arm, seed, outcome).model_copy(update={"run": tracked_by})
    return folder, pack_student(folder, load_file(run / WEIGHTS), card, onnx=True)


def register(conducted: Conducted, name: str, tracking_uri: str) -> Registration:
    """Pack the student, register it as candidate, and let the gate decide on champion.

    Raises:
        UserError: The tracking store does not answer, or does not know the student's run.
    """
    # MLflow takes seconds to import, which only this step needs.
    from fckd.registry.store import Registry
    from fckd.tracking.mlflow_sink import find_run

    arm, _, place = best_run(conducted)
    key = place.name
    registry = Registry(tracking_uri)
    run = find_run(tracking_uri, TRIAL_TAG, key)
    if run is None:
        raise UserError(
            f"MLflow at {redact_text(tracking_uri)} has no run of the trial {key}",
            "the run of the student that is registered",
            f"delete {conducted.folder / SHIPPED_FILE} and run the same command again: MLflow is "
            "told everything once more",
        )
    folder, card = pack(conducted, name, run)
    tags = {SWEEP_TAG: conducted.sweep, TRIAL_TAG: key}
    version = registry.register(folder, name, run, tags)
    verdict = registry.promote(name, version)
    aliases = ("candidate", "champion") if verdict.promote else ("candidate",)
    division = conducted.workshop.division(arm.experiment)
    sample = int(division.test[0])
    return Registration(name, version, aliases, verdict.reason, sample, card.without_onnx)


def best_run(conducted: Conducted) -> tuple[Arm, int, Path]:
    """Return arm, seed and folder of the run whose student is packed, if an arm is a finalist.

    Of several protocols it is a run of the first; the arm's experiment is under that protocol.
    """
    confirmation = conducted.confirmation
    row = next(row for row in conducted.leaderboard["arms"] if row["trial"])
    arm = next(arm for arm in confirmation.arms if arm.name == row["arm"])
    seed: int = row["seeds"][0]
    run = confirmation.first(arm.name, seed)
    trained = replace(arm, experiment=under(arm.experiment, run.protocol))
    return trained, seed, confirmation.place(confirmation.keys[run])


def _folder_name(name: str, run: Path) -> str:
    return f"{name}-{sha256_of_file(run / WEIGHTS)[:12]}"


def _card(conducted: Conducted, name: str, arm: Arm, seed: int, outcome: Outcome) -> Card:
    workshop, experiment = conducted.workshop, arm.experiment
    correct = np.array(outcome.labels) == np.array(outcome.predictions)
    teachers, lessons = taught_from(workshop, experiment, conducted.confirmation.part)
    return Card(
        name=name,
        source=workshop.corpus.source,
        network=experiment.student,
        input_shape=workshop.readings(experiment.student, experiment.views).shapes[0],
        classes=workshop.corpus.classes,
        arm=arm.name,
        metrics={
            row["arm"]: Measurement(mean=row["mean"], interval=tuple(row["interval"]), n=row["n"])
            for row in conducted.leaderboard["arms"]
        },
        seed=seed,
        parameters=dict(arm.parameters),
        corpus=workshop.corpus.fingerprint,
        raw=experiment.corpus.raw,
        protocols=conducted.confirmation.protocols or (experiment.corpus.official_protocol,),
        training_subjects=experiment.corpus.training_subjects,
        sweep=conducted.sweep,
        trial=arm.trial_key,
        teachers=teachers,
        lessons=lessons,
        git_commit=_git_commit(),
        versions=versions(),
        test=TestResult(
            sample_ids=tuple(outcome.sample_ids), correct=tuple(bool(flag) for flag in correct)
        ),
    )


def _git_commit(file: Path = Path(__file__)) -> str | None:
    """Return the commit that holds this code, `-dirty` if its package is not as there.

    An environment may lie inside a repository of the user's: that one does not track this file.
    """
    if shutil.which("git") is None:  # as in an image
        return None
    if _git(file.parent, "ls-files", "--error-unmatch", file.name) is None:
        return None
    commit = _git(file.parent, "rev-parse", "HEAD")
    changed = _git(file.parent, "status", "--porcelain", "--", "..")
    return f"{commit}-dirty" if commit and changed else commit


def _git(folder: Path, *words: str) -> str | None:
    asked = subprocess.run(  # noqa: S603  (the words are our own)
        ["git", "--no-optional-locks", *words],  # noqa: S607  (the user's own git)
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() if asked.returncode == 0 else None
