"""Pretrained weights, fetched from wherever they are and kept under what they contain."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fckd.config.campaign import Campaign
from fckd.config.comparison import Comparison
from fckd.config.corpus import Protocol
from fckd.config.documents import with_fields
from fckd.errors import UserError
from fckd.files import make_folder, sha256_of_file
from fckd.models.pretrained import FOLDER, SAFE, SCHEME
from fckd.registry.card import Card
from fckd.registry.folder import WEIGHTS, read_student
from fckd.registry.pull import pull

REGISTERED = "models:/"
BUCKET = "s3://"
UNSAFE = ".pt"
OWN = frozenset({"synthetic", "table"})
"""Sources whose name does not say which recordings they are."""


def fetch_pretrained(
    reference: str, storage: Path, tracking_uri: str, campaign: Campaign | None = None
) -> str:
    """Copy pretrained weights into `storage`, whole or not at all; return `sha256:…`.

    The content names the copy: what a network began with is part of what it was made from, though
    a file, an object or an alias may be exchanged later.

    Args:
        reference: A local file, `s3://bucket/key`, or `models:/NAME@ALIAS`, a registered student.
        storage: The folder that holds every artefact.
        tracking_uri: Of the registry; read only for `models:/`.
        campaign: What will begin with them; a registered student must not have learnt from what
            this measures on.

    Raises:
        UserError: Nothing is there, it cannot be read, or it has seen what is measured on.
    """
    folder = make_folder(storage / FOLDER)
    with tempfile.TemporaryDirectory() as scratch:
        source = _found(reference, Path(scratch), tracking_uri, campaign)
        with _temporary(folder) as copy:
            _copy(source, copy)
            digest = sha256_of_file(copy)
            suffix = SAFE if source.suffix == SAFE else UNSAFE
            copy.replace(folder / f"{digest}{suffix}")
    return SCHEME + digest


def _found(reference: str, scratch: Path, tracking_uri: str, campaign: Campaign | None) -> Path:
    """Return a local file of what `reference` names; in `scratch` if it comes from elsewhere."""
    if reference.startswith(REGISTERED):
        named = reference.removeprefix(REGISTERED)
        student = pull(named, scratch / "student", tracking_uri)
        if campaign is not None:
            _check_unseen(reference, read_student(student)[0], campaign)
        return student / WEIGHTS
    if reference.startswith(BUCKET):
        return _download(reference, scratch)
    return Path(reference).expanduser()


def _check_unseen(reference: str, card: Card, campaign: Campaign) -> None:
    """Check that nothing is measured on what a registered student may have learnt from.

    Raises:
        UserError: It learnt from the training part of the same source, validation included, and
            the campaign measures on validation, or on the test part of another division.
    """
    source = campaign.experiment.corpus.source
    if card.source != source or source in OWN:
        return
    learnt = card.protocols[0]
    if not isinstance(campaign, Comparison) or campaign.split == "validation":
        raise _seen(reference, card, "validation")
    others = sorted(_divisions(campaign) - {learnt})
    if others:
        raise _seen(reference, card, f"the test part of {', '.join(others)}")


def _divisions(comparison: Comparison) -> set[Protocol]:
    arms = (
        with_fields(comparison.experiment, fields, f"arms.{name}")
        for name, fields in comparison.arms.items()
    )
    return set(comparison.protocols) or {arm.corpus.official_protocol for arm in arms}


def _seen(reference: str, card: Card, measured: str) -> UserError:
    learnt = card.protocols[0]
    return UserError(
        f"weights: {reference} has learnt from the training part of {card.source} ({learnt}), "
        f"which may overlap with {measured}",
        "weights that have seen nothing of what is measured on",
        "begin with weights from other recordings; with these only a comparison on split: test "
        f"under {learnt}",
    )


def _download(address: str, scratch: Path) -> Path:
    # Arrow's clients of object storage take a second to load, which most runs do not need.
    from pyarrow.fs import FileSystem

    target = scratch / address.rpartition("/")[2]
    try:
        bucket, key = FileSystem.from_uri(address)
        with bucket.open_input_stream(key) as stream, target.open("wb") as file:
            shutil.copyfileobj(stream, file)
    except (OSError, ValueError) as refusal:
        raise UserError(
            f"weights: {address} cannot be read: {refusal}",
            "s3://BUCKET/KEY of an object that this machine's credentials may read",
            "check the address, the credentials and AWS_ENDPOINT_URL",
        ) from refusal
    return target


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except OSError as refusal:
        raise UserError(
            f"weights: {source} cannot be copied to {target.parent}: {refusal.strerror}",
            "a file of weights, s3://BUCKET/KEY, or models:/NAME@ALIAS",
            "check the path",
        ) from refusal


@contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    temporary = folder / f".{uuid.uuid4().hex}.partial"
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
