"""What every verb is given: a space, overrides, and where things are."""

import os
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fckd.config.kind import Kind

if TYPE_CHECKING:  # configurations take longer to import than `fckd --help` should take
    from fckd.config.campaign import Campaign
    from fckd.config.comparison import Comparison
    from fckd.config.documents import Document
    from fckd.config.settings import Settings
    from fckd.config.space import Space

STORAGE = "fckd-storage"

told: ContextVar["Settings"] = ContextVar("told")
"""The settings of the running command, from its environment and its profile."""

SpacePath = Annotated[
    Path, typer.Argument(metavar="SPACE", help="A space, such as tune_spaces/demo.yaml.")
]
ComparisonPath = Annotated[
    Path,
    typer.Argument(metavar="COMPARISON", help="Such as comparisons/utd_mhad_inertial.yaml."),
]
CampaignPath = Annotated[Path, typer.Argument(metavar="SPACE", help="A space or comparison.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=C", help="Override any field of the file; repeatable."),
]
Smoke = Annotated[bool, typer.Option("--smoke", help="Use the file's smoke section: tiny.")]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        envvar="FCKD_DATA",
        help="Folder of the raw benchmarks, such as DIR/utd-mhad/Skeleton/….",
    ),
]
Storage = Annotated[
    str | None,
    typer.Option(
        "--storage",
        metavar="DIR",
        help=f"Where sweeps keep what they make, or s3://…; else {STORAGE}.",
    ),
]
SweepName = Annotated[
    str,
    typer.Argument(
        metavar="SWEEP", help="The id of a sweep or comparison, or its name for the newest."
    ),
]


def settings() -> "Settings":
    """Return the settings of the running command; outside of one, those of the environment."""
    from fckd.config.settings import read_settings

    return told.get(None) or read_settings(os.environ)


def storage_of(given: str | None) -> str:
    """Return the storage: as given on the command line, else by the settings, else the default."""
    return given or settings().storage or STORAGE


def load_space(path: Path, overrides: list[str] | None, *, smoke: bool) -> "Space":
    """Return the validated space.

    Raises:
        UserError: It cannot be read or is not valid.
    """
    from fckd.config.documents import SPACES, check_kind, validate
    from fckd.config.space import Space

    document = _document(path, overrides, smoke=smoke, folder=SPACES)
    check_kind(document, Kind.SPACE, path)
    return validate(Space, document, str(path))


def load_comparison(path: Path, overrides: list[str] | None, *, smoke: bool) -> "Comparison":
    """Return the validated comparison.

    Raises:
        UserError: It cannot be read or is not valid.
    """
    from fckd.config.comparison import Comparison
    from fckd.config.documents import COMPARISONS, check_kind, validate

    document = _document(path, overrides, smoke=smoke, folder=COMPARISONS)
    check_kind(document, Kind.COMPARISON, path)
    return validate(Comparison, document, str(path))


def load_campaign(path: Path, overrides: list[str] | None, *, smoke: bool) -> "Campaign":
    """Return the validated space or comparison.

    Raises:
        UserError: It cannot be read or is not valid.
    """
    from fckd.config.comparison import Comparison
    from fckd.config.documents import SPACES, kind_of, validate
    from fckd.config.space import Space

    document = _document(path, overrides, smoke=smoke, folder=SPACES)
    is_space = kind_of(document) is Kind.SPACE
    return validate(Space if is_space else Comparison, document, str(path))


def storage_folder(storage: str) -> Path:
    """Return the folder of this machine for a storage, as `fckd.storage.shelf` does.

    Raises:
        UserError: No valid address.
    """
    from fckd.storage.shelf import storage_folder as folder_of

    return folder_of(storage)


def tracking_uri(storage: Path) -> str:
    """Return the address that the settings give, else that of the store in `storage`."""
    given = settings().tracking_uri
    return f"sqlite:///{storage / 'mlflow.db'}" if given is None else given.get_secret_value()


def artifact_root(storage: Path) -> str | None:
    """Return where MLflow keeps files: a server decides, with a database it is the storage."""
    from fckd.config.settings import MLFLOW_SERVERS
    from fckd.tracking.addresses import scheme_of

    is_server = scheme_of(tracking_uri(storage)) in MLFLOW_SERVERS
    return None if is_server else str(storage / "artifacts")


def _document(path: Path, overrides: list[str] | None, *, smoke: bool, folder: str) -> "Document":
    """Read a document; the settings say where it is stored, unless an override does."""
    from fckd.config.documents import read_document

    return read_document(
        path, smoke=smoke, storage=settings().storage, overrides=overrides or (), folder=folder
    )
