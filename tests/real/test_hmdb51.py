"""The official split lists of HMDB51; its clips are not here, so their names stand for them."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fckd.config.documents import read_document, validate
from fckd.config.space import Space
from fckd.data.sources.hmdb51 import LISTS, Hmdb51
from fckd.data.sources.hmdb51_splits import CLASSES, PROTOCOLS
from fckd.data.validation import held_out
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


def test_the_search_of_the_space_is_judged_on_93_films_of_44_classes(listed, space):
    """docs/benchmarks.md says so."""
    films = SimpleNamespace(groups=np.array([each.group for each in listed]))
    splits = np.array([each.splits["split-1"] for each in listed])
    labels = np.array([each.label for each in listed])
    held = held_out(films, space.experiment.corpus, splits)
    assert len(set(films.groups[splits == "train"])) == 933
    assert len(set(films.groups[held])) == 93
    assert np.count_nonzero(held) == 335
    absent = set(range(51)) - set(labels[held].tolist())
    assert {CLASSES[label] for label in absent} == {
        *("jump", "kick", "ride_bike", "run", "shoot_gun", "talk", "throw")
    }
    learnt = {_plain(film) for film in films.groups[(splits == "train") & ~held]}
    on_both_sides = [film for film in films.groups[held] if _plain(film) in learnt]
    assert Counter(on_both_sides) == {"best_kisses": 11, "treppen_steigen": 9}


@pytest.fixture
def space():
    return validate(Space, read_document(Path("tune_spaces/hmdb51_rgb.yaml")), "hmdb51_rgb")


def _plain(film):
    return "".join(filter(str.isalnum, film))
