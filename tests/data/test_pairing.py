"""Modalities belong together by the id of their sample, never by their place in a list."""

import csv

import numpy as np
import pytest

from fckd.config.networks import Modality
from fckd.data.corpus import Corpus
from fckd.data.sources.table import Table
from fckd.data.writing import write_corpus
from tests.data.conftest import silent

COUNT = 9


@pytest.fixture
def corpus(tmp_path):
    """Files of one modality are named in the opposite order to those of the other."""
    rows = []
    for number in range(COUNT):
        series, images = f"{number}.npy", f"{COUNT - number}_images.npy"
        np.save(tmp_path / series, np.full((5, 6), number, np.float32))
        np.save(tmp_path / images, np.full((5, 16, 16), number, np.uint8))
        about = {"sample_id": f"{7 * number % COUNT}", "label": number % 2, "subject": 1}
        split = "test" if number > 5 else "train"
        rows.append({**about, "split": split, "inertial": series, "depth": images})
    with (tmp_path / "own.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    table = Table(tmp_path / "own.csv", 32)
    wanted = [Modality.INERTIAL, Modality.DEPTH]
    write_corpus(table, table.recordings(wanted), wanted, tmp_path / "c", silent)
    return Corpus.open(tmp_path / "c")


def test_two_modalities_of_a_sample_are_of_one_recording(corpus):
    for index, sample_id in enumerate(corpus.sample_ids):
        series, images = (corpus.array(index, name) for name in (Modality.INERTIAL, Modality.DEPTH))
        assert set(series.ravel().tolist()) == set(images.ravel().tolist())
        assert 7 * int(series[0, 0]) % COUNT == int(sample_id)
