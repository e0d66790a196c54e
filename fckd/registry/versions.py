"""Which students MLflow knows, and by which names; what it does not know is listed for the user."""

from typing import TYPE_CHECKING

from fckd.errors import UserError
from fckd.registry.names import SHA256_TAG
from fckd.registry.reference import CHAMPION, Reference

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel


def ensure_name(client: "MlflowClient", name: str) -> None:
    """Make the registered model `name` if it is absent."""
    if _find_model(client, name) is None:
        client.create_registered_model(
            name,
            description="Students of fckd. `candidate` is the last that was registered, `champion` "
            f"the one that passed the gate: `fckd pull {name}@champion --out student`.",
        )


def model_of(client: "MlflowClient", name: str) -> "RegisteredModel":
    """Return the registered model `name`.

    Raises:
        UserError: There is none of that name.
    """
    model = _find_model(client, name)
    if model is None:
        known = sorted(found.name for found in client.search_registered_models())
        raise UserError(
            f"no student is registered as {name!r}",
            f"one of: {', '.join(known)}" if known else "a registered student; there is none yet",
            "check the name and the tracking address, or run a sweep",
        )
    return model


def resolve(client: "MlflowClient", reference: Reference) -> int:
    """Return the version that `reference` names.

    Raises:
        UserError: No such name, alias or version.
    """
    model = model_of(client, reference.name)
    if reference.version is not None:
        check_version(client, model, reference.version)
        return reference.version
    aliases: dict[str, str] = model.aliases
    if reference.alias not in aliases:
        known = ", ".join(f"{reference.name}@{alias}" for alias in sorted(aliases))
        raise UserError(
            f"{reference.name} has no {reference.alias}",
            f"one of: {known or 'a version, as ' + reference.name + '/1'}",
            "name one of these, or promote a candidate first",
        )
    return int(aliases[reference.alias])


def check_version(client: "MlflowClient", model: "RegisteredModel", version: int) -> None:
    """Return if `model` has this version.

    Raises:
        UserError: It has not.
    """
    known = sorted(int(found.version) for found in _versions(client, model.name))
    if version not in known:
        raise UserError(
            f"{model.name} has no version {version}",
            f"one of: {', '.join(map(str, known)) or 'none yet'}",
            "check the version",
        )


def champion_of(client: "MlflowClient", name: str) -> int | None:
    """Return the champion's version, or None without one."""
    model = _find_model(client, name)
    version = model.aliases.get(CHAMPION) if model is not None else None
    return None if version is None else int(version)


def version_of(client: "MlflowClient", name: str, digest: str) -> int | None:
    """Return the version whose weights have the SHA-256 `digest`, or None."""
    return next(
        (
            int(found.version)
            for found in _versions(client, name)
            if found.tags.get(SHA256_TAG) == digest
        ),
        None,
    )


def tags_of(client: "MlflowClient", name: str, version: int) -> dict[str, str]:
    """Return the tags of a version that exists."""
    tags: dict[str, str] = client.get_model_version(name, str(version)).tags
    return tags


def _find_model(client: "MlflowClient", name: str) -> "RegisteredModel | None":
    found = client.search_registered_models(f"name = '{name}'")
    return found[0] if found else None


def _versions(client: "MlflowClient", name: str) -> "list[ModelVersion]":
    return list(client.search_model_versions(f"name = '{name}'"))
