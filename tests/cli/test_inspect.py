"""What a corpus is told to hold: by `prepare`, by `inspect`, and by pictures."""

import re

import pytest
from PIL import Image

from fckd.data.corpus import Corpus
from fckd.data.official import compared
from fckd.data.sheet import draw_sheet
from tests.cli.command import fckd, refusal


@pytest.fixture
def folder(made):
    (found,) = [path for path in (made / "corpora").iterdir() if path.is_dir()]
    return found


def test_prepare_and_inspect_count_splits_classes_and_modalities(smoke, folder):
    for said in (smoke[1]["prepare"].out, fckd("inspect", folder).out):
        assert "cross-subject: 12 train, 12 test\n" in said
        skeletons = r"^skeleton +24 +\d+ to \d+ +\d+ +20 × 3 .* float32 +[\d.]+ kB *$"
        assert re.search(skeletons, said, re.MULTILINE)
        assert re.search(r"^wave +\d+ +\d+$", said, re.MULTILINE)


def test_a_corpus_is_found_by_its_name_in_the_storage(folder):
    assert fckd("inspect", folder.name).out == fckd("inspect", folder).out


def test_a_sample_is_shown_in_all_its_modalities(folder):
    corpus = Corpus.open(folder)
    ran = fckd("inspect", folder, corpus.sample_ids[0])
    assert ran.code == 0
    path = re.search(r"^preview: (.*)$", ran.out, re.MULTILINE)[1]
    with Image.open(path) as preview:
        assert preview.n_frames > 1
        assert preview.width > preview.height
    assert all(modality in ran.out for modality in corpus.modalities)


def test_an_unknown_corpus_and_sample_are_refused(place, folder):
    assert folder.name in refusal(place, "inspect", "absent")
    assert "no sample" in refusal(place, "inspect", folder, "absent")


def test_the_sheet_of_the_same_corpus_is_the_same(folder):
    with Image.open(folder / "sheet.png") as sheet:
        assert sheet.tobytes() == draw_sheet(Corpus.open(folder)).tobytes()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("utd-mhad", "cross-subject", 431, 430), "as published (431 / 430)"),
        (("ntu60", "cross-subject", 40320, 16560), "as published (40,320 / 16,560)"),
        (
            ("ntu60", "cross-subject", 40091, 16480),
            "7 fewer in test than published (40,091 / 16,487, without the 302 that lack skeletons)",
        ),
        (
            ("hmdb51", "split-2", 3569, 1531),
            "1 fewer in train and 1 more in test than published (3,570 / 1,530)",
        ),
        (("table", "own", 3, 1), ""),
    ],
)
def test_counts_are_held_against_the_published_ones_in_words(given, said):
    assert compared(*given) == said
