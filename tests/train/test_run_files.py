"""Where a run's files are, on whatever machine it goes on."""

from pathlib import Path

import pytest

from fckd.storage.address import Address
from fckd.storage.bucket import Bucket
from fckd.storage.copies import Copies
from fckd.train.run_files import RunFiles

RUN = "sweeps/small-01234567/trials/small-01234567-0000"


@pytest.fixture
def shared(tmp_path):
    """Return the files of a storage in S3, of which nothing is asked yet."""
    address = Address.parse("s3://bucket/prefix")
    return RunFiles(tmp_path, Copies(address, tmp_path, Bucket(address.bucket)))


def test_a_run_that_another_machine_gave_has_its_place_in_the_storage_of_this_one(shared, tmp_path):
    assert shared.folder(f"/of/another/machine/{RUN}") == tmp_path / RUN
    assert shared.folder(str(tmp_path / RUN)) == tmp_path / RUN


def test_without_a_shelf_all_machines_see_the_same_folder(tmp_path):
    assert RunFiles(tmp_path, None).folder(f"/of/all/{RUN}") == Path(f"/of/all/{RUN}")


def test_without_a_shelf_a_run_has_its_files_here_alone(tmp_path):
    runs, file = RunFiles(tmp_path, None), tmp_path / "checkpoint.pt"
    file.touch()
    runs.send(file)
    runs.bring(file)
    assert file.exists()
    runs.drop(file)
    assert not file.exists()
