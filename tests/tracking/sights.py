"""What runs show, as `sight.json` holds it."""

from typing import Any

CLASSES = ["wave", "clap", "jump"]


def sight(*teachers: str, epochs: int = 3) -> dict[str, Any]:
    """Return the sight of a run with two focal channels of four of each of `teachers`."""
    shown: dict[str, Any] = {
        "arm": "fckd",
        "seed": 1000,
        "epochs": [_epoch(number, teachers) for number in range(1, epochs + 1)],
    }
    if teachers:
        shown["teachers"] = {name: _teacher() for name in teachers}
        shown["clip"] = _clip(teachers)
        shown["likeness"] = _likeness(teachers) if len(teachers) > 1 else None
    return shown


def _epoch(number: int, teachers: tuple[str, ...]) -> dict[str, float]:
    terms = ["cross_entropy", *(f"correlation/{name}" for name in teachers)]
    metrics = {f"share/{term}": 1 / len(terms) for term in terms}
    metrics |= {f"agreement/{name}": number / 10 for name in teachers}
    metrics |= {f"overlap/{name}": 0.5 + number / 10 for name in teachers}
    return metrics | {"train/loss": 1.0, "seconds": 0.1}


def _teacher() -> dict[str, Any]:
    return {
        "channels": 4,
        "focal": 2,
        "overlap": {"views": 0.9, "one class": 0.8, "two classes": 0.6, "chance": 0.5},
        "frequency": {
            "classes": CLASSES,
            "channels": [2, 0, 3, 1],
            "shares": [[1.0, 0.5, 0.5, 0.0], [0.0, 1.0, 1.0, 0.0], [0.25, 0.25, 0.5, 1.0]],
        },
    }


def _clip(teachers: tuple[str, ...]) -> dict[str, Any]:
    saliency = {"teacher": [0.5, 1.5, 1.0, 1.0], "student": [0.8, 1.2]}
    return {
        "sample": "wave-1",
        "action": "wave",
        "view": 1,
        "teachers": dict.fromkeys(teachers, saliency),
    }


def _likeness(teachers: tuple[str, ...]) -> dict[str, Any]:
    size = range(len(teachers))
    values = [[1.0 if one == other else 0.1 for other in size] for one in size]
    return {"teachers": list(teachers), "values": values}
