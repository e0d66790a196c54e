"""The descriptions that MLflow's pages show, written for somebody who sees them first."""

from fckd.events import SweepStarted, TrialStarted

_PHASES = {
    "search": (
        "One point of the search. It is judged on **validation**; the test samples were not read."
    ),
    "confirmation": (
        "A finalist (or the student alone), trained again with a fresh seed on train + validation "
        "and measured **once on test**."
    ),
}


def of_sweep(event: SweepStarted) -> str:
    """Return what the run of a whole sweep says about itself."""
    return "\n".join(
        [
            f"**The sweep `{event.sweep}`.** Its trials are nested below this run.",
            "",
            "Under *Artifacts*, in `report`, when it has ended:",
            "",
            "- `report.html`, if finalists were confirmed: verdict, leaderboard, figures.",
            "- `table.md` of a comparison, `trials.json` of a search alone.",
            "",
            "On this page:",
            "",
            "- Metrics and tags: the result, if it was confirmed or compared.",
            "- Tag `fckd.state`: `running`, or how the sweep ended.",
        ]
    )


def of_trial(event: TrialStarted) -> str:
    """Return what the run of a trial says about itself."""
    return "\n".join(
        [
            f"**{event.name}** ({event.phase}). {_PHASES.get(event.phase, '')}",
            "",
            "- `train/…`: terms of the objective, each by itself.",
            "- `gradient/…`: how hard each term pulls. A term that is 0 here teaches nothing.",
            "- `validation/…`: the held-out part of the training samples, epoch by epoch.",
            "- `final/…`: what the trial ended with.",
            "- Tag `fckd.state`: `finished`, `pruned` (stopped early on purpose) or `failed`.",
            "- Tag `fckd.reason`: why it failed. A retry continues the same run.",
        ]
    )
