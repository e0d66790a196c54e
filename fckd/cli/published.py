"""Whether the samples of a sweep are as many as its benchmark is published with."""

from collections.abc import Mapping
from typing import Any

from fckd.config.corpus import CorpusSettings
from fckd.data.official import PUBLISHED, compared


def unlike_published(settings: CorpusSettings, started: Mapping[str, Any]) -> str:
    """Say in words how the counts differ from the published ones; nothing if they do not.

    Args:
        settings: Of the sweep's experiment.
        started: The parameters of its `SweepStarted`, with `samples train` and so on.
    """
    source, protocol = settings.source, settings.official_protocol
    train, validation, test = (
        started.get(f"samples {part}", 0) for part in ("train", "validation", "test")
    )
    known, train = PUBLISHED.get((source, protocol), ()), train + validation
    if settings.training_subjects is not None and known:
        # Of the training part less is used, as was asked for: the test part alone is compared.
        train = min(known, key=lambda each: abs(each.test - test)).train
    verdict = compared(source, protocol, train, test)
    unlike = verdict and not verdict.startswith("as published")
    return f"{source}, {protocol}: {verdict}" if unlike else ""
