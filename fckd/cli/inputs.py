"""What every verb is given: a space, overrides, and where things are."""

import os
from pathlib import Path
from typing import Annotated

import typer

from fckd.config.comparison import Comparison
from fckd.config.documents import read_document, validate
from fckd.config.space import Space

STORAGE = "fckd-storage"

SpacePath = Annotated[
    Path, typer.Argument(metavar="SPACE", help="A space, such as tune_spaces/demo.yaml.")
]
ComparisonPath = Annotated[
    Path,
    typer.Argument(metavar="COMPARISON", help="Such as comparisons/utd_mhad_inertial.yaml."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=C", help="Override any field of the space; repeatable."),
]
Smoke = Annotated[bool, typer.Option("--smoke", help="Use the space's smoke section: tiny.")]
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
    str,
    typer.Option("--storage", metavar="DIR", help="Where sweeps keep what they make; or s3://…."),
]
SweepName = Annotated[
    str,
    typer.Argument(
        metavar="SWEEP", help="The id of a sweep or comparison, or its name for the newest."
    ),
]


def load_space(path: Path, overrides: list[str] | None, *, smoke: bool) -> Space:
    """Return the validated space.

    Raises:
        UserError: It cannot be read or is not valid.
    """
    document = read_document(path, smoke=smoke, overrides=overrides or [])
    return validate(Space, document, str(path))


def load_comparison(path: Path, overrides: list[str] | None, *, smoke: bool) -> Comparison:
    """Return the validated comparison.

    Raises:
        UserError: It cannot be read or is not valid.
    """
    document = read_document(path, smoke=smoke, overrides=overrides or [])
    return validate(Comparison, document, str(path))


def tracking_uri(storage: Path) -> str:
    """Return MLFLOW_TRACKING_URI, else the address of the store in `storage`."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{storage / 'mlflow.db'}"


def artifact_root(storage: Path) -> str | None:
    """Return where MLflow keeps files: its server decides, an embedded store has a folder."""
    return None if "MLFLOW_TRACKING_URI" in os.environ else str(storage / "artifacts")
