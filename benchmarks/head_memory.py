"""Memory of the driver's node for its worker groups, by the processes that Ray starts there.

Some trials of the demo are trained on this machine, while all of Ray's processes are weighed: what
each has for itself (USS), at its heaviest. Workers are left out, which on a cluster are elsewhere.

    python -m benchmarks.head_memory [--groups 2] [--json FILE]
"""

import tempfile
import threading
from collections import defaultdict
from pathlib import Path

import psutil

from benchmarks.results import parser, tell
from fckd.config.documents import read_document, validate
from fckd.config.space import Space
from fckd.sweep.conduct import conduct

MEBI = 2**20
LOOK_SECONDS = 0.5
RAY = "ray::"
IDLE = "ray::IDLE"
ELSEWHERE = ("RayTrainWorker", "execute", "teach_on_ray", "lessons_on_ray")
"""What does the work, on whatever node has room for it."""


class Scale(threading.Thread):
    """Weighs the processes of this one's Ray again and again until it is told to end."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self._weights: defaultdict[int, float] = defaultdict(float)
        self._names: dict[int, str] = {}

    def run(self) -> None:
        """Weigh."""
        while not self.ended.wait(LOOK_SECONDS):
            for process in psutil.Process().children(recursive=True):
                try:
                    self._weigh(process)
                except psutil.Error:  # it has ended meanwhile
                    continue

    def rows(self) -> list[tuple[str, int, float]]:
        """Return of each kind of process how many there were, and MiB of the heaviest."""
        kinds: defaultdict[str, list[float]] = defaultdict(list)
        for process, name in self._names.items():
            if name not in ELSEWHERE:
                kinds[name].append(self._weights[process])
        return sorted((name, len(found), max(found)) for name, found in kinds.items())

    def _weigh(self, process: psutil.Process) -> None:
        title = (process.cmdline() or [""])[0]
        if not title.startswith(RAY):
            return
        if title != IDLE:
            self._names[process.pid] = title.removeprefix(RAY).partition(".")[0].partition(" ")[0]
        weight = process.memory_full_info().uss / MEBI
        self._weights[process.pid] = max(self._weights[process.pid], weight)


def main() -> None:
    """Train, and print the weights."""
    options = parser(__doc__)
    options.add_argument("--groups", type=int, default=2)
    given = options.parse_args()
    scale = Scale()
    with tempfile.TemporaryDirectory() as scratch:
        settings = {
            "storage": scratch,
            "execution.groups": given.groups,
            "budget.trials": 2 * given.groups,
            "confirmation.finalists": 0,
        }
        overrides = [f"{name}={value}" for name, value in settings.items()]
        document = read_document(Path("tune_spaces/demo.yaml"), smoke=True, overrides=overrides)
        scale.start()
        conduct(validate(Space, document, "demo"), None, lambda _: None, lambda _: lambda _: None)
    scale.ended.set()
    scale.join()
    tell(("process", "how many", "MiB of the heaviest"), scale.rows(), given.json)


if __name__ == "__main__":
    main()
