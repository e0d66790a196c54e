"""Two real ranks (gloo, processes of their own) against one."""

import math

import pytest
import torch
from torch import multiprocessing
from torch.testing import assert_close

from fckd.config.objective import ObjectiveSettings
from fckd.train.evaluation import evaluate
from fckd.train.workshop import Workshop
from fckd.train.world import World
from tests.train.elsewhere import (
    MADE_AGAIN,
    RANKS,
    SAID,
    fail_alone,
    learn_with_a_part_that_rests,
    resume_as_three,
    train_together,
    wait_for_a_slow_shelf,
)
from tests.train.small import (
    ALONE,
    BASE,
    DEAD,
    LEARNING,
    TERMS,
    changed,
    content,
    make,
    same,
    told,
    trained,
)

GROUP = {"student.normalization": "group"}
ONE_STEP = {"batch_size": 6, "epochs": 1}
EVERY_TERM = {f"objective.{term}.weight": 1.0 for term in ObjectiveSettings.model_fields}
RUNS = {
    "one step": changed(GROUP, **ONE_STEP),
    "several steps": changed(GROUP, epochs=2),
    "in parts": changed({**GROUP, "training.micro_batch": 2}, **ONE_STEP),
    "batch normalisation": changed(**ONE_STEP),
    "mixup": changed({**GROUP, "training.mixup": 0.5}, **ONE_STEP),
    "student alone": changed({**ALONE, **GROUP}, **ONE_STEP),
    "dead": changed(DEAD),
    "batch scope": changed({**GROUP, "focal.scope": "batch", "focal.ratio": 0.25}, **ONE_STEP),
    "every term": changed({**GROUP, **EVERY_TERM}, **ONE_STEP),
    "together": changed({"teaching": "together"}, epochs=2),
    "stages": changed(
        {"student.hallucination": True, "stages": {"own": 1, "hallucination": 1}}, epochs=3
    ),
    # The last one is also interrupted and resumed, and run as a task.
    "dropout": changed({"student.dropout": 0.5}, epochs=2),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ranks")


@pytest.fixture(scope="module")
def ranks(workshop, folder):
    """What each of the two ranks saw, by run."""
    make(workshop, RUNS["dead"])
    runs = {name: run.model_dump(mode="json") for name, run in RUNS.items()}
    given = (str(folder), str(workshop.storage), str(workshop.corpus_folder), runs)
    multiprocessing.spawn(train_together, given, nprocs=RANKS)
    return [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in range(RANKS)]


@pytest.fixture
def alone(workshop):
    def train(name):
        return trained(workshop.study(RUNS[name], "train"))

    return train


def gradients(result):
    return {name: p.grad for name, p in result.network.named_parameters()}


@pytest.mark.parametrize("name", ["one step", "student alone", "batch scope", "mixup"])
def test_two_ranks_have_the_gradients_of_one_that_sees_the_whole_batch(ranks, alone, name):
    assert_close(ranks[0][name]["gradients"], gradients(alone(name)), rtol=1e-4, atol=1e-6)


def test_two_ranks_that_divide_their_shares_too_have_the_same_gradients(ranks, alone):
    assert_close(
        ranks[0]["in parts"]["gradients"], gradients(alone("one step")), rtol=1e-4, atol=1e-5
    )


def test_two_ranks_come_to_the_weights_of_one(ranks, alone):
    found, wanted = ranks[0]["several steps"]["state"], alone("several steps").network.state_dict()
    assert_close(found, dict(wanted), rtol=1e-3, atol=1e-4)


def test_two_ranks_tell_the_losses_of_one_and_see_as_much_of_the_transfer(ranks, alone):
    found, wanted = ranks[0]["one step"]["metrics"], told(alone("one step"))
    wanted = {name: value for name, value in wanted.items() if not name.startswith("validation/")}
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, rel=1e-4)


def test_with_batch_normalisation_they_do_not_for_each_rank_normalises_by_its_own_share(
    ranks, alone
):
    found, wanted = ranks[0]["batch normalisation"]["gradients"], alone("batch normalisation")
    with pytest.raises(AssertionError):
        assert_close(found, gradients(wanted), rtol=1e-2, atol=1e-3)


def test_every_rank_hears_what_the_first_says(ranks):
    assert [rank["heard"] for rank in ranks] == [list(SAID)] * RANKS


@pytest.mark.parametrize("name", [name for name in RUNS if name != "dead"])
def test_both_ranks_end_with_the_same_weights_and_tell_the_same(ranks, name):
    first, second = (rank[name] for rank in ranks)
    assert same(first["state"], second["state"])
    assert first["metrics"] == second["metrics"]


