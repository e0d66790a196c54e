"""Raw files to samples; what cannot be read is noted, and the next recording tried."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from fckd.config.networks import Modality
from fckd.data.damage import Damage
from fckd.data.forms import Array
from fckd.data.shards import Sample
from fckd.data.sources.base import NobodySeenError, Recording, Source
from fckd.errors import UserError


@dataclass
class Outcome:
    """What became of some recordings.

    Attributes:
        samples: Those that were read, in the order given.
        left_out: Ids of those in which the tracker saw nobody.
        damaged: What is wrong with the others.
    """

    samples: list[Sample] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    damaged: list[Damage] = field(default_factory=list)


def read_recordings(
    source: Source, recordings: Sequence[Recording], modalities: Sequence[Modality]
) -> Outcome:
    """Read every modality of every recording."""
    outcome = Outcome()
    for recording in recordings:
        _read(source, recording, modalities, outcome)
    return outcome


def _read(
    source: Source, recording: Recording, modalities: Sequence[Modality], outcome: Outcome
) -> None:
    arrays: dict[Modality, Array] = {}
    damages = []
    for modality in modalities:
        try:
            arrays[modality] = source.read(recording, modality)
        except NobodySeenError:
            continue
        except UserError as mistake:
            damage = Damage(sample_id=recording.sample_id, modality=modality, what=mistake.given)
            damages.append(damage)
    if damages:
        outcome.damaged += damages
    elif len(arrays) < len(modalities):
        outcome.left_out.append(recording.sample_id)
    else:
        outcome.samples.append(Sample(recording, arrays))
