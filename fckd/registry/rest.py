"""The registry of an MLflow server through its REST interface: no MLflow is installed for a pull.

The few requests are those of MLflow's documentation ("REST API", version 2.0); its client weighs a
hundred megabytes and several seconds.
"""

import json
import os
from base64 import b64encode
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from fckd.config.addresses import shown
from fckd.errors import UserError
from fckd.registry.connection import check_reachable
from fckd.registry.delivery import Read, of_folder
from fckd.registry.names import FINGERPRINT_TAG, STUDENT_PATH
from fckd.registry.reference import Reference
from fckd.storage.bucket import Bucket

SECONDS = 60.0
"""Of waiting for any answer."""

_ABSENT = 404


@dataclass(frozen=True)
class Found:
    """A registered version.

    Attributes:
        name: Of the registered model.
        version: Of it.
        read: Gives its files.
        fingerprint: Of its sums, if the registry remembers them.
    """

    name: str
    version: str
    read: Read
    fingerprint: str | None


class RestRegistry:
    """Registered students of one MLflow server.

    MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, say who asks.

    Args:
        uri: `http(s)://HOST:PORT`.

    Raises:
        UserError: Nobody answers there.
    """

    def __init__(self, uri: str) -> None:
        check_reachable(uri)
        parts = urlsplit(uri)
        self._shown = shown(uri)
        self._base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        self._who = _authorization(parts.username, parts.password)
        self._opener = build_opener(_NoRedirect)

    def find(self, reference: Reference) -> Found:
        """Return the version that `reference` names.

        Raises:
            UserError: No such student, the server refuses, or its files are out of reach.
        """
        version = self._version(reference)
        said = self._ask("model-versions/get", name=reference.name, version=version)
        if said is None:
            raise self._unknown(reference, "a version that there is")
        place = self._ask("model-versions/get-download-uri", name=reference.name, version=version)
        if place is None:
            raise self._refused("it does not say where the files are")
        tags = {tag["key"]: tag["value"] for tag in said["model_version"].get("tags", ())}
        read = self._reader(f"{place['artifact_uri']}/{STUDENT_PATH}")
        return Found(reference.name, version, read, tags.get(FINGERPRINT_TAG))

    def _version(self, reference: Reference) -> str:
        if reference.version is not None:
            return str(reference.version)
        said = self._ask("registered-models/get", name=reference.name)
        if said is None:
            raise self._unknown(reference, f"one of: {self._known()}")
        known = said["registered_model"].get("aliases", ())
        aliases = {entry["alias"]: str(entry["version"]) for entry in known}
        if reference.alias not in aliases:
            raise self._unknown(reference, f"one of: {', '.join(sorted(aliases)) or 'VERSION'}")
        return aliases[reference.alias]

    def _unknown(self, reference: Reference, expected: str) -> UserError:
        which = reference.alias or f"version {reference.version}"
        return UserError(
            f"{self._shown} knows no {which} of {reference.name!r}",
            expected,
            "check the name, the alias and the tracking address",
        )

    def _reader(self, place: str) -> Read:
        parts = urlsplit(place)
        path = parts.path.lstrip("/")
        if parts.scheme == "mlflow-artifacts":
            base = "/api/2.0/mlflow-artifacts/artifacts/"
            return lambda name: self._get(f"{base}{quote(path)}/{quote(name)}")
        if parts.scheme == "s3":
            bucket = Bucket(parts.netloc)
            return lambda name: bucket.read(f"{path}/{name}")
        if parts.scheme in {"", "file"}:
            return of_folder(Path(parts.path))
        raise UserError(
            f"the files are at {shown(place)}",
            "an MLflow server that serves artefacts, a folder, or s3://",
            "pull on a machine where fckd[service] is installed",
        )

    def _known(self) -> str:
        said = self._ask("registered-models/search") or {}
        names = sorted(model["name"] for model in said.get("registered_models", ()))
        return ", ".join(names) or "a registered student; there is none yet"

    def _ask(self, what: str, **query: str) -> dict[str, Any] | None:
        content = self._get(f"/api/2.0/mlflow/{what}?{urlencode(query)}")
        if content is None:
            return None
        try:
            said: dict[str, Any] = json.loads(content)
        except ValueError as refusal:
            raise self._refused("what it says is not JSON") from refusal
        return said

    def _get(self, path: str) -> bytes | None:
        """Return an answer, or None if what is asked for does not exist."""
        request = Request(self._base + path, headers=self._who)  # noqa: S310 - http(s), as checked
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                content: bytes = answer.read()
        except HTTPError as refusal:
            if refusal.code == _ABSENT:
                return None
            raise self._refused(f"HTTP {refusal.code} {refusal.reason}") from refusal
        except (OSError, HTTPException) as refusal:
            raise self._refused(str(refusal)) from refusal
        return content

    def _refused(self, what: str) -> UserError:
        return UserError(
            f"MLflow at {self._shown}: {what}",
            "a request that it can serve",
            "check the address, MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
        )


class _NoRedirect(HTTPRedirectHandler):
    """A redirection would carry name and password to another server."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _authorization(user: str | None, password: str | None) -> dict[str, str]:
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    user = os.environ.get("MLFLOW_TRACKING_USERNAME", user)
    password = os.environ.get("MLFLOW_TRACKING_PASSWORD", password)
    if user:
        pair = b64encode(f"{user}:{password or ''}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    return {"Authorization": f"Bearer {token}"} if token else {}
