"""Which addresses MLflow can track to, known before anything runs."""

import re
from pathlib import Path

from fckd.config.addresses import shown
from fckd.config.settings import MLFLOW_DATABASES, MLFLOW_SERVERS
from fckd.errors import UserError
from fckd.files import fingerprint


def check_tracking_address(tracking_uri: str, artifact_root: str | None) -> None:
    """Refuse what MLflow would only refuse in the background.

    Raises:
        UserError: An unknown kind of address, or a database without a place for files.
    """
    kind = scheme_of(tracking_uri)
    if kind not in {"sqlite", *MLFLOW_DATABASES, *MLFLOW_SERVERS}:
        raise UserError(
            f"tracking address {shown(tracking_uri)!r}",
            "the address of an MLflow server (http://HOST:PORT) or of a database "
            "(sqlite:////absolute/path/mlflow.db)",
            "write the address in full; a plain folder is no longer a store that MLflow keeps",
        )
    if kind not in MLFLOW_SERVERS and artifact_root is None:
        raise UserError(
            f"tracking to the database {shown(tracking_uri)} without a place for files",
            "a folder or s3:// address for artefacts, or a server that has one",
            "name an artefact root",
        )


def scheme_of(address: str) -> str:
    """Return `postgresql` of `postgresql+psycopg2://host`; nothing of a plain path."""
    scheme, separator, _ = address.partition("://")
    return scheme.split("+")[0].lower() if separator else ""


def fingerprint_of(tracking_uri: str) -> str:
    """Return what tells one store from another: whoever asks, with whichever password, is left out.

    A hash, because it is written down, and even an unusual address must not give a secret away.
    """
    place = re.sub(r"(?<=[?&])(user|password)=[^&]*&?", "", tracking_uri)
    place = re.sub(r"(?<=://)[^/]*@", "", place)
    return fingerprint(place.rstrip("?&"))


def artifact_location(artifact_root: str | None, experiment: str) -> str | None:
    """Return where the files of `experiment` go; `None` lets the server choose."""
    if artifact_root is None:
        return None
    if scheme_of(artifact_root) or artifact_root.startswith("mlflow-artifacts:"):
        return f"{artifact_root.rstrip('/')}/{experiment}"
    return (Path(artifact_root).resolve() / experiment).as_uri()
