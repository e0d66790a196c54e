"""pull and predict: a registered student is fetched, checked, and names actions."""

import re
from pathlib import Path

import numpy as np
import pytest

from fckd.data.corpus import Corpus
from tests.cli.command import fckd, listing
from tests.cli.conftest import DEMO


@pytest.fixture
def recording(place):
    np.save(place / "wave.npy", np.random.default_rng(0).normal(size=(30, 6)).astype(np.float32))
    return "wave.npy"


def test_a_pulled_student_is_the_one_that_was_registered(place, registry, student):
    ran = fckd("pull", "wrist@candidate", "--out", "mine", "--storage", registry)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "wrist@candidate is in mine\n"
    assert listing(place / "mine") == listing(student)


def test_a_store_may_be_named_by_the_environment(place, registry, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{registry / 'mlflow.db'}")
    assert fckd("pull", "wrist/1", "--out", "mine").code == 0


def test_predict_shows_the_most_probable_actions_in_order_and_marks_the_first(student, recording):
    ran = fckd("predict", student, recording)
    assert (ran.code, ran.err) == (0, "")
    marks, shares = zip(*re.findall(r"^(.) +([\d.]+)%  \w+$", ran.out, re.MULTILINE), strict=True)
    assert marks == ("→", " ", " ", " ", " ")
    assert list(shares) == sorted(shares, key=float, reverse=True)


def test_predict_says_what_the_corpus_knows(place, student):
    ran = fckd("prepare", *_inertial())
    assert ran.code == 0
    corpus = re.search(r"^corpus: (.*)$", ran.out, re.MULTILINE)[1]
    said = fckd("predict", student, f"{corpus}/{_first_sample(corpus)}").out
    assert re.search(r"^  the corpus says: \w+", said, re.MULTILINE)


def _inertial():
    wrist = "experiment.student={modality: inertial, network: temporal, width: 8, frames: 12}"
    return (DEMO, "--smoke", "--set", wrist)


def _first_sample(corpus):
    return Corpus.open(Path(corpus)).sample_ids[0]
