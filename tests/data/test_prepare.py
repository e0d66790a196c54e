import multiprocessing
import os

import pytest
from scipy.io import savemat

from fckd.config.corpus import CorpusSettings
from fckd.config.networks import Modality
from fckd.data.prepare import prepare
from fckd.errors import UserError
from tests.data.conftest import silent

SKELETON = [Modality.SKELETON]
UTD = CorpusSettings(source="utd-mhad", validation_subjects=(1,))


def folders(storage):
    made = (path for path in (storage / "corpora").iterdir() if path.is_dir())
    return sorted(path.name for path in made if path.name[0] != ".")


def test_the_second_call_only_opens(settings, storage):
    counts = []
    first = prepare(settings, SKELETON, None, storage, lambda *pair: counts.append(pair))
    assert counts[0] == (0, 12)
    assert counts[-1] == (12, 12)
    counts.clear()
    again = prepare(settings, SKELETON, None, storage, lambda *pair: counts.append(pair))
    assert counts == []
    assert again.folder == first.folder


def test_other_settings_and_modalities_have_folders_of_their_own(settings, storage):
    other = settings.synthetic.model_copy(update={"seed": 5})
    prepare(settings, SKELETON, None, storage, silent)
    prepare(settings, [Modality.SKELETON, Modality.INERTIAL], None, storage, silent)
    prepare(settings.model_copy(update={"synthetic": other}), SKELETON, None, storage, silent)
    assert len(folders(storage)) == 3


def test_who_validates_does_not_change_the_corpus(settings, storage):
    other = settings.model_copy(update={"validation_subjects": (1,)})
    prepare(settings, SKELETON, None, storage, silent)
    prepare(other, SKELETON, None, storage, silent)
    assert len(folders(storage)) == 1


def test_a_touched_raw_file_makes_a_new_corpus_of_the_same_content(utd, storage, monkeypatch):
    monkeypatch.setattr("fckd.data.workers.WORTH_A_POOL", 1000)  # a pool starts slower
    first = prepare(UTD, [Modality.INERTIAL], utd, storage, silent)
    path = utd / "utd-mhad" / "Inertial" / "a1_s1_t1_inertial.mat"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    os.utime(path, (1, 1))
    second = prepare(UTD, [Modality.INERTIAL], utd, storage, silent)
    assert second.folder != first.folder
    assert second.fingerprint == first.fingerprint


def test_a_damaged_raw_file_is_one_error_and_leaves_no_corpus(utd, storage):
    path = utd / "utd-mhad" / "Inertial" / "a14_s3_t2_inertial.mat"
    path.unlink()
    savemat(path, {"d_iner": [[0.0] * 5] * 30})
    with pytest.raises(UserError, match="a14_s3_t2_inertial"):
        prepare(UTD, [Modality.INERTIAL], utd, storage, silent)
    assert folders(storage) == []


def test_a_benchmark_of_files_needs_its_folder(storage, tmp_path):
    for data in (None, tmp_path):
        with pytest.raises(UserError, match="utd-mhad"):
            prepare(UTD, [Modality.INERTIAL], data, storage, silent)


def prepare_elsewhere(settings, storage, results):
    written = []
    prepare(settings, SKELETON, None, storage, lambda *pair: written.append(pair))
    results.put(bool(written))


def test_of_two_processes_one_writes_and_the_other_waits(settings, storage):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [
        context.Process(target=prepare_elsewhere, args=(settings, storage, results))
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    assert sorted(results.get(timeout=300) for _ in processes) == [False, True]
    for process in processes:
        process.join()
