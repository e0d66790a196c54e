"""Corpora, teachers and lessons through S3: made on one machine, found on every other."""

import pytest
import ray.cloudpickle
import torch

from fckd.config.campaign import ExecutionSettings
from fckd.data.prepare import prepare
from fckd.data.preview import write_preview
from fckd.errors import UserError
from fckd.storage.shelf import open_shelf, storage_folder
from fckd.sweep.groups import Ground
from fckd.train.workshop import Workshop
from tests.cli.command import fckd
from tests.cli.conftest import DEMO
from tests.storage.server import BUCKET, KEY, SECRET
from tests.train.small import BASE, make

pytestmark = pytest.mark.service
CPU = torch.device("cpu")


@pytest.fixture
def on(tmp_path, monkeypatch):
    """Return a function that goes to a machine, known by a name."""

    def go(name):
        monkeypatch.setenv("FCKD_CACHE", str(tmp_path / name))

    go("maker")
    return go


def prepared(place):
    """Return the corpus and whether it was written now."""
    written = []
    shelf, folder = open_shelf(place), storage_folder(place)
    corpus = prepare(
        BASE.corpus, BASE.modalities, None, folder, lambda *n: written.append(n), shelf=shelf
    )
    return corpus, bool(written)


def opened(place):
    shelf = open_shelf(place)
    return Workshop(storage_folder(place), prepared(place)[0].folder, CPU, shelf)


@pytest.fixture
def elsewhere(on, place):
    """A workshop on another machine than the one that has made everything."""
    maker = opened(place)
    make(maker, BASE)
    on("other")
    return Workshop.elsewhere(maker.address, str(maker.corpus_folder), CPU)


def test_a_corpus_comes_back_with_the_same_fingerprint(on, place):
    first, written = prepared(place)
    assert written
    on("other")
    second, written = prepared(place)
    assert not written
    assert second.fingerprint == first.fingerprint
    assert second.folder != first.folder
    for path in first.folder.iterdir():
        assert (second.folder / path.name).read_bytes() == path.read_bytes()


def test_a_corpus_that_could_not_be_published_is_published_the_next_time(on, place, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        with pytest.raises(UserError, match="no S3 service answers"):
            prepared(place)
    local = prepare(BASE.corpus, BASE.modalities, None, storage_folder(place), lambda *_: None)
    write_preview(local, 0)  # somebody looks at it meanwhile
    assert open_shelf(place).names("corpora") == []
    corpus, written = prepared(place)
    assert not written
    assert open_shelf(place).names("corpora") == [corpus.folder.name]


def test_teachers_and_lessons_are_fetched_where_they_are_needed(elsewhere):
    for name in BASE.teachers:
        store = elsewhere.lessons(BASE, name, "train")
        assert store.folder.is_relative_to(elsewhere.storage)
        assert elsewhere.teacher(BASE, name, "train").settings == BASE.teachers[name]


def test_nothing_is_made_twice(elsewhere):
    for name in BASE.teachers:
        assert list(elsewhere.teach(BASE, name, "train")) == []
        assert list(elsewhere.make_lessons(BASE, name, "train")) == []


def test_a_students_study_needs_nothing_else(elsewhere):
    study = elsewhere.study(BASE, "train")
    assert set(study.lessons) == set(BASE.teachers)


def test_what_was_never_made_is_the_users_to_mend(on, place):
    with pytest.raises(UserError, match=r"no readable teacher(.|\n)*fckd teach"):
        opened(place).teacher(BASE, "skeleton", "train")


def test_a_given_up_training_publishes_nothing(on, place):
    training = opened(place).teach(BASE, "skeleton", "train")
    next(training)
    training.close()
    assert open_shelf(place).names("teachers") == []


def test_commands_take_the_address_and_the_secret_goes_nowhere(on, place, s3, tmp_path):
    ran = [fckd("distill", DEMO, "--smoke", "--set", f"storage={place}")]
    on("other")
    (name,) = open_shelf(place).names("corpora")
    ran += [
        fckd("inspect", name, "--storage", place),
        fckd("plan", DEMO, "--smoke", "--set", f"storage={place}"),
    ]
    assert [one.code for one in ran] == [0, 0, 0], ran
    assert len(open_shelf(place).names("teachers")) == len(open_shelf(place).names("lessons")) == 2
    said = "".join(one.out + one.err for one in ran).encode()
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    kept = [
        s3.client.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()
        for entry in s3.client.list_objects_v2(Bucket=BUCKET)["Contents"]
    ]
    assert len(written) > 20
    for secret in (SECRET.encode(), KEY.encode()):
        assert not any(secret in content for content in [said, *written, *kept])


def test_an_unknown_corpus_is_refused_with_those_on_the_shelf(on, place):
    corpus, _ = prepared(place)
    on("other")
    ran = fckd("inspect", "nothing", "--storage", place)
    assert ran.code == 2
    assert place in ran.err
    assert corpus.folder.name in ran.err


def test_what_goes_to_workers_carries_an_address_and_no_secret(elsewhere, tmp_path):
    elsewhere.lessons(BASE, "skeleton", "train")  # its client is connected
    folders = (elsewhere.corpus_folder, tmp_path)
    ground = Ground(None, elsewhere.address, *folders, ExecutionSettings())
    pickled = ray.cloudpickle.dumps(ground)
    assert elsewhere.address.encode() in pickled
    for secret in (SECRET, KEY):
        assert secret.encode() not in pickled
