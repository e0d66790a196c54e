"""A block read whole is never read again: after a kill, after a refusal; nothing half is seen."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scipy.io import savemat

from fckd.config.corpus import CorpusSettings
from fckd.config.networks import Modality
from fckd.data.corpus import Corpus
from fckd.data.manifest import MANIFEST
from fckd.data.prepare import prepare
from fckd.data.sources.synthetic import Synthetic
from fckd.data.writing import work_folder, write_corpus
from fckd.errors import UserError
from tests.data.conftest import silent

SKELETON = [Modality.SKELETON]
INERTIAL = [Modality.INERTIAL]
UTD = CorpusSettings(source="utd-mhad", validation_subjects=(1,))
REPOSITORY = Path(__file__).parents[2]

SCRIPT = """
import sys
import time
from pathlib import Path
from fckd.config.corpus import CorpusSettings
from fckd.config.networks import Modality
from fckd.data.prepare import prepare

def run():
    settings = CorpusSettings(source="synthetic", validation_subjects=(1,))
    prepare(settings, [Modality.SKELETON], None, Path(sys.argv[1]), advance)

def advance(done, total):
    print(done, flush=True)
    if done >= 16 and sys.argv[2:] == ["stay"]:
        time.sleep(600)
"""
GUARDED = SCRIPT + "\nif __name__ == '__main__':\n    run()\n"
UNGUARDED = SCRIPT + "\nrun()\n"


class Counted(Synthetic):
    """Counts what is read, and stops where it is told to."""

    def __init__(self, settings, stop=None):
        super().__init__(settings)
        self.stop, self.read_ids = stop, []

    def read(self, recording, modality):
        if len(self.read_ids) == self.stop:
            raise KeyboardInterrupt
        self.read_ids.append(recording.sample_id)
        return super().read(recording, modality)


@pytest.fixture
def half(source, tmp_path):
    """A corpus whose writing was interrupted after its first shard of eight."""
    interrupted = Counted(source.settings, stop=10)
    with pytest.raises(KeyboardInterrupt):
        write_corpus(interrupted, source.recordings(()), SKELETON, tmp_path / "c", silent)
    return tmp_path / "c"


def finish(source, folder):
    counted = Counted(source.settings)
    done = []
    write_corpus(counted, source.recordings(()), SKELETON, folder, done.append)
    return counted.read_ids, done


def test_an_interrupted_corpus_is_not_there(half):
    assert not half.exists()


def test_finished_shards_are_not_read_again_and_the_content_is_the_same(source, half, tmp_path):
    read, done = finish(source, half)
    assert len(read) == 4
    assert done == [8, 12]
    write_corpus(source, source.recordings(()), SKELETON, tmp_path / "at once", silent)
    assert (half / MANIFEST).read_text() == (tmp_path / "at once" / MANIFEST).read_text()
    assert not work_folder(half).exists()


@pytest.mark.parametrize("damage", ["altered", "absent", "note"])
def test_a_finished_shard_that_is_no_longer_whole_is_read_again(source, half, damage):
    work = work_folder(half)
    shard, note = work / "corpus" / "shard-00000.arrow", work / "notes" / "block-00000.json"
    if damage == "altered":
        shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    elif damage == "absent":
        shard.unlink()
    else:
        note.write_text("{")
    assert len(finish(source, half)[0]) == 12
    Corpus.open(half, verify=True)


def test_shards_of_another_size_are_read_again_and_leave_nothing(source, half, monkeypatch):
    monkeypatch.setattr("fckd.data.writing.SAMPLES_PER_SHARD", 6)
    (work_folder(half) / "corpus" / "shard-00009.arrow").write_bytes(b"stale")
    assert len(finish(source, half)[0]) == 12
    assert len(list(half.glob("*.arrow"))) == 2


def run_script(tmp_path, text, storage, *words):
    (tmp_path / "script.py").write_text(text)
    return subprocess.Popen(
        [sys.executable, str(tmp_path / "script.py"), str(storage), *words],
        cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def workers_of(parent):
    """Return the processes that a process has started."""
    return [
        int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    ]


def is_running(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.chaos
def test_after_kill_9_the_workers_end_and_the_next_run_goes_on(tmp_path, storage):
    killed = run_script(tmp_path, GUARDED, storage, "stay")
    while killed.stdout.readline() in ("0\n", "8\n"):
        pass
    workers = workers_of(killed.pid)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert workers
    assert not [path for path in (storage / "corpora").iterdir() if path.name[0] != "."]
    end = time.monotonic() + 60
    while any(map(is_running, workers)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(map(is_running, workers))
    again = run_script(tmp_path, GUARDED, storage)
    counts = [int(line) for line in again.communicate(timeout=300)[0].split()]
    assert again.returncode == 0
    assert counts[0] >= 16
    assert counts[-1] == 384


def test_a_script_without_a_guard_ends_with_an_error_that_says_so(tmp_path, storage):
    ran = run_script(tmp_path, UNGUARDED, storage)
    said = ran.communicate(timeout=300)[1]
    assert ran.returncode != 0
    assert "if __name__ == '__main__'" in said


@pytest.fixture
def damaged(utd, monkeypatch):
    """UTD-MHAD with two damaged files."""
    monkeypatch.setattr("fckd.data.workers.WORTH_A_POOL", 1000)  # a pool starts slower
    for name, content in (("a14_s3_t2", [[0.0] * 5] * 30), ("a27_s8_t3", [[float("nan")] * 6] * 9)):
        path = utd / "utd-mhad" / "Inertial" / f"{name}_inertial.mat"
        path.unlink()
        savemat(path, {"d_iner": content})
    return utd


def test_damaged_recordings_are_refused_after_all_were_tried(damaged, storage):
    with pytest.raises(UserError, match=r"2 of 861 recordings .* cannot be read") as caught:
        prepare(UTD, INERTIAL, damaged, storage, silent)
    assert "--skip-damaged" in caught.value.remedy
    (report,) = (storage / "corpora").glob("*.damaged.json")
    assert str(report) in caught.value.expected
    rows = json.loads(report.read_text())
    assert [(row["sample_id"], row["modality"]) for row in rows] == [
        ("a14_s03_t2", "inertial"),
        ("a27_s08_t3", "inertial"),
    ]
    assert all(row["sample_id"] in str(caught.value) for row in rows)
    assert "NaN" in rows[1]["what"]


def test_damaged_recordings_are_left_out_on_request_and_named(damaged, storage):
    with pytest.raises(UserError):
        prepare(UTD, INERTIAL, damaged, storage, silent)
    done = []
    corpus = prepare(
        UTD, INERTIAL, damaged, storage, lambda read, _: done.append(read), skip_damaged=True
    )
    assert done[0] == 861 - 8 - 5  # of blocks of 8, that of the first and the last of all
    assert len(corpus) == 859
    assert corpus.damaged == ("a14_s03_t2", "a27_s08_t3")
    assert len(json.loads((corpus.folder / "damaged.json").read_text())) == 2
    assert not list((storage / "corpora").glob("*.damaged.json"))
    assert prepare(UTD, INERTIAL, damaged, storage, silent).folder == corpus.folder


class Broken(Synthetic):
    """Cannot read its first recording."""

    def read(self, recording, modality):
        if recording == self.recordings(())[0]:
            raise UserError("broken", "whole", "mend")
        return super().read(recording, modality)


def test_what_could_be_read_the_next_time_is_no_longer_damaged(source, tmp_path):
    recordings, folder = source.recordings(()), tmp_path / "c"
    with pytest.raises(UserError, match="1 of 12 recordings"):
        write_corpus(Broken(source.settings), recordings, SKELETON, folder, silent)
    read, _ = finish(source, folder)
    assert sorted(read) == sorted(recording.sample_id for recording in recordings)[:8]
    assert len(Corpus.open(folder)) == 12
    assert Corpus.open(folder).damaged == ()


def test_what_was_damaged_is_part_of_the_fingerprint(source, tmp_path):
    recordings = source.recordings(())
    broken = Broken(source.settings)
    write_corpus(broken, recordings, SKELETON, tmp_path / "b", silent, skip_damaged=True)
    write_corpus(source, recordings[1:], SKELETON, tmp_path / "c", silent)
    one, other = Corpus.open(tmp_path / "b"), Corpus.open(tmp_path / "c")
    assert one.sample_ids == other.sample_ids
    assert one.fingerprint != other.fingerprint


def test_an_open_corpus_holds_no_file_open(source, tmp_path):
    write_corpus(source, source.recordings(()), SKELETON, tmp_path / "c", silent)
    corpus = Corpus.open(tmp_path / "c")
    files = (os.path.realpath(file) for file in Path("/proc/self/fd").iterdir())
    assert not [file for file in files if file.startswith(str(tmp_path.resolve()))]
    assert corpus.array(11, Modality.SKELETON).any()
