"""A leaderboard as the sweep writes it."""

from typing import Any


def leaderboard() -> dict[str, Any]:
    """Return a confirmed result of three arms."""
    return {
        "sweep": "demo-1",
        "source": "synthetic",
        "split": "test",
        "counts": {"train": 200, "validation": 40, "test": 96},
        "classes": ["wave", "clap"],
        "arms": [_arm("student alone", 0.7), _arm("logits", 0.73), _arm("fckd", 0.78)],
        "verdict": "fckd beats the student alone by 8.0 points.",
        "registered": {"name": "demo", "version": 3, "alias": "champion"},
    }


def _arm(name: str, mean: float) -> dict[str, Any]:
    alone = name == "student alone"
    change = mean - 0.7
    return {
        "arm": name,
        "trial": "demo-1-0004" if name == "fckd" else "",
        "n": 3,
        "mean": mean,
        "deviation": 0.02,
        "interval": [mean - 0.03, mean + 0.03],
        "seeds": [1000, 1001, 1002],
        "scores": [mean - 0.02, mean, mean + 0.02],
        "parameters": {} if alone else {"focal.ratio": 0.25},
        "difference": None
        if alone
        else {
            "against": "student alone",
            "mean": change,
            "interval": [change - 0.04, change + 0.04],
        },
        "confusion": [[40, 8], [10, 38]],
    }
