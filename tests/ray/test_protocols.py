"""The comparison of HMDB51 that comes with fckd, on files in the official layout."""

from pathlib import Path

import pytest

from fckd.config.comparison import Comparison
from fckd.config.documents import read_document, validate
from fckd.events import Progress, TrialStarted
from fckd.sweep.compare import Compared, compare
from tests.data.hmdb51 import THREE_FILMS, write_hmdb51
from tests.ray.conftest import Witness

pytestmark = pytest.mark.ray

SPLITS = ("split-1", "split-2", "split-3")


@pytest.fixture(scope="module")
def compared(
    ray_cluster: None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Compared, Witness]:
    folder, witness = tmp_path_factory.mktemp("hmdb51"), Witness()
    write_hmdb51(folder / "data" / "hmdb51", films=THREE_FILMS)
    overrides = [f"storage={folder / 'storage'}"]
    document = read_document(Path("comparisons/hmdb51.yaml"), smoke=True, overrides=overrides)
    comparison = validate(Comparison, document, "hmdb51")
    return compare(comparison, folder / "data", witness, lambda _: lambda __: None), witness


def test_every_arm_and_seed_is_tested_on_each_split(compared: tuple[Compared, Witness]) -> None:
    board = compared[0].leaderboard
    assert {name: found["test"] for name, found in board["protocols"].items()} == dict.fromkeys(
        SPLITS, 51
    )
    for row in board["arms"]:
        assert row["n"] == 2
        assert list(row["by_protocol"]) == list(SPLITS)
        assert sum(map(sum, row["confusion"])) == 2 * 3 * 51
        means = [row["by_protocol"][name]["mean"] for name in SPLITS]
        assert row["mean"] == pytest.approx(sum(means) / 3)
    assert len(compared[1].of(TrialStarted)) == 3 * 2 * 3


def test_every_split_has_its_own_teacher(compared: tuple[Compared, Witness]) -> None:
    stages = {event.stage for event in compared[1].of(Progress)}
    assert {f"teach flow (train+validation of {name})" for name in SPLITS} <= stages
    assert {f"lessons flow magnitude (train+validation of {name})" for name in SPLITS} <= stages
    teachers = compared[0].folder.parents[1] / "teachers"
    assert len([path for path in teachers.iterdir() if path.is_dir()]) == 3
