"""The validation curves of real trainings, by the searched fields of the benchmark's space.

Training is deterministic: a point that was trained once ends like that for every strategy and
repetition that asks for it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fckd.config.documents import merge, read_document, validate, with_fields
from fckd.config.space import Space
from fckd.data.prepare import prepare
from fckd.files import fingerprint, make_folder, write_bytes, write_json
from fckd.train.loop import distill
from fckd.train.workshop import Workshop

RECORDED = Path(__file__).parent / "search_curves.tsv"
EPOCHS = 27
VALIDATION = 216
"""Samples: what the recorded counts are out of."""
CHANGES: dict[str, Any] = {
    "experiment": {
        # Two of the four training subjects validate, for finer steps than one of them gives.
        "corpus": {"validation_subjects": [5, 7]},
        "views": {"count": 8},
        "student": {"width": 32},
        "training": {"epochs": EPOCHS},
    },
    "execution": {"groups": 2},
}
PARAMETERS: dict[str, Any] = {
    "training.learning_rate": {"choices": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1]},
    "student.dropout": {"low": 0.0, "high": 0.6, "step": 0.3},
    "focal.ratio": {"choices": [0.25, 1.0]},
    "objective.correlation.weight": {"choices": [0.0, 1.0]},
    "objective.distribution.weight": {"low": 1.0, "high": 5.0, "step": 4.0, "may_be_off": True},
    "objective.logits.weight": {"low": 1.0, "high": 3.0, "step": 2.0, "may_be_off": True},
}
"""Everything has steps, so that searches meet at the same 693 points."""

Fields = Mapping[str, Any]


def space(search: Mapping[str, Any], trials: int, stopping: Mapping[str, Any]) -> Space:
    """Return the stepped space of a short training, to be searched as `search` says."""
    document = merge(read_document(Path("utd_mhad_inertial.yaml")), CHANGES)
    document["search"] = {"parameters": PARAMETERS, **search}
    document |= {"budget": {"trials": trials}, "stopping": dict(stopping)}
    return validate(Space, document, "the benchmark's space")


def name_of(fields: Fields) -> str:
    """Return a line's name: the fields in alphabetical order."""
    return " ".join(f"{name}={fields[name]:g}" for name in sorted(fields))


class Recorded:
    """The curves of a file: a line is a point, a tab, and the right samples after every epoch."""

    def __init__(self, file: Path = RECORDED) -> None:
        lines = [line.split("\t") for line in file.read_text().splitlines() if line[0] != "#"]
        self._curves = {
            name: [int(count) / VALIDATION for count in counts.split()] for name, counts in lines
        }

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self._curves)

    def __call__(self, fields: Fields) -> list[float]:
        """Return the validation accuracy after every epoch."""
        return self._curves[name_of(fields)]


class Trained:
    """Curves that are trained when they are first asked for, and kept in a folder.

    Args:
        data: Folder of the recordings.
        storage: Where corpus, teacher, lessons and curves are kept.
    """

    def __init__(self, data: Path, storage: Path) -> None:
        self._space = space({"sampler": "random"}, 1, {})
        experiment = self._space.experiment
        corpus = prepare(experiment.corpus, experiment.modalities, data, storage, lambda *_: None)
        self._workshop = Workshop(storage, corpus.folder)
        for name in experiment.teachers:
            for _ in self._workshop.teach(experiment, name, "train"):
                pass
            for _ in self._workshop.make_lessons(experiment, name, "train"):
                pass
        self._folder = make_folder(storage / "curves")

    def __call__(self, fields: Fields) -> list[float]:
        """Return the validation accuracy after every epoch."""
        experiment = with_fields(self._space.experiment, fields, name_of(fields))
        described = experiment.model_dump(mode="json")
        file = self._folder / f"{fingerprint([described, self._workshop.corpus.fingerprint])}.json"
        if not file.exists():
            results = distill(self._workshop.study(experiment, "train"))
            curve = [result.metrics["validation/accuracy"] for result in results]
            write_json(file, {"fields": dict(fields), "curve": curve})
        found: list[float] = json.loads(file.read_text())["curve"]
        return found


def record(curves: Mapping[str, list[float]], origin: str, file: Path = RECORDED) -> None:
    """Write curves by name, with a first line that says what they are."""
    lines = [f"# {origin}"]
    for name, curve in sorted(curves.items()):
        lines.append(f"{name}\t{' '.join(str(round(VALIDATION * value)) for value in curve)}")
    write_bytes(file, ("\n".join(lines) + "\n").encode())
