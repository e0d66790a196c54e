"""pull and predict: a registered student is fetched, checked, and names actions."""

import csv
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pyarrow import parquet

from fckd.cli import students
from fckd.config.networks import NetworkSettings
from fckd.data.corpus import Corpus
from fckd.errors import UserError
from fckd.models.table import build_network
from fckd.registry.packing import pack_student
from tests.cli.command import fckd, listing, refusal
from tests.cli.conftest import DEMO
from tests.data.n_ucla import write_json_clip
from tests.registry.students import CLASSES, card, packed


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


@pytest.fixture
def many(place):
    folder = place / "recordings"
    folder.mkdir()
    for number in range(3):
        readings = np.random.default_rng(number).normal(size=(30, 6)).astype(np.float32)
        np.save(folder / f"{number}.npy", readings)
    return "recordings"


@pytest.mark.parametrize("words", [["recordings"], ["recordings/*.npy"]])
def test_a_folder_or_pattern_of_recordings_becomes_a_table(place, student, many, words):
    ran = fckd("predict", student, *words, "--out", "answers.csv", "--top", 2)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("3 recordings: answers.csv\n")
    with (place / "answers.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["sample"] for row in rows] == [f"recordings/{number}.npy" for number in range(3)]
    assert all(row["action"] == row["action_1"] for row in rows)
    assert all(float(row["probability_1"]) >= float(row["probability_2"]) for row in rows)
    assert "action_3" not in rows[0]


def test_a_folder_of_json_skeletons_becomes_a_table(place):
    network = NetworkSettings(modality="skeleton", network="temporal", width=8, frames=8)
    weights = build_network(network, (3, 8, 20), len(CLASSES)).state_dict()
    known = card(source="n-ucla", network=network, input_shape=(3, 8, 20))
    pack_student(place / "mine", weights, known)
    for view in (1, 2, 3):
        write_json_clip(place / "all_sqe", f"a01_s01_e00_v{view:02d}")
    ran = fckd("predict", "mine", "all_sqe", "--out", "answers.csv")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("3 recordings: answers.csv\n")


def test_a_corpus_is_not_taken_for_a_folder_of_recordings(place, student):
    corpus = re.search(r"^corpus: (.*)$", fckd("prepare", *_inertial()).out, re.MULTILINE)[1]
    assert "is a whole corpus" in refusal(place, "predict", student, corpus)


def test_parquet_holds_the_same(place, student, many):
    assert fckd("predict", student, many, "--out", "answers.csv").code == 0
    assert fckd("predict", student, many, "--out", "answers.parquet").code == 0
    rows = parquet.read_table(place / "answers.parquet").to_pylist()
    with (place / "answers.csv").open(newline="") as stream:
        assert [row["action"] for row in csv.DictReader(stream)] == [row["action"] for row in rows]


def test_latency_is_printed(student, recording):
    said = fckd("predict", student, recording).out
    pattern = r"torch: loaded in [\d.]+ s, reading [\d.]+ ms, network [\d.]+ ms"
    assert re.search(pattern, said)


def test_top_limits_the_actions(student, recording):
    assert fckd("predict", student, recording, "--top", 1).out.count("%") == 1


def test_a_recording_that_cannot_be_read_is_left_out_and_told_of_and_the_others_are_kept(
    place, student, many
):
    (place / many / "1.npy").write_text("no array")
    ran = fckd("predict", student, many, "--out", "answers.csv")
    assert ran.code == 2
    assert ran.out.startswith("2 recordings: answers.csv\n")
    assert ran.err.startswith("error: 1 of 3 recordings were left out:\n  recordings/1.npy: ")
    with (place / "answers.csv").open(newline="") as stream:
        samples = [row["sample"] for row in csv.DictReader(stream)]
    assert samples == ["recordings/0.npy", "recordings/2.npy"]


def test_a_table_of_which_no_recording_can_be_read_is_not_written(place, student, many):
    for path in (place / many).iterdir():
        path.write_text("no array")
    assert "3 of 3" in refusal(place, "predict", student, many, "--out", "answers.csv")
    assert not (place / "answers.csv").exists()


@pytest.mark.parametrize("out", ["file/answers.csv", "folder.csv"])
def test_a_table_that_cannot_be_written_is_refused_before_anything_is_predicted(
    place, student, recording, monkeypatch, out
):
    (place / "file").touch()
    (place / "folder.csv").mkdir()
    asked = []
    monkeypatch.setattr("fckd.cli.predict.predictions", lambda *words: asked.append(words))
    refusal(place, "predict", student, recording, "--out", out)
    assert not asked


def test_who_names_a_public_key_that_is_not_there_is_sent_to_the_packer(
    place, student, recording, monkeypatch
):
    monkeypatch.setenv("FCKD_PUBLIC_KEY", "/nope")
    message = refusal(place, "predict", student, recording)
    assert "ask who packed the student" in message
    assert "genpkey" not in message


def test_a_camera_writes_no_table(place, student):
    message = refusal(place, "predict", student, "--camera", "0", "--out", "answers.csv")
    assert message.startswith("error: --camera and --out\n")


@pytest.mark.parametrize(
    "words", [["a.npy", "--out", "answers.txt"], [], ["a.npy", "--camera", "0"]], ids=str
)
def test_a_request_that_means_nothing_is_refused(place, student, words):
    refusal(place, "predict", student, *words)


def test_evaluate_says_accuracy_and_interval_and_records_it(place):
    ran = fckd("prepare", *_inertial())
    corpus = Path(re.search(r"^corpus: (.*)$", ran.out, re.MULTILINE)[1])
    student = packed(place / "mine", classes=(*Corpus.open(corpus).classes, "x", "y", "z"))
    ran = fckd("evaluate", student, corpus, "--out", "confusion.csv")
    assert (ran.code, ran.err) == (0, "")
    assert re.search(r"^[\d.]+% of \d+ samples of test .*Wilson\): [\d.]+% to", ran.out)
    assert "choose nothing by a test split" in ran.out
    assert (place / "mine.evaluations.jsonl").exists()
    assert (place / "confusion.csv").exists()


@pytest.mark.parametrize("out", ["file/confusion.csv", "folder.csv"])
def test_a_confusion_table_that_cannot_be_written_is_refused_before_anything_is_evaluated(
    place, monkeypatch, out
):
    ran = fckd("prepare", *_inertial())
    corpus = Path(re.search(r"^corpus: (.*)$", ran.out, re.MULTILINE)[1])
    student = packed(place / "mine", classes=(*Corpus.open(corpus).classes, "x", "y", "z"))
    (place / "file").touch()
    (place / "folder.csv").mkdir()
    asked = []
    monkeypatch.setattr("fckd.cli.evaluate.evaluate", lambda *words: asked.append(words))
    refusal(place, "evaluate", student, corpus, "--out", out)
    assert not asked


def test_a_reading_that_cannot_be_recorded_is_refused_before_anything_is_evaluated(
    place, student, monkeypatch
):
    ran = fckd("prepare", *_inertial())
    corpus = re.search(r"^corpus: (.*)$", ran.out, re.MULTILINE)[1]
    student.with_name(f"{student.name}.evaluations.jsonl").mkdir()
    asked = []
    monkeypatch.setattr("fckd.cli.evaluate.evaluate", lambda *words: asked.append(words))
    assert "cannot write to" in refusal(place, "evaluate", student, corpus)
    assert not asked


def test_a_protocol_that_the_corpus_does_not_know_is_refused_by_the_options_name(place, student):
    ran = fckd("prepare", *_inertial())
    corpus = re.search(r"^corpus: (.*)$", ran.out, re.MULTILINE)[1]
    message = refusal(place, "evaluate", student, corpus, "--protocol", "split-1")
    assert "--protocol split-1" in message
    assert "one of cross-subject" in message


def test_a_student_whose_run_mlflow_does_not_know_is_not_registered(place, registry, monkeypatch):
    monkeypatch.setattr(students, "best_run", lambda _: (None, 0, place / "demo-1-0007"))
    uri = f"sqlite:///{registry / 'mlflow.db'}"
    with pytest.raises(UserError) as refusal:
        students.register(SimpleNamespace(folder=place), "wrist", uri)
    assert "has no run of the trial demo-1-0007" in refusal.value.given
    assert str(place / "events.shipped.json") in refusal.value.remedy
