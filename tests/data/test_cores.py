"""What a container or an allocation grants counts, not what its machine has."""

import multiprocessing
import os

import pytest

from fckd.config.networks import Modality
from fckd.data.cores import PROCESS, cores, processes
from fckd.data.writing import write_corpus

GIGABYTE = 2**30
OWN = len(os.sched_getaffinity(0))
PLENTY = f"MemTotal: 999 kB\nMemAvailable: {2**40} kB\n"
JOB = "job_1/step_0"


@pytest.fixture
def machine(tmp_path):
    """Write the files of a machine: path -> content; return where its root is."""

    def write(files):
        for path, content in {"proc/meminfo": PLENTY, **files}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(content)
        return tmp_path

    return write


def container(**files):
    """Return the files of a container under version 2, which sees its own group as the root."""
    named = {f"sys/fs/cgroup/{name.replace('_', '.', 1)}": text for name, text in files.items()}
    return {"proc/self/cgroup": "0::/\n", **named}


@pytest.fixture
def many_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))


def test_this_machine_has_a_core_and_room_for_a_process():
    assert 1 <= processes() <= cores() <= OWN


def test_a_program_that_is_given_one_core_reads_recordings_in_one_process(
    source, tmp_path, monkeypatch
):
    monkeypatch.setattr("fckd.data.workers.WORTH_A_POOL", 1)
    readers = []

    def look(_):
        readers.append(len(multiprocessing.active_children()))

    granted = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(granted)})
    try:
        write_corpus(source, source.recordings(()), [Modality.SKELETON], tmp_path / "c", look)
    finally:
        os.sched_setaffinity(0, granted)
    assert max(readers) == 1


def test_without_control_groups_every_core_that_the_program_may_use_counts(machine):
    assert processes(machine({})) == cores(machine({})) == OWN


@pytest.mark.usefixtures("many_cores")
@pytest.mark.parametrize(
    ("quota", "granted"),
    [("max 100000", 64), ("400000 100000", 4), ("150000 100000", 2), ("10000 100000", 1)],
)
def test_a_container_keeps_as_many_cores_busy_as_its_quota_grants(machine, quota, granted):
    assert cores(machine(container(cpu_max=quota))) == granted


@pytest.mark.usefixtures("many_cores")
def test_a_container_has_as_many_processes_as_find_room_in_its_memory(machine):
    """8 GiB, of which one is taken, and three by files that were read and may be forgotten."""
    root = machine(
        container(
            memory_max=f"{8 * GIGABYTE}\n",
            memory_current=f"{4 * GIGABYTE}\n",
            memory_stat=f"anon {GIGABYTE}\nfile 1\ninactive_file {3 * GIGABYTE}\n",
        )
    )
    assert cores(root) == 64
    assert processes(root) == 7 * GIGABYTE // PROCESS


@pytest.mark.usefixtures("many_cores")
def test_a_machine_whose_memory_is_taken_by_others_has_fewer_processes(machine):
    assert processes(machine({"proc/meminfo": f"MemAvailable: {2 * GIGABYTE // 1024} kB\n"})) == 4


@pytest.mark.usefixtures("many_cores")
def test_memory_that_is_full_leaves_one_process(machine):
    assert processes(machine(container(memory_max="1000", memory_current="2000"))) == 1


@pytest.mark.usefixtures("many_cores")
def test_the_limit_of_a_job_counts_for_its_steps(machine):
    files = {
        "proc/self/cgroup": f"0::/{JOB}\n",
        f"sys/fs/cgroup/{JOB}/cpu.max": "max 100000\n",
        "sys/fs/cgroup/job_1/cpu.max": "300000 100000\n",
        "sys/fs/cgroup/job_2/cpu.max": "100000 100000\n",
    }
    assert cores(machine(files)) == 3


@pytest.mark.usefixtures("many_cores")
def test_version_1_counts_too_also_where_a_container_is_told_its_path_on_the_host(machine):
    files = {
        "proc/self/cgroup": "4:memory:/docker/1\n3:cpuset:/docker/1\n1:cpuacct,cpu:/docker/1\n",
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "600000\n",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2 * GIGABYTE}\n",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GIGABYTE}\n",
    }
    assert cores(machine(files)) == 6
    assert processes(machine(files)) == 2


@pytest.mark.usefixtures("many_cores")
def test_version_1_without_limits_grants_everything(machine):
    files = {
        "proc/self/cgroup": "4:memory:/\n1:cpu:/\n",
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "1\n",
    }
    assert processes(machine(files)) == 64
