"""The learning rate: linear warm-up, then half a cosine down to zero."""

import math

from fckd.config.experiment import TrainingSettings


def learning_rate(settings: TrainingSettings, step: int, steps_per_epoch: int) -> float:
    """Return the rate of optimiser step `step` (counted from 0)."""
    warmup = min(settings.warmup_epochs, settings.epochs - 1) * steps_per_epoch
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    share = (step - warmup) / max(1, settings.epochs * steps_per_epoch - warmup)
    return settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * share))
