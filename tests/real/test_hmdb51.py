"""The official split lists of HMDB51; its clips are not here, so their names stand for them."""

from collections import Counter

import pytest

from fckd.data.sources.hmdb51 import LISTS, Hmdb51
from fckd.data.sources.hmdb51_splits import CLASSES, PROTOCOLS
from tests.real.recordings import recordings

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hmdb51")
    (folder / LISTS).symlink_to(recordings("hmdb51-splits") / "hmdb51-splits")
    return Hmdb51(folder, image_side=112).recordings([])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_split_trains_on_70_and_tests_on_30_clips_of_a_class(listed, protocol):
    counts = Counter((each.splits[protocol], each.label) for each in listed)
    assert sum(counts["train", label] for label in range(51)) == 3570
    assert sum(counts["test", label] for label in range(51)) == 1530
    assert {counts["train", label] for label in range(51)} == {70}
    assert {counts["test", label] for label in range(51)} == {30}


def test_of_6766_clips_395_are_in_no_split_and_every_other_is_of_a_film(listed):
    assert len(listed) == 6766 - 395
    assert all(each.group for each in listed)
    assert len(CLASSES) == len({each.label for each in listed}) == 51
