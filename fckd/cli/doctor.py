"""`fckd doctor`: is this machine fit, and if not, what mends it."""

import os
import shutil
import sys
import uuid
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import torch
from packaging.requirements import Requirement
from rich.console import Console
from rich.markup import escape

from fckd import __version__
from fckd.cli.inputs import artifact_root, settings, tracking_uri
from fckd.distill.kernels import lacking
from fckd.errors import UserError
from fckd.files import make_folder, write_bytes
from fckd.storage.address import Address
from fckd.storage.shelf import proved, storage_folder
from fckd.sweep.ledger_places import open_ledger
from fckd.tracking.redaction import redact_text

FREE_GIGABYTES = 2.0


def examine(console: Console, address: str) -> bool:
    """Run every check, print a line for each, and return whether all passed.

    Args:
        console: Where to print.
        address: The storage: a folder, or an address in S3.
    """
    storage = storage_folder(address)
    checks: dict[str, Callable[[], str]] = {
        "versions": _versions,
        "storage": lambda: _writes(storage),
        "S3": lambda: proved(address),
        "free disk": lambda: _disk(storage),
        "devices": _devices,
        "ledger": lambda: _ledger(storage),
        "MLflow": lambda: _mlflow(storage),
        "Ray": lambda: _ray(address if Address.parse(address) else str(storage)),
    }
    passed = [_check(console, name, check) for name, check in checks.items()]
    return all(passed)


def _check(console: Console, name: str, check: Callable[[], str]) -> bool:
    try:
        console.print(f"[green]ok[/]    {name}: {escape(check())}", highlight=False, soft_wrap=True)
    except Exception as found:  # noqa: BLE001 - whatever a check ends with is what was found
        kind = "" if isinstance(found, UserError) else f"{type(found).__name__}: "
        shown = escape(f"{kind}{found}")
        console.print(f"[red]wrong[/] {name}: {shown}", highlight=False, soft_wrap=True)
        return False
    return True


def _versions() -> str:
    found = [f"fckd {__version__}", f"python {sys.version.split()[0]}"]
    for text in requires("fckd") or ():
        wanted = Requirement(text)
        if wanted.name == "fckd" or not _is_needed(wanted):
            continue
        try:
            there = version(wanted.name)
        except PackageNotFoundError as missing:
            raise _wrong(f"{wanted.name} is not installed", str(wanted)) from missing
        if not wanted.specifier.contains(there, prereleases=True):
            raise _wrong(f"{wanted.name} {there}", str(wanted))
        found.append(f"{wanted.name} {there}")
    return ", ".join(found)


def _is_needed(wanted: Requirement) -> bool:
    """Whether the whole service needs it, which is more than a pulled student needs."""
    marker = wanted.marker
    extras = ("", "student", "onnx", "service")
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras)


def _wrong(given: str, expected: str) -> UserError:
    return UserError(given, expected, "run `make install`, which installs the tested set")


def _writes(storage: Path) -> str:
    make_folder(storage)
    probe = storage / f".doctor-{uuid.uuid4().hex}"
    write_bytes(probe, b"fckd")
    try:
        if probe.read_bytes() != b"fckd":
            raise UserError(
                f"{storage} returns other bytes than written",
                "a disk that keeps what it is given",
                "choose another --storage",
            )
    finally:
        probe.unlink()
    return f"{storage} can be written and read"


def _disk(storage: Path) -> str:
    free = shutil.disk_usage(storage).free / 1e9
    if free < FREE_GIGABYTES:
        raise UserError(
            f"{free:.1f} GB are free in {storage}",
            f"at least {FREE_GIGABYTES:g} GB",
            "delete old sweeps, or choose another --storage",
        )
    return f"{free:.1f} GB free in {storage}"


def _devices() -> str:
    gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    if not gpus:
        return "no GPU: everything runs on the CPU"
    missing = lacking()
    kernels = f"losses as torch launches them, for want of {missing}" if missing else "fused losses"
    return f"{', '.join(gpus)}; {kernels}; trials that share a GPU {_sharing()}"


def _sharing() -> str:
    """Say how: NVIDIA's Multi-Process Service leaves a pipe where its clients look for it."""
    pipes = Path(os.environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps"))  # noqa: S108
    return "run at once" if (pipes / "control").exists() else "take turns (docs/running.md)"


def _mlflow(storage: Path) -> str:
    from fckd.tracking.probe import probe

    uri = tracking_uri(storage)
    probe(uri, artifact_root(storage))
    return f"{redact_text(uri)} takes a run and gives it back"


def _ledger(storage: Path) -> str:
    from fckd.sweep.probe import proved_ledger

    return proved_ledger(open_ledger(make_folder(storage), settings().ledger_url))


def _ray(address: str) -> str:
    from fckd.sweep.probe import proved_nodes

    return proved_nodes(address)
