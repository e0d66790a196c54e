"""The registry of students, kept by MLflow."""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fckd.config.addresses import shown
from fckd.errors import UserError
from fckd.registry.card import Card
from fckd.registry.connection import check_reachable, quiet
from fckd.registry.decisions import (
    BEFORE,
    DECIDED,
    DECIDED_BY,
    FORCED,
    TAKEN_BACK,
    VERDICT,
    champion_before,
    crown,
    record,
    rolled_back,
    take_back,
)
from fckd.registry.delivery import (
    check_empty,
    deliver,
    fingerprint_of,
    of_folder,
    read_registered,
)
from fckd.registry.folder import WEIGHTS, read_student
from fckd.registry.gate import Verdict, decide
from fckd.registry.lineage import Row, origin, run_link
from fckd.registry.model_card import version_note
from fckd.registry.names import FINGERPRINT_TAG, SHA256_TAG, STUDENT_PATH
from fckd.registry.reference import parse_reference
from fckd.registry.sums import SUMS
from fckd.registry.versions import (
    champion_of,
    check_version,
    ensure_name,
    model_of,
    resolve,
    tags_of,
    version_of,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

CANDIDATE = "candidate"


class Registry:
    """Registered students of one MLflow server or database.

    Args:
        tracking_uri: `sqlite:///FILE` of an existing file, `postgresql://...` or `http(s)://...`.
        public_key: Who must have signed what is read; by default the key that FCKD_PUBLIC_KEY
            names.

    Raises:
        UserError: Nothing answers there.
    """

    def __init__(self, tracking_uri: str, public_key: Path | None = None) -> None:
        check_reachable(tracking_uri)
        self.tracking_uri = tracking_uri
        self._public_key = public_key

    def register(self, folder: Path, name: str, run_id: str, tags: Mapping[str, str]) -> int:
        """Register the packed student in `folder` and make it the candidate.

        The same weights under the same name are registered once: a second call only returns
        their version and points `candidate` at it.

        Args:
            folder: A packed student.
            name: Of the registered model; made if absent.
            run_id: The MLflow run that made the student.
            tags: Further tags of a new version.

        Returns:
            The version.

        Raises:
            UserError: The student is damaged, or there is no such run.
        """
        card, content = read_student(folder)
        digest = hashlib.sha256(content[WEIGHTS]).hexdigest()
        with self._client() as client:
            version = version_of(client, name, digest)
            if version is None:
                logged = _log(client, folder, card, name, run_id)
                ensure_name(client, name)
                known = {SHA256_TAG: digest, FINGERPRINT_TAG: fingerprint_of(content[SUMS])}
                version = _create(client, name, logged, card, {**tags, **known})
            client.set_registered_model_alias(name, CANDIDATE, str(version))
        return version

    def promote(self, name: str, version: int, forced: str | None = None) -> Verdict:
        """Make `version` the champion if the gate lets it pass, or if it is forced.

        Verdict, time, person and reason become tags of the version.

        Args:
            name: Of the registered model.
            version: Of it.
            forced: Why the gate is overruled; None if it is not.

        Returns:
            What the gate said.

        Raises:
            UserError: No such version, or it is damaged or was exchanged. A champion that cannot be
                read, or is not signed as is demanded, only keeps its place until it is forced.
        """
        with self._client() as client:
            check_version(client, model_of(client, name), version)
            current = champion_of(client, name)
            if current == version:
                return Verdict(True, f"version {version} is the champion already")
            verdict = rolled_back(client, name, version) or self._decided(
                client, name, version, current
            )
            record(client, name, version, verdict, forced)
            if verdict.promote or forced is not None:
                crown(client, name, version, current)
        return verdict

    def rollback(self, name: str) -> tuple[int, int]:
        """Make the version champion again that the champion has replaced; return both.

        Returns:
            The champion that was, and the one that is now.

        Raises:
            UserError: There is no earlier champion, or its files are damaged or were exchanged.
        """
        with self._client() as client:
            model_of(client, name)
            champion = champion_of(client, name)
            before = champion_before(client, name, champion)
            self._card(client, name, before)
            take_back(client, name, int(champion or 0), before)
        return int(champion or 0), before

    def lineage(self, reference: str) -> list[Row]:
        """Return where a student comes from: (what, which).

        Raises:
            UserError: Bad reference, no such student, or it is damaged or was exchanged.
        """
        named = parse_reference(reference)
        with self._client() as client:
            version = resolve(client, named)
            card, tags = (
                self._card(client, named.name, version),
                tags_of(client, named.name, version),
            )
            run_id = client.get_model_version(named.name, str(version)).run_id or ""
            experiment = client.get_run(run_id).info.experiment_id
        said = {
            "verdict": tags.get(VERDICT),
            "forced": tags.get(FORCED),
            "decided": tags.get(DECIDED) and f"{tags[DECIDED]}, {tags.get(DECIDED_BY)}",
            "champion before": tags.get(BEFORE),
            "rolled back": tags.get(TAKEN_BACK),
        }
        return [
            ("student", f"{named.name}/{version}"),
            *((what, which) for what, which in said.items() if which),
            ("MLflow run", run_link(self.tracking_uri, experiment, run_id)),
            *origin(card, tags),
        ]

    def pull(self, reference: str, out: Path) -> Path:
        """Download a student, check its sums, and put it in `out`.

        Args:
            reference: NAME (its champion), NAME@ALIAS or NAME/VERSION.
            out: A folder that is empty or does not exist.

        Returns:
            `out`.

        Raises:
            UserError: Bad reference, no such student, damaged files, or `out` holds something.
        """
        named = parse_reference(reference)
        check_empty(out)
        with self._client() as client, tempfile.TemporaryDirectory() as scratch:
            version = resolve(client, named)
            student = self._download(client, named.name, version, Path(scratch))
            return deliver(
                of_folder(student),
                f"{named.name}/{version}",
                out,
                public_key=self._public_key,
                name=named.name,
                fingerprint=tags_of(client, named.name, version).get(FINGERPRINT_TAG),
            )

    def _decided(
        self, client: "MlflowClient", name: str, version: int, champion: int | None
    ) -> Verdict:
        candidate = self._card(client, name, version)
        if champion is None:
            return decide(candidate, None)
        try:
            theirs = self._card(client, name, champion)
        except UserError as refusal:
            # Raised, it would leave a name whose champion is lost without another for good.
            why = " ".join(refusal.given.split())
            return Verdict(False, f"the files of champion {champion} cannot be read: {why}")
        return decide(candidate, theirs)

    def _card(self, client: "MlflowClient", name: str, version: int) -> Card:
        with tempfile.TemporaryDirectory() as scratch:
            student = self._download(client, name, version, Path(scratch))
            return read_registered(
                student,
                f"{name}/{version}",
                public_key=self._public_key,
                name=name,
                fingerprint=tags_of(client, name, version).get(FINGERPRINT_TAG),
            )

    def _download(self, client: "MlflowClient", name: str, version: int, scratch: Path) -> Path:
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        # not `models:/NAME/VERSION`: that is resolved through MLflow's global registry address
        place = client.get_model_version_download_uri(name, str(version))
        try:
            student = download_artifacts(
                f"{place}/{STUDENT_PATH}", dst_path=str(scratch), tracking_uri=self.tracking_uri
            )
        except (OSError, MlflowException) as refusal:
            raise UserError(
                f"cannot read the files of {name}/{version} at {place}: {refusal}",
                "the MLflow artefacts where the sweep has put them",
                "bring them back, or pull another version",
            ) from refusal
        return Path(student)

    @contextmanager
    def _client(self) -> Iterator["MlflowClient"]:
        """Yield a client; what MLflow refuses becomes the user's message."""
        with quiet():
            from mlflow import MlflowClient
            from mlflow.exceptions import MlflowException

            try:
                yield MlflowClient(self.tracking_uri, self.tracking_uri)
            except MlflowException as refusal:
                raise UserError(
                    f"MLflow at {shown(self.tracking_uri)} refuses: {refusal.message}",
                    "a request that it can serve",
                    "check the address, who you are (MLFLOW_TRACKING_USERNAME and _PASSWORD), your "
                    "rights, and the state of the registry",
                ) from refusal


def _log(client: "MlflowClient", folder: Path, card: Card, name: str, run_id: str) -> "LoggedModel":
    """Log the student as an MLflow model of the run."""
    from mlflow.models import Model

    from fckd.registry.mlflow_folder import save_mlflow_folder

    experiment = client.get_run(run_id).info.experiment_id
    logged = client.create_logged_model(experiment, name, source_run_id=run_id)
    model = Model(run_id=run_id, model_id=logged.model_id)
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "model"
        save_mlflow_folder(folder, card, target, model)
        client.log_model_artifacts(logged.model_id, str(target))
    return client.finalize_logged_model(logged.model_id, "READY")


def _create(
    client: "MlflowClient",
    name: str,
    logged: "LoggedModel",
    card: Card,
    tags: Mapping[str, str],
) -> int:
    # not `models:/ID`: a database resolves that through MLflow's global tracking address
    created = client.create_model_version(
        name,
        source=logged.artifact_location,
        run_id=logged.source_run_id,
        tags=dict(tags),
        description=version_note(card),
        await_creation_for=0,
        model_id=logged.model_id,
    )
    return int(created.version)