@pytest.mark.parametrize("name", ["several steps", "batch normalisation", "dropout"])
def test_a_measurement_shared_by_two_ranks_is_that_of_one_with_the_first_ranks_weights(
    ranks, workshop, alone, name
):
    network = alone(name).network
    network.load_state_dict(ranks[0][name]["state"])
    study = workshop.study(RUNS[name], "train")
    whole = evaluate(network, study, torch.device("cpu"), World())
    for rank in ranks:
        assert_close(rank[name]["logits"], whole.logits)


def test_every_term_has_a_gradient_on_two_ranks(ranks):
    for name in ("one step", "batch normalisation"):
        norms = [ranks[0][name]["metrics"][f"gradient/{term}"] for term in TERMS]
        assert all(norm > 0 and math.isfinite(norm) for norm in norms)


def test_every_term_there_is_has_a_gradient_on_two_ranks(ranks):
    metrics = ranks[0]["every term"]["metrics"]
    for term in ObjectiveSettings.model_fields:
        found = [value for name, value in metrics.items() if name.startswith(f"gradient/{term}")]
        assert found
        assert all(norm > 0 and math.isfinite(norm) for norm in found)


def test_a_weighted_term_without_a_gradient_stops_both_ranks(ranks):
    for rank in ranks:
        assert "distribution/skeleton has weight 1, but no gradient" in rank["dead"]["failure"]


def test_a_run_of_two_ranks_resumed_from_the_first_ones_checkpoint_is_bit_equal(ranks):
    for rank in ranks:
        assert same(rank["resumed"]["state"], rank["dropout"]["state"])
        assert rank["resumed"]["metrics"] == rank["dropout"]["metrics"]


def test_deleted_teachers_are_trained_by_one_rank_as_by_one_process_while_the_other_waits(
    ranks, folder, workshop
):
    first, second = (rank["made again"] for rank in ranks)
    assert first == second
    assert [samples for _, samples in first.values()] == [LEARNING] * len(BASE.teachers)
    again = Workshop(folder / MADE_AGAIN, workshop.corpus_folder)
    for name in BASE.teachers:
        states = [w.teacher(BASE, name, "train").network.state_dict() for w in (again, workshop)]
        assert_close(*map(dict, states))


def test_only_the_first_rank_writes_the_outcome(ranks, folder):
    assert ranks[0]["task"]["validation/accuracy"] >= 0
    assert ranks[1]["task"] is None
    assert content(folder / "task") == ["model.safetensors", "outcome.json", "sight.json"]


def test_ranks_wait_for_a_slow_upload_or_download_longer_than_their_group_allows_in_silence(
    workshop, tmp_path
):
    make(workshop, RUNS["one step"])
    run = RUNS["one step"].model_dump(mode="json")
    given = (str(tmp_path), str(workshop.storage), str(workshop.corpus_folder), run)
    multiprocessing.spawn(wait_for_a_slow_shelf, given, nprocs=RANKS)
    assert content(tmp_path / "slow") == ["model.safetensors", "outcome.json", "sight.json"]


def test_three_ranks_add_up_in_the_same_order_after_they_were_resumed(workshop, tmp_path):
    run = changed({"student.dropout": 0.5}, batch_size=3, epochs=3)
    make(workshop, run)
    described = run.model_dump(mode="json")
    given = (str(tmp_path), str(workshop.storage), str(workshop.corpus_folder), described)
    multiprocessing.spawn(resume_as_three, given, nprocs=3)
    for rank in range(3):
        whole, again = torch.load(tmp_path / f"rank{rank}.pt", weights_only=True)
        assert same(whole, again)


def test_a_part_of_the_network_may_rest_on_two_ranks(tmp_path):
    multiprocessing.spawn(learn_with_a_part_that_rests, (str(tmp_path),), nprocs=RANKS)
    for rank in range(RANKS):
        gradient = torch.load(tmp_path / f"rank{rank}.pt", weights_only=True)
        assert_close(gradient, torch.full((2, 2), 2.0))


def test_what_fails_on_one_rank_ends_the_work_of_all_and_they_still_work_together(tmp_path):
    multiprocessing.spawn(fail_alone, (str(tmp_path),), nprocs=RANKS)
    found = [torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in range(RANKS)]
    assert [met for met, _ in found] == ["FailedElsewhere", "ValueError"]
    assert [float(total) for _, total in found] == [RANKS, RANKS]
