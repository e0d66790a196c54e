"""Whether the samples of a sweep are as many as its benchmark is published with."""

from collections.abc import Mapping
from typing import Any

from fckd.config.corpus import CorpusSettings
from fckd.data.official import nearest


def unlike_published(settings: CorpusSettings, started: Mapping[str, Any]) -> str:
    """Say in words how the counts differ from the published ones; nothing if they do not.

    Args:
        settings: Of the sweep's experiment.
        started: The parameters of its `SweepStarted`, with `samples train` and so on.
    """
    train, validation, test = (
        started.get(f"samples {part}", 0) for part in ("train", "validation", "test")
    )
    # Where less of the training part is used, as was asked for, the test part alone is compared.
    whole = None if settings.training_subjects is not None else train + validation
    published = nearest(settings.source, settings.official_protocol, whole, test)
    verdict = "" if published is None else published.unlike(whole, test)
    return f"{settings.source}, {settings.official_protocol}: {verdict}" if verdict else ""
