"""The files of runs: in a folder of this machine, and on the shelf if there is one."""

from pathlib import Path

from fckd.storage.copies import Copies

PARTS = 4
"""Of the path of a run's folder: sweeps/SWEEP/trials/RUN."""


class RunFiles:
    """Where runs of one storage keep their files.

    Args:
        storage: The folder that holds every artefact.
        copies: Of its files on the shelf, if there is one.
    """

    def __init__(self, storage: Path, copies: Copies | None) -> None:
        self._storage, self._copies = storage, copies

    def folder(self, given: str) -> Path:
        """Return the folder of a run on this machine.

        Args:
            given: On the machine that gave the task. With a shelf another machine's differs in
                all but sweeps/SWEEP/trials/RUN.
        """
        folder = Path(given)
        if self._copies is None or folder.is_relative_to(self._storage):
            return folder
        return self._storage.joinpath(*folder.parts[-PARTS:])

    def bring(self, *files: Path) -> None:
        """Make a run's files what they are on the shelf, if there is one; some may be absent.

        Raises:
            StorageLost: The shelf does not answer, or holds a damaged copy.
        """
        if self._copies:
            for file in files:
                self._copies.bring(file)

    def send(self, *files: Path) -> None:
        """Put a run's files on the shelf, if there is one.

        Raises:
            StorageLost: The shelf does not answer.
        """
        if self._copies:
            for file in files:
                self._copies.send(file)

    def drop(self, file: Path) -> None:
        """Be rid of a run's file, here and on the shelf.

        Raises:
            StorageLost: The shelf does not answer.
        """
        if self._copies:
            self._copies.drop(file)
        file.unlink(missing_ok=True)
