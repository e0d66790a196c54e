"""The stages of a student with a hallucination stream (Garcia et al., ECCV 2018)."""

from fckd.config.experiment import StageSettings
from fckd.models.hallucination import Stage


def stage_of(settings: StageSettings | None, epoch: int) -> Stage:
    """Return who learns in `epoch`, counted from 1; without stages all learn together."""
    if settings is None:
        return "together"
    if epoch <= settings.own:
        return "own"
    return "hallucination" if epoch <= settings.own + settings.hallucination else "together"


def teachers_teach(settings: StageSettings | None, epoch: int) -> bool:
    """Return whether lessons count in `epoch`."""
    return settings is None or stage_of(settings, epoch) == "hallucination"
