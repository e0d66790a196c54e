"""The spaces of the real benchmarks, on the real recordings, as small as their smoke sections."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fckd.config.documents import read_document, validate
from fckd.config.space import Space
from fckd.sweep.conduct import Conducted
from tests.ray.conftest import Witness
from tests.real.recordings import recordings

pytestmark = [pytest.mark.ray, pytest.mark.real, pytest.mark.long]


@pytest.mark.parametrize("name", ["utd_mhad_inertial", "utd_mhad_depth"])
def test_a_space_runs_from_raw_recordings_to_a_leaderboard_on_the_official_split(
    name: str, run: Callable[..., tuple[Conducted, Witness]], tmp_path: Path
) -> None:
    document = read_document(Path(f"{name}.yaml"), smoke=True, overrides=[f"storage={tmp_path}"])
    conducted, _ = run(validate(Space, document, name), recordings("utd-mhad"))
    assert conducted.leaderboard["counts"] == {"train": 323, "validation": 108, "test": 430}
    assert [row["arm"] for row in conducted.leaderboard["arms"]] == [
        "student alone",
        "logits",
        "fckd",
    ]
    assert {row["n"] for row in conducted.leaderboard["arms"]} == {2}
