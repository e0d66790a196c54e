"""Small corpora: twelve figures, and a UTD-MHAD of tiny files with the official names."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from fckd.config.corpus import CorpusSettings, FrameCodings, SyntheticSettings
from fckd.config.networks import Modality
from fckd.data.prepare import prepare
from fckd.data.sources.synthetic import Synthetic
from fckd.data.sources.utd_mhad import PERFORMANCES, raw_name

MADE = [Modality.SKELETON, Modality.INERTIAL, Modality.DEPTH, Modality.RGB]
"""What the synthetic source makes."""

RAW = FrameCodings(rgb="raw", infrared="raw", depth="raw", flow="raw")

SMALL = SyntheticSettings(actions=3, subjects=4, cameras=1, repetitions=1, size=24)


def silent(*_counts):
    """Stand for a progress bar."""


@pytest.fixture(scope="session")
def settings():
    return CorpusSettings(
        source="synthetic", validation_subjects=(3,), frame_coding=RAW, synthetic=SMALL
    )


@pytest.fixture(scope="session")
def source():
    return Synthetic(SMALL)


@pytest.fixture(scope="session")
def corpus(settings, tmp_path_factory):
    return prepare(settings, MADE, None, tmp_path_factory.mktemp("storage"), silent)


@pytest.fixture
def skeleton(source):
    return source.read(source.recordings(())[0], Modality.SKELETON)


@pytest.fixture(scope="session")
def utd_files(tmp_path_factory):
    """All official names; every file of a folder has the same content."""
    folder = tmp_path_factory.mktemp("utd") / "utd-mhad"
    random = np.random.default_rng(0)
    depth = np.zeros((24, 32, 10), np.uint16)
    depth[4:20, 10:18] = random.integers(2000, 2400, (16, 8, 10))
    contents = {
        Modality.SKELETON: {"d_skel": random.normal(size=(20, 3, 10))},
        Modality.INERTIAL: {"d_iner": random.normal(size=(26, 6))},
        Modality.DEPTH: {"d_depth": depth},
    }
    for modality, content in contents.items():
        place = folder / modality.capitalize()
        place.mkdir(parents=True)
        first = place / raw_name(PERFORMANCES[0], modality)
        savemat(first, content, do_compression=True)
        for performance in PERFORMANCES[1:]:
            os.link(first, place / raw_name(performance, modality))
    return folder


@pytest.fixture
def utd(utd_files, tmp_path):
    """A copy of the benchmark that a test may damage: links, so replace files, never write."""
    data = tmp_path / "data"
    for path in utd_files.rglob("*.mat"):
        target = data / "utd-mhad" / path.relative_to(utd_files)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, target)
    return data


@pytest.fixture
def storage(tmp_path) -> Path:
    return tmp_path / "storage"
