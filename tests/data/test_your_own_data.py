"""The worked example of docs/your_own_data.md, taken from the page and run."""

import re
import runpy
from pathlib import Path

import pytest

from fckd.config.documents import read_document, validate
from fckd.config.networks import Modality
from fckd.config.space import Space
from fckd.data.forms import FORMS
from fckd.data.prepare import prepare
from fckd.data.protocols import divide
from fckd.data.sources.table_rows import POSSIBLE
from tests.data.conftest import silent

PAGE = (Path(__file__).parents[2] / "docs" / "your_own_data.md").read_text()


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "make_clips.py").write_text(block("python"))
    (tmp_path / "own.yaml").write_text(block("yaml"))
    runpy.run_path("make_clips.py")
    return tmp_path


def test_the_example_becomes_a_corpus_with_flow(folder):
    space = validate(Space, read_document(folder / "own.yaml", smoke=False, overrides=[]), "own")
    experiment = space.experiment
    corpus = prepare(experiment.corpus, experiment.modalities, None, folder / "storage", silent)
    assert corpus.classes == ("across", "up")
    assert corpus.array(0, Modality.RGB).shape == (24, 48, 64, 3)
    assert corpus.array(0, Modality.FLOW).shape == (24, 48, 64, 2)
    assert corpus.array(0, Modality.INERTIAL).shape == (48, 6)
    division = divide(corpus, experiment.corpus)
    assert [len(part) for part in (division.train, division.validation, division.test)] == [4, 4, 4]


def test_the_page_shows_the_table_as_it_is_written(folder):
    head = "".join((folder / "own.csv").read_text().splitlines(keepends=True)[:3])
    assert head in PAGE


@pytest.mark.parametrize("column", POSSIBLE)
def test_the_page_explains_every_column(column):
    assert re.search(rf"^\|.*`{column}`.*\|.*\|.*\|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("modality", Modality)
def test_the_page_names_the_stored_form_of_every_modality(modality):
    row = re.search(rf"^\| {modality} \| \((.*?)\) (\w+) \|", PAGE, re.MULTILINE)
    assert row[2] == FORMS[modality].dtype.name
    assert len(row[1].split(",")) == len(FORMS[modality].shape)
