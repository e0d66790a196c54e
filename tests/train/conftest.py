import pytest

from fckd.data.prepare import prepare
from fckd.data.readings import Readings
from fckd.train.workshop import Workshop
from tests.train.small import BASE, make


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    storage = tmp_path_factory.mktemp("corpus")
    return prepare(BASE.corpus, BASE.modalities, None, storage, lambda _done, _total: None)


@pytest.fixture(scope="session")
def workshop(tmp_path_factory, corpus):
    """A workshop with teachers and lessons for the search; what a test adds is keyed apart."""
    opened = Workshop(tmp_path_factory.mktemp("storage"), corpus.folder)
    make(opened, BASE)
    return opened


@pytest.fixture
def own_workshop(tmp_path, corpus):
    """An empty workshop that a test may damage."""
    return Workshop(tmp_path / "storage", corpus.folder)


@pytest.fixture
def seen(monkeypatch):
    """Every (shape of a reading, sample, view) that is read from now on, by whomever."""
    pairs = []
    kept = Readings.kept

    def spied(readings, samples, views):
        rows = zip(samples.tolist(), views.tolist(), strict=True)
        pairs.extend((readings.shape, sample, view) for sample, view in rows)
        return kept(readings, samples, views)

    monkeypatch.setattr(Readings, "kept", spied)
    return pairs
