"""Where the services of a team are: from the environment, else from a profile file.

Secrets come from the environment alone. A profile can be shared, and kept in a repository.
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr, ValidationError

from fckd.config.addresses import holds_password
from fckd.config.base import Configuration
from fckd.config.documents import Document, read_document
from fckd.errors import UserError

PROFILE = "FCKD_PROFILE"
VARIABLES = {
    "storage": "FCKD_STORAGE",
    "ledger_url": "FCKD_LEDGER_URL",
    "tracking_uri": "MLFLOW_TRACKING_URI",
    "tracking_username": "MLFLOW_TRACKING_USERNAME",
    "tracking_password": "MLFLOW_TRACKING_PASSWORD",
    "ray_address": "RAY_ADDRESS",
}
"""Field -> environment variable. MLflow and Ray read theirs themselves, by these names."""

MLFLOW_SERVERS = {"http": 80, "https": 443}
MLFLOW_DATABASES = {"postgresql": 5432, "mysql": 3306}
"""Kinds of address that MLflow is reached by, beside a SQLite file -> usual port."""


class Profile(Configuration):
    """What a team shares: addresses without passwords."""

    storage: str | None = None
    ledger_url: str | None = None
    tracking_uri: str | None = None
    ray_address: str | None = None


class Settings(Configuration):
    """What a process is told of its surroundings, beside its command line.

    Attributes:
        storage: A folder or s3://BUCKET/PREFIX, in place of what a space or comparison says.
        ledger_url: Of a PostgreSQL database; None for a file in the storage.
        tracking_uri: Of MLflow; None for a file in the storage.
        tracking_username: For a tracking server that asks.
        tracking_password: Its password.
        ray_address: Of a running Ray cluster; None for a local one.
    """

    storage: str | None = None
    ledger_url: SecretStr | None = None
    tracking_uri: SecretStr | None = None
    tracking_username: str | None = None
    tracking_password: SecretStr | None = None
    ray_address: str | None = None


def read_settings(environment: Mapping[str, str], profile: Path | None = None) -> Settings:
    """Return what the environment says, and of the rest what the profile says.

    Args:
        environment: Such as `os.environ`; an empty variable counts as unset.
        profile: A YAML file; FCKD_PROFILE names it if it is not given.

    Raises:
        UserError: The profile cannot be read, holds a password or an unknown name, or MLflow's user
            comes without a password or the other way round.
    """
    file = profile or Path(environment.get(PROFILE, ""))
    shared = {} if file == Path() else _read_profile(file).model_dump(exclude_none=True)
    own = {name: environment[key] for name, key in VARIABLES.items() if environment.get(key)}
    settings = Settings.model_validate({**shared, **own})
    if (settings.tracking_username is None) != (settings.tracking_password is None):
        pair = (VARIABLES["tracking_username"], VARIABLES["tracking_password"])
        given, missing = pair if settings.tracking_password is None else reversed(pair)
        raise UserError(f"{given} without {missing}", "both or neither", f"set {missing} too")
    return settings


def _is_secret(value: str, place: str) -> bool:
    try:
        return holds_password(value)
    except ValueError:
        # Not even the reason is shown: it may quote a password.
        raise UserError(
            f"{place} is no address that can be read",
            "a folder, or an address such as http://HOST:PORT or http://[::1]:5000",
            "correct it",
        ) from None


def _read_mapping(file: Path) -> Document:
    """Return what is in a profile; a space or comparison that is installed is none."""
    fields = ", ".join(Profile.model_fields)
    if not file.exists():
        raise UserError(
            f"no such file: {file}",
            f"a profile: YAML with some of {fields}",
            f"check the path in --profile or {PROFILE}",
        )
    try:
        return read_document(file)
    except UserError as refusal:
        raise UserError(
            refusal.given,
            f"a profile: YAML with some of {fields}",
            f"mend it, or go without a profile: name none in --profile or {PROFILE}",
        ) from refusal


def _read_profile(file: Path) -> Profile:
    document = _read_mapping(file)
    for name, value in document.items():
        if isinstance(value, str) and _is_secret(value, f"{file}: {name}"):
            raise UserError(
                f"{file}: {name} holds a password",
                "a profile that can be shared: addresses without passwords",
                f"take it out, and set {VARIABLES.get(name, 'its variable')} in the environment",
            )
    try:
        return Profile.model_validate(document)
    except ValidationError as refusal:
        # No value is shown: a field that does not belong there may be a secret.
        wrong = ", ".join(str(error["loc"][0]) for error in refusal.errors(include_input=False))
        raise UserError(
            f"{file} has fields that a profile has not, or that are no texts: {wrong}",
            f"some of {', '.join(Profile.model_fields)}",
            "correct them; secrets belong into the environment",
        ) from None
