"""Fetch a student from a registry, a folder or S3; whatever comes is checked before it is there."""

from pathlib import Path

from fckd.errors import UserError, to_install
from fckd.registry.delivery import check_empty, deliver, of_folder
from fckd.registry.reference import parse_reference
from fckd.registry.sums import SUMS
from fckd.storage.address import Address
from fckd.storage.bucket import Bucket

SERVER = ("http://", "https://")


def pull(reference: str, out: Path, tracking_uri: str, public_key: Path | None = None) -> Path:
    """Put a student into `out`, whole or not at all; return `out`.

    Args:
        reference: NAME (its champion), NAME@ALIAS or NAME/VERSION of the registry; or a student's
            folder, or `s3://BUCKET/PREFIX` of one.
        out: A folder that is empty or does not exist.
        tracking_uri: Of the registry.
        public_key: Who must have signed it; by default the key that FCKD_PUBLIC_KEY names.

    Raises:
        UserError: No such student, `out` holds something, or what is there is damaged, was
            exchanged, or is not signed by a key that is set.
    """
    check_empty(out)
    address = Address.parse(reference)
    if address is not None:
        bucket = Bucket(address.bucket)

        def read(name: str) -> bytes | None:
            return bucket.read(address.key(name))

        return deliver(read, reference, out, public_key=public_key)
    if (Path(reference) / SUMS).is_file():
        return deliver(of_folder(Path(reference)), reference, out, public_key=public_key)
    named = parse_reference(reference)
    if not tracking_uri.startswith(SERVER):
        return _from_database(reference, out, tracking_uri, public_key)
    # not needed for a folder, and it asks the server at once
    from fckd.registry.rest import RestRegistry

    found = RestRegistry(tracking_uri).find(named)
    return deliver(
        found.read,
        f"{found.name}/{found.version}",
        out,
        public_key=public_key,
        name=found.name,
        fingerprint=found.fingerprint,
    )


def _from_database(reference: str, out: Path, tracking_uri: str, public_key: Path | None) -> Path:
    from fckd.registry.store import Registry

    registry = Registry(tracking_uri, public_key)
    try:
        return registry.pull(reference, out)
    except ModuleNotFoundError as absent:
        if absent.name != "mlflow":
            raise
        raise UserError(
            "mlflow is not installed, which reading its database needs",
            "the address of an MLflow server, a student's folder, or s3://BUCKET/PREFIX of one",
            f"set MLFLOW_TRACKING_URI=http://HOST:PORT, or {to_install('service')}",
        ) from absent
