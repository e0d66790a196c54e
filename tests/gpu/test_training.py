"""A GPU trains as a CPU does; a replayed step does what one launched piece by piece does."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.testing import assert_close

from fckd.errors import TrainingError
from fckd.models.network import PooledNetwork
from fckd.models.table import build_network
from fckd.train.checkpoints import load_checkpoint, save_checkpoint
from fckd.train.evaluation import evaluate
from fckd.train.loop import distill
from fckd.train.memory import free_memory, is_out_of_memory
from fckd.train.task import WEIGHTS, Task, read_outcome, run_task
from fckd.train.workshop import Workshop
from fckd.train.world import World
from tests.train.kinds import KINDS, NETWORKS
from tests.train.small import ALONE, changed, make, state, told

EPOCHS = 3
"""Of three steps: the first is launched piece by piece, the second captured, the rest replayed."""
CPU = torch.device("cpu")


def epochs_of(workshop, experiment, device, resume=None):
    make(workshop, experiment)
    return list(distill(workshop.study(experiment, "train"), device, resume))


def described(fields, **training):
    return changed({"training.epochs": EPOCHS, **fields}, **{"cuda_graph": True, **training})


def losses(result):
    return {name: value for name, value in told(result).items() if name.startswith("train/")}


def alike(one, other, tolerance=2e-3):
    """Hold every epoch's losses of two runs against each other."""
    for mine, theirs in zip(one, other, strict=True):
        assert_close(losses(mine), losses(theirs), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", KINDS)
def test_a_replayed_step_learns_what_one_launched_piece_by_piece_does(workshop, gpu, kind):
    graphed = epochs_of(workshop, described(KINDS[kind]), gpu)
    eager = epochs_of(workshop, described(KINDS[kind], cuda_graph=False), gpu)
    alike(graphed, eager)
    assert told(graphed[-1]).keys() == told(eager[-1]).keys()


@pytest.mark.parametrize("network", NETWORKS)
def test_a_step_of_every_network_can_be_replayed(workshop, gpu, network):
    student = {"student.modality": NETWORKS[network], "student.network": network}
    graphed = epochs_of(workshop, described(student), gpu)
    eager = epochs_of(workshop, described(student, cuda_graph=False), gpu)
    alike(graphed, eager)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_compiled_student_learns_what_one_as_it_is_does(workshop, gpu, precision):
    """Replayed, too: what is captured was compiled in the step before."""
    compiled, plain = (
        epochs_of(workshop, described({}, compile=each, precision=precision), gpu)
        for each in (True, False)
    )
    alike(compiled, plain, tolerance=2e-3 if precision == "float32" else 5e-2)


def test_it_learns_what_a_cpu_learns(workshop, gpu):
    experiment = described({})
    alike(epochs_of(workshop, experiment, gpu), epochs_of(workshop, experiment, CPU))


def test_each_replay_learns_from_a_batch_of_its_own(workshop, gpu):
    """Hardly learning, a graph that kept its first batch would say the same in every epoch."""
    experiment = described(ALONE, epochs=6, learning_rate=1e-6)
    graphed = epochs_of(workshop, experiment, gpu)
    alike(
        graphed,
        epochs_of(workshop, described(ALONE, epochs=6, learning_rate=1e-6, cuda_graph=False), gpu),
    )
    assert len({round(losses(result)["train/cross_entropy"], 4) for result in graphed}) > 3


def test_a_run_goes_on_where_it_was_left_on_a_gpu_or_on_a_cpu(workshop, gpu, tmp_path):
    experiment = described({}, epochs=4)
    whole = epochs_of(workshop, experiment, gpu)
    early = list(distill(workshop.study(experiment, "train"), gpu))[:2]
    save_checkpoint(tmp_path / "checkpoint.pt", _after(workshop, experiment, gpu, 2).checkpoint())
    alike(early, whole[:2])
    for device in (gpu, CPU):
        resume = load_checkpoint(tmp_path / "checkpoint.pt", device)
        alike(epochs_of(workshop, experiment, device, resume), whole[2:])


def _after(workshop, experiment, device, epochs):
    run = distill(workshop.study(experiment, "train"), device)
    for _ in range(epochs - 1):
        next(run)
    return next(run)


def test_a_task_leaves_a_student_for_any_machine(workshop, gpu, tmp_path):
    experiment = described({})
    study = workshop.study(experiment, "train")
    task = Task("one", experiment.model_dump(mode="json"), "train", str(tmp_path / "run"))
    outcome = run_task(task, workshop, lambda *_: True)
    assert outcome == read_outcome(tmp_path / "run")
    assert outcome.metrics["student/milliseconds"] > 0
    elsewhere = build_network(experiment.student, study.readings.shapes[0], study.classes)
    elsewhere.load_state_dict(load_file(tmp_path / "run" / WEIGHTS))
    said = evaluate(elsewhere, study, CPU, World()).predictions.tolist()
    assert said == outcome.predictions


class Asking(nn.Module):
    """A body that asks the device for a number."""

    def forward(self, x):
        return x.relu() if float(x.sum()) > 0 else x.relu() + 1


def asking(input_shape, classes):
    return PooledNetwork(nn.Sequential(nn.Conv1d(input_shape[0], 8, 3), Asking()), 8, classes, 0.5)


def refused(fields, storage, corpus):
    workshop = Workshop(storage, corpus, torch.device("cuda"))
    with pytest.raises(TrainingError, match=r"captur.*cuda_graph to false"):
        epochs_of(workshop, described(fields), workshop.device)


def test_a_network_that_cannot_be_captured_is_told_so(workshop, gpu):
    """In a process of its own, whose generator of random numbers is of no use afterwards."""
    own = {"student.network": f"{__name__}:asking"}
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        fresh.submit(refused, own, workshop.storage, workshop.corpus_folder).result()
    assert len(epochs_of(workshop, described(own, cuda_graph=None), gpu)) == EPOCHS


def test_a_lack_of_memory_is_recognised(gpu):
    with pytest.raises(RuntimeError) as refusal:
        torch.empty(2**50, device=gpu)
    assert is_out_of_memory(refusal.value)
    free_memory()


def test_the_weights_of_both_are_nearly_the_same(workshop, gpu):
    graphed = epochs_of(workshop, described({}), gpu)[-1]
    eager = epochs_of(workshop, described({}, cuda_graph=False), gpu)[-1]
    assert_close(state(graphed.network), state(eager.network), rtol=5e-3, atol=5e-3)
