"""A group's process group, which workers with another version of fckd do not get into."""

import socket
from dataclasses import dataclass
from typing import Any

from ray.train.torch import TorchConfig

from fckd import __version__
from fckd.errors import UserError

_TorchBackend: Any = TorchConfig().backend_cls


@dataclass
class SameVersionConfig(TorchConfig):  # type: ignore[misc]
    """Torch's process group for workers that have the driver's fckd.

    A node that is added in the midst of a sweep may have a newer one, and would train by other
    code. Looked at are the workers of every start, before one of them trains.

    Attributes:
        version: Of the driver's fckd.
    """

    version: str = __version__

    @property
    def backend_cls(self) -> type[Any]:
        """What Ray Train's controller calls when workers have started."""
        return _SameVersion


class _SameVersion(_TorchBackend):  # type: ignore[misc]
    def on_start(self, worker_group: Any, backend_config: SameVersionConfig) -> None:
        """Refuse before there is a process group; Ray Train does not try that again.

        Raises:
            UserError: A worker has another version than the driver.
        """
        for host, version in worker_group.execute(_here):
            check_version(host, version, backend_config.version)
        super().on_start(worker_group, backend_config)


def check_version(host: str, version: str, drivers: str) -> None:
    """Check that a node has the driver's fckd.

    Raises:
        UserError: It has another one.
    """
    if version != drivers:
        raise UserError(
            f"{host} has fckd {version}",
            f"{drivers}, which the driver of this sweep has, on every node",
            f"install fckd {drivers} there, or take the node out of the Ray cluster",
        )


def _here() -> tuple[str, str]:
    return socket.gethostname(), __version__
