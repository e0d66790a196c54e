"""What a finished run transferred, as JSON values: focal channels of whom, and when in a clip."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fckd.data.corpus import Corpus
from fckd.distill.focal import focal_count, gather_channels
from fckd.train.focal_sets import FocalSets, focal_sets, likeness
from fckd.train.inputs import inputs
from fckd.train.lessons import Wish
from fckd.train.loop import EpochResult
from fckd.train.study import Study

SAMPLES = 2048
"""At most so many learnt samples are looked at."""
CHANNELS = 64
"""Of at most so many channels of a teacher the frequencies are kept."""
DIGITS = 4

Json = dict[str, Any]


def transferred(study: Study, result: EpochResult, corpus: Corpus, device: torch.device) -> Json:
    """Return what `result`'s student was given, from the lessons of the learnt samples.

    Returns:
        Nothing if no term reads the focal channels of stored lessons. Else
        `teachers`: by name, `channels` C and `focal` K; where a sample has a focal set of its own,
        also `overlap` (see `FocalSets.overlaps`) and `frequency`, with `classes` (names),
        `channels` (their numbers, those that differ most between classes) and `shares`
        (classes, channels).
        `likeness`: of two or more teachers with such sets, `teachers` (names) and `values`.
        `clip`: `sample`, `action`, `view`, and `teachers`: by name the `teacher`'s and the
        `student`'s saliency over time.
    """
    if not (study.objective.uses_focal and study.lessons):
        return {}
    sets = _focal_sets(study)
    return {
        "teachers": {name: _teacher(study, name, sets, corpus) for name in study.lessons},
        "likeness": _likeness(sets, result) if len(sets) > 1 else None,
        "clip": _clip(study, result, corpus, device),
    }


def _focal_sets(study: Study) -> dict[str, FocalSets]:
    if study.focal.scope != "sample":
        return {}
    draw = np.random.default_rng(0)
    count = min(SAMPLES, len(study.learn))
    samples = np.sort(draw.choice(study.learn, size=count, replace=False))
    found = {}
    for name, store in study.lessons.items():
        focal = focal_count(study.focal, store.channels)
        if focal < store.channels:
            found[name] = focal_sets(store, samples, study.labels[samples], focal)
    return found


def _teacher(study: Study, name: str, sets: Mapping[str, FocalSets], corpus: Corpus) -> Json:
    channels = study.lessons[name].channels
    told: Json = {"channels": channels, "focal": focal_count(study.focal, channels)}
    if name in sets:
        told |= {"overlap": sets[name].overlaps(), "frequency": _frequency(sets[name], corpus)}
    return told


def _frequency(sets: FocalSets, corpus: Corpus) -> Json:
    frequency = sets.frequency
    telling = np.argsort(-np.ptp(frequency, axis=0), kind="stable")[:CHANNELS]
    # Side by side what is focal for the same class.
    kept = sorted(telling.tolist(), key=lambda channel: int(frequency[:, channel].argmax()))
    return {
        "classes": [corpus.classes[label] for label in sets.classes],
        "channels": kept,
        "shares": frequency[:, kept].round(DIGITS).tolist(),
    }


def _likeness(sets: Mapping[str, FocalSets], result: EpochResult) -> Json:
    asked = []
    for name, of_teacher in sets.items():
        weight = result.embeddings[name].projection.weight
        asked.append(of_teacher.asked(weight.detach().squeeze(2).double().cpu().numpy()))
    return {"teachers": list(sets), "values": likeness(np.stack(asked)).round(DIGITS).tolist()}


@torch.no_grad()
def _clip(study: Study, result: EpochResult, corpus: Corpus, device: torch.device) -> Json:
    sample, view = study.learn[:1], np.ones(1, dtype=np.int64)
    features = result.network.eval()(*inputs(study.readings, sample, view, device)).features
    wish = Wish(study.focal, whole=False, batch=(sample, view))
    teachers = {}
    for name, store in study.lessons.items():
        taught, channels = store.read(sample, view, wish, device).focal_part()
        embedded = result.embeddings[name].eval()(features)
        own = gather_channels(embedded, channels)
        teachers[name] = {"teacher": _over_time(taught), "student": _over_time(own)}
    return {
        "sample": corpus.sample_ids[sample[0]],
        "action": corpus.classes[study.labels[sample[0]]],
        "view": 1,
        "teachers": teachers,
    }


def _over_time(features: Tensor) -> list[float]:
    """Return the mean |F| of (1, K, T, ...) at each time step, relative to that of the clip."""
    steps = features.abs().transpose(1, 2).flatten(2).mean(dim=2)[0]
    mean = steps.mean()
    relative = steps / mean if mean > 0 else steps
    values: list[float] = relative.double().cpu().numpy().round(DIGITS).tolist()
    return values
