"""What every source says of train and test, and that no test id is ever learnt from."""

import random
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fckd.config.corpus import PROTOCOLS, CorpusSettings, SyntheticSettings
from fckd.config.networks import Modality
from fckd.data.prepare import prepare
from fckd.data.protocols import divide
from fckd.data.sources.hmdb51 import Hmdb51
from fckd.data.sources.n_ucla import NUcla
from fckd.data.sources.ntu60 import Ntu60
from fckd.data.sources.synthetic import Synthetic
from fckd.data.sources.utd_mhad import UtdMhad
from fckd.data.validation import held_out
from fckd.errors import UserError
from tests.data import n_ucla, ntu60
from tests.data.conftest import silent
from tests.data.hmdb51 import write_hmdb51

NTU_NAMES = [
    f"S{setup:03d}C{camera:03d}P{subject:03d}R001A{action:03d}"
    for setup in (1, 17)
    for camera in (1, 2, 3)
    for subject in range(1, 8)
    for action in (1, 60)
]
SKELETON = [Modality.SKELETON]


def write_ntu60(folder):
    folder.mkdir()
    for name in NTU_NAMES:
        (folder / f"{name}.skeleton").write_text("0")
    return folder


def write_n_ucla(folder):
    for action in n_ucla.ACTION_IDS:
        for view in (1, 2, 3):
            n_ucla.write_json_clip(
                folder, f"a{action:02d}_s{1 + action % 3:02d}_e00_v{view:02d}", 2
            )
    return folder


@pytest.fixture(scope="module")
def recordings(tmp_path_factory, utd_files):
    """Source -> its recordings, for every benchmark."""
    folder = tmp_path_factory.mktemp("official")
    return {
        "synthetic": Synthetic(SyntheticSettings(subjects=5)).recordings(()),
        "utd-mhad": UtdMhad(utd_files, 112).recordings(SKELETON),
        "n-ucla": NUcla(write_n_ucla(folder / "n"), 112).recordings(SKELETON),
        "ntu60": Ntu60(write_ntu60(folder / "t"), 112).recordings(SKELETON),
        "hmdb51": Hmdb51(write_hmdb51(folder / "h"), 112).recordings([Modality.RGB]),
    }


BENCHMARKS = [source for source in PROTOCOLS if source != "table"]
OFFICIAL = [(source, protocol) for source in BENCHMARKS for protocol in PROTOCOLS[source]]

some = st.sets(st.integers(1, 6), min_size=1)
rules = st.one_of(
    st.builds(lambda who: {"validation_subjects": tuple(who)}, some),
    st.builds(lambda which: {"validation_cameras": tuple(which)}, some),
    st.builds(lambda share: {"validation_share": share}, st.floats(0.01, 0.99)),
)


def rows(recordings):
    """Return what `divide` reads of a corpus."""
    return SimpleNamespace(
        labels=np.array([each.label for each in recordings]),
        subjects=np.array([each.subject for each in recordings]),
        cameras=np.array([each.camera for each in recordings]),
        groups=np.array([each.group for each in recordings]),
        splits=lambda protocol: np.array([each.splits[protocol] for each in recordings]),
    )


@pytest.mark.parametrize("source", BENCHMARKS)
def test_every_recording_has_a_part_in_every_protocol_of_its_source(recordings, source):
    for recording in recordings[source]:
        assert tuple(recording.splits) == PROTOCOLS[source]
        assert set(recording.splits.values()) <= {"train", "test", "unused"}


@pytest.mark.parametrize(("source", "protocol"), OFFICIAL)
@given(rule=rules)
def test_no_test_id_enters_train_or_validation(recordings, source, protocol, rule):
    tests = {each.sample_id for each in recordings[source] if each.splits[protocol] != "train"}
    rule = {
        name: value if isinstance(value, float) else tuple(value) for name, value in rule.items()
    }
    settings = CorpusSettings(source=source, protocol=protocol, **rule)
    try:
        division = divide(rows(recordings[source]), settings)
    except UserError:
        return
    ids = np.array([each.sample_id for each in recordings[source]])
    assert tests.isdisjoint(ids[division.train])
    assert tests.isdisjoint(ids[division.validation])
    assert set(ids[division.official_train]) == set(ids) - tests
    assert set(ids[division.test]) <= tests


@pytest.mark.parametrize(("source", "protocol"), OFFICIAL)
@pytest.mark.parametrize("share", [0.1, 0.3])
def test_a_share_of_groups_never_tears_one_apart(recordings, source, protocol, share):
    corpus = rows(recordings[source])
    trains = corpus.splits(protocol) == "train"
    groups = set(corpus.groups[trains])
    settings = CorpusSettings(source=source, protocol=protocol, validation_share=share)
    if len(groups) < 2:  # the made-up HMDB51 has few films
        return
    held = held_out(corpus, settings, corpus.splits(protocol))
    validation = set(corpus.groups[held])
    assert not validation & set(corpus.groups[trains & ~held])
    assert not (held & ~trains).any()
    assert len(validation) == max(1, round(share * len(groups)))


def test_ntu_is_divided_as_its_authors_say(recordings):
    for recording in recordings["ntu60"]:
        trains = recording.subject in {1, 2, 4, 5}
        assert recording.splits["cross-subject"] == ("train" if trains else "test")
        assert recording.splits["cross-view"] == ("test" if recording.camera == 1 else "train")


def shuffled(folder, target):
    """Copy files in another order, so that the file system lists them in another order."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    random.Random(0).shuffle(files)
    for path in files:
        place = target / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)


@pytest.mark.parametrize("source", ["n-ucla", "ntu60"])
def test_files_shuffled_on_disk_make_the_same_corpus(source, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    if source == "n-ucla":
        modalities = [Modality.SKELETON, Modality.DEPTH, Modality.RGB]
        for view, name in [(1, "a01_s01_e00"), (3, "a12_s02_e01"), (2, "a02_s01_e00")]:
            n_ucla.write_raw_clip(first / source, view, name)
    else:
        modalities = [Modality.SKELETON, Modality.DEPTH, Modality.RGB, Modality.INFRARED]
        for name in NTU_NAMES[:4]:
            ntu60.write_clip(first / source, name)
    shuffled(first, second)
    settings = CorpusSettings(source=source, validation_cameras=(2,), image_side=32)
    one, two = (
        prepare(settings, modalities, data, data / "storage", silent) for data in (first, second)
    )
    assert one.fingerprint == two.fingerprint
    assert one.sample_ids == two.sample_ids
