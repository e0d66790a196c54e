"""A sweep as its user runs it: a command that is wounded, and run again until it is done."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psutil

DEMO = Path("tune_spaces/demo.yaml")
EPOCHS = 12
SEEDS = 2
TRIALS = 5
SETTINGS = (
    f"experiment.training.epochs={EPOCHS}",
    f"budget.trials={TRIALS}",
    "stopping={rule: halving, grace_epochs: 3, reduction: 2}",
    f"confirmation.seeds={SEEDS}",
)
"""One trial at a time: with more, the order of their ends, and so what is drawn, is chance."""
LIMIT_SECONDS = 600


class Sweep:
    """What a sweep has left behind, and what it suffered.

    Args:
        storage: The folder of its driver's files.
        ledger: Address of the ledger.
        tracking: Address of MLflow.
    """

    def __init__(self, storage: Path, ledger: str, tracking: str) -> None:
        self.storage, self.ledger, self.tracking = storage, ledger, tracking
        self.wounds: list[str] = []

    def __repr__(self) -> str:
        """Say when it was wounded: what a failed assertion needs to tell."""
        return f"a sweep wounded {', '.join(self.wounds)}" if self.wounds else "a sweep"

    @property
    def folder(self) -> Path | None:
        """The sweep's own folder, if it has one by now."""
        return next(iter((self.storage / "sweeps").glob("demo-*")), None)

    def events(self) -> bytes:
        """Return every event that was spooled."""
        path = self.folder and self.folder / "events.jsonl"
        return path.read_bytes() if path and path.exists() else b""


class Campaign(Sweep):
    """The demo's smoke sweep, a little longer, in a storage folder of its own.

    Args:
        storage: Its folder.
        settings: Further `--set` words.
        environment: Further variables, such as RAY_ADDRESS.
    """

    def __init__(self, storage: Path, *settings: str, **environment: str) -> None:
        super().__init__(
            storage, f"sqlite:///{storage / 'ledger.db'}", f"sqlite:///{storage / 'mlflow.db'}"
        )
        storage.mkdir(parents=True, exist_ok=True)
        words = [f"storage={storage}", *SETTINGS, *settings]
        self._command = [sys.executable, "-m", "fckd.cli.main", "sweep", str(DEMO), "--smoke"]
        self._command += [part for word in words for part in ("--set", word)]
        inherited = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1"}
        for name in ("RAY_ADDRESS", "MLFLOW_TRACKING_URI"):
            inherited.pop(name, None)
        self._environment = inherited | environment
        self.log = storage / "driver.log"

    @contextmanager
    def running(self):
        """Start the command; whatever is left of it at the end of the block is killed."""
        with self.log.open("ab") as sink:
            # A process group of its own, as a terminal makes one for each command.
            driver = subprocess.Popen(
                self._command,
                env=self._environment,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        family = psutil.Process(driver.pid)
        children: list[psutil.Process] = []
        try:
            yield driver
            if family.is_running():
                children = family.children(recursive=True)
        finally:
            driver.kill()
            driver.wait()
            for child in children:
                if child.is_running():
                    child.kill()

    def finish(self) -> str:
        """Run the command to its end, which must be a good one; return what it printed."""
        before = self.log.stat().st_size if self.log.exists() else 0
        with self.running() as driver:
            code = driver.wait(LIMIT_SECONDS)
        printed = self.log.read_text()[before:]
        assert code == 0, printed[-4000:]
        return printed
