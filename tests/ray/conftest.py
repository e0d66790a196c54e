"""One local Ray cluster for every test that needs one, and the demo's smoke section run on it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
import ray

from fckd.config.campaign import ExecutionSettings
from fckd.config.documents import read_document, validate
from fckd.config.space import Space
from fckd.events import Event
from fckd.sweep.cluster import cluster
from fckd.sweep.conduct import Conducted, conduct

DEMO = Path("tune_spaces/demo.yaml")


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        # as many on every machine: how much is under way at once depends on it
        patch.setattr("fckd.sweep.cluster.cores", lambda: 2)
        with cluster(ExecutionSettings(groups=1, workers=2)):
            yield
    assert not ray.is_initialized()


@pytest.fixture(scope="session")
def smoke_space() -> Callable[..., Space]:
    def build(storage: Path, *overrides: str) -> Space:
        given = [f"storage={storage}", *overrides]
        return validate(Space, read_document(DEMO, smoke=True, overrides=given), "demo")

    return build


class Witness:
    """Keeps every event that it hears."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture(scope="session")
def run(ray_cluster: None) -> Callable[..., tuple[Conducted, Witness]]:
    def conduct_space(space: Space, data: Path | None = None) -> tuple[Conducted, Witness]:
        heard = Witness()
        return conduct(space, data, heard, lambda _: lambda __: None), heard

    return conduct_space


def finished_keys(study: optuna.Study) -> list[str]:
    complete = optuna.trial.TrialState.COMPLETE
    return [trial.user_attrs["trial_key"] for trial in study.get_trials(states=(complete,))]
