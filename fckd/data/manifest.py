"""The manifest of a corpus: what is in the shards, and how to tell that they are whole."""

from pathlib import Path
from typing import Annotated, Literal

from pyarrow import fs
from pydantic import Field, ValidationError

from fckd.config.base import Configuration
from fckd.config.corpus import Protocol
from fckd.config.networks import Modality
from fckd.data.coding import Coding
from fckd.data.integrity import damaged
from fckd.data.shards import Columns
from fckd.errors import UserError

SCHEMA_VERSION: Literal[4] = 4
MANIFEST = "manifest.json"


class ShardEntry(Configuration):
    """One shard; the pattern keeps its path inside the corpus."""

    name: Annotated[str, Field(pattern=r"^shard-\d{5}\.arrow$")]
    samples: Annotated[int, Field(ge=1)]
    bytes: int
    sha256: str


class Manifest(Configuration):
    """The content of `manifest.json`.

    Attributes:
        source: The benchmark's name.
        classes: Class names in the order of labels.
        modalities: Modality -> dtype.
        codings: Modality -> how its frames are stored, unless they lie there as in memory.
        protocols: The official divisions; the shards hold every sample's part in each.
        samples: How many there are.
        left_out: Ids of recordings in which the tracker saw nobody.
        damaged: Ids of recordings that could not be read and were left out on purpose.
        shards: The files.
        fingerprint: Names the content: it does not depend on shards, file times or the place.
    """

    schema_version: Literal[4]
    source: str
    classes: tuple[str, ...]
    modalities: dict[Modality, str]
    codings: dict[Modality, Coding]
    protocols: tuple[Protocol, ...]
    samples: int
    left_out: tuple[str, ...]
    damaged: tuple[str, ...]
    shards: Annotated[tuple[ShardEntry, ...], Field(min_length=1)]
    fingerprint: str

    @property
    def columns(self) -> Columns:
        """What every shard holds."""
        return Columns(tuple(self.modalities), self.protocols, self.codings)


def read_manifest(folder: Path, filesystem: fs.FileSystem) -> Manifest:
    """Return the manifest of the corpus in `folder`.

    Raises:
        UserError: No corpus there, of another version, or damaged.
    """
    path = str(folder / MANIFEST)
    try:
        with filesystem.open_input_stream(path) as stream:
            return Manifest.model_validate_json(stream.read())
    except FileNotFoundError as absent:
        raise UserError(
            f"no corpus in {folder}: {MANIFEST} is absent",
            "a folder that `fckd prepare` made",
            "prepare it first",
        ) from absent
    except ValidationError as refusal:
        first = refusal.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise damaged(path, f"{place}: {first['msg']} (schema {SCHEMA_VERSION})") from refusal
    except OSError as refusal:
        raise damaged(path, str(refusal)) from refusal
