"""The training loop."""

import math
from dataclasses import replace

import pytest
import torch

from fckd.errors import TrainingError
from fckd.models.table import build_network
from fckd.train.checkpoints import load_checkpoint, save_checkpoint
from fckd.train.loop import distill
from fckd.train.workshop import Workshop
from tests.train.small import (
    ALONE,
    DEAD,
    LEARNING,
    TERMS,
    changed,
    make,
    same,
    state,
    told,
    trained,
    without_terms,
)

ARMS = {
    "student alone": ALONE,
    "logits": without_terms("correlation", "distribution"),
    "fckd": {},
    "correlation": without_terms("distribution", "logits"),
    "two channels": {"focal.ratio": 0.25},
}
DROPOUT = {"student.dropout": 0.5}


@pytest.fixture
def study(workshop):
    def of(fields=None, /, **training):
        return workshop.study(changed(fields, **training), "train")

    return of


def kept_after(epoch, study, path):
    """Return the checkpoint of a run that was stopped after `epoch`."""
    for result in distill(study):
        if result.epoch == epoch:
            save_checkpoint(path, result.checkpoint())
            break
    return load_checkpoint(path, "cpu")


def test_the_same_seed_gives_the_same_weights_and_numbers(study):
    one, other = (trained(study(DROPOUT)) for _ in range(2))
    assert same(state(one.network), state(other.network))
    assert told(one) == told(other)


def test_another_seed_gives_other_weights(study):
    one, other = (trained(study(seed=seed)) for seed in (0, 1))
    assert not same(state(one.network), state(other.network))


def test_random_numbers_drawn_by_others_mean_nothing(study):
    one = state(trained(study(DROPOUT)).network)
    torch.manual_seed(123)
    torch.rand(17)
    assert same(one, state(trained(study(DROPOUT)).network))


@pytest.mark.parametrize("normalization", ["batch", "group"])
@pytest.mark.parametrize("stopped_after", [1, 2])
def test_a_resumed_run_is_bit_equal_to_one_that_was_not_interrupted(
    study, tmp_path, stopped_after, normalization
):
    fields = {**DROPOUT, "student.normalization": normalization}
    through = trained(study(fields, epochs=4))
    checkpoint = kept_after(stopped_after, study(fields, epochs=4), tmp_path / "checkpoint.pt")
    epochs = list(distill(study(fields, epochs=4), resume=checkpoint))
    assert [result.epoch for result in epochs] == list(range(stopped_after + 1, 5))
    assert same(state(epochs[-1].network), state(through.network))
    assert told(epochs[-1]) == told(through)


@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_checkpoint_is_never_read(study, tmp_path, damage, caplog):
    path = tmp_path / "checkpoint.pt"
    assert load_checkpoint(path, "cpu") is None
    save_checkpoint(path, next(distill(study())).checkpoint())
    assert load_checkpoint(path, "cpu")["epoch"] == 1
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content if damage == "altered" else content[: len(content) // 2])
    assert load_checkpoint(path, "cpu") is None
    assert "is damaged: the run begins again with its first epoch" in caplog.text


def test_arms_that_differ_only_in_their_terms_start_from_the_same_weights_and_see_the_same(
    study, seen
):
    # A learning rate that float32 takes for zero leaves the weights where they began; the running
    # statistics of batch normalisation then tell what the student was shown.
    still = {"learning_rate": 1e-60, "weight_decay": 0}
    ends, shown = [], []
    for fields in ARMS.values():
        seen.clear()
        ends.append(state(trained(study({**DROPOUT, **fields}, **still)).network))
        shown.append(list(seen))
    assert all(same(end, ends[0]) for end in ends)
    assert all(some == shown[0] for some in shown)


def test_arms_that_differ_in_their_terms_end_elsewhere(study):
    ends = [state(trained(study(fields)).network) for fields in ARMS.values()]
    assert not any(same(end, ends[0]) for end in ends[1:])


def test_every_term_and_its_gradient_are_told_apart(study):
    metrics = told(trained(study()))
    wanted = {f"{kind}/{term}" for kind in ("train", "gradient", "share") for term in TERMS}
    wanted |= {f"{kind}/{name}" for kind in ("agreement", "overlap") for name in study().lessons}
    wanted |= {"train/loss", "validation/accuracy", "validation/cross_entropy"}
    assert set(metrics) == wanted
    assert all(math.isfinite(value) for value in metrics.values())
    assert all(metrics[f"gradient/{term}"] > 0 for term in TERMS)


def test_a_student_alone_tells_of_no_teacher(study):
    metrics = told(trained(study(ALONE)))
    assert {name for name in metrics if not name.startswith("validation/")} == {
        "train/cross_entropy",
        "gradient/cross_entropy",
        "share/cross_entropy",
        "train/loss",
    }


def test_the_loss_is_the_weighted_sum_of_the_terms(study):
    fields = {"objective.correlation.weight": 3.0, "objective.logits.weight": 0.5}
    metrics = told(trained(study(fields)))
    weights = dict(zip(TERMS, (1, 0.5, 3, 1, 3, 1), strict=True))
    wanted = sum(weight * metrics[f"train/{term}"] for term, weight in weights.items())
    assert metrics["train/loss"] == pytest.approx(wanted)


def test_a_student_learns_what_it_is_shown_and_comes_closer_to_its_teachers(study):
    first, *_, last = (told(result) for result in distill(study(epochs=30, learning_rate=0.01)))
    for term in TERMS:
        assert last[f"train/{term}"] < first[f"train/{term}"]


def test_the_student_that_comes_out_has_no_embeddings(study):
    asked = study()
    plain = build_network(asked.network, asked.readings.shapes[0], asked.classes)
    assert trained(asked).network.state_dict().keys() == plain.state_dict().keys()


def test_a_weighted_term_without_a_gradient_stops_the_run_at_its_first_step(workshop, seen):
    experiment = changed(DEAD)
    make(workshop, experiment)
    study = workshop.study(experiment, "train")
    seen.clear()
    with pytest.raises(TrainingError, match=r"distribution/skeleton has weight 1, but no"):
        next(distill(study))
    assert len(seen) == study.training.batch_size


def test_correlations_of_a_single_channel_teach_nothing_and_are_refused(study):
    with pytest.raises(TrainingError, match="correlation/skeleton"):
        trained(study({"focal.ratio": 0.01}))


def test_a_term_that_has_faded_away_does_not_end_a_run_that_is_resumed(study, tmp_path):
    fading = study({"objective.correlation.decay": 1e-15}, epochs=4)
    resumed = trained(fading, resume=kept_after(2, fading, tmp_path / "checkpoint.pt"))
    assert resumed.metrics["gradient/correlation/skeleton"] == 0
    assert told(resumed) == told(trained(fading))


def test_a_term_that_first_counts_after_a_run_was_resumed_must_still_teach(workshop, tmp_path):
    stages = {"student.hallucination": True, "stages": {"own": 2, "hallucination": 1}}
    experiment = changed({**DEAD, **stages}, epochs=4)
    make(workshop, experiment)
    study = workshop.study(experiment, "train")
    checkpoint = kept_after(1, study, tmp_path / "checkpoint.pt")
    with pytest.raises(TrainingError, match=r"distribution/skeleton has weight 1, but no"):
        trained(study, resume=checkpoint)


def test_that_term_may_have_weight_0(workshop):
    experiment = changed({**DEAD, **without_terms("distribution")})
    make(workshop, experiment)
    assert trained(workshop.study(experiment, "train")).epoch == 2


def test_a_loss_that_is_not_finite_stops_the_run_and_is_named(study):
    with pytest.raises(TrainingError, match=r"not finite in epoch 1: .*train/cross_entropy"):
        trained(study(learning_rate=1e30))


def test_a_measurement_that_is_not_finite_stops_the_run_too(study):
    # One step an epoch: its loss is still that of the first weights.
    broken = study(ALONE, learning_rate=3e37, epochs=1, batch_size=LEARNING)
    with pytest.raises(TrainingError, match="not finite in epoch 1: validation/cross_entropy"):
        trained(broken)


@pytest.mark.parametrize("name", ["train", "values", "type", "a-b", "0"])
def test_a_teacher_may_be_called_anything(workshop, study, name):
    lessons = {name: workshop.lessons(changed(), "skeleton", "train")}
    metrics = told(trained(replace(study(epochs=1), lessons=lessons)))
    assert f"train/correlation/{name}" in metrics


def test_whoever_runs_the_loop_may_stop_it_after_any_epoch(study, seen):
    asked = study(epochs=9)
    run = distill(asked)
    assert next(run).epoch == 1
    run.close()
    assert len(seen) == LEARNING + len(asked.measure)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_student_whose_readings_were_made_ahead_is_the_same(workshop, monkeypatch, threads):
    experiment = changed(micro_batch=1)
    make(workshop, experiment)
    plain = trained(workshop.study(experiment, "train"))
    monkeypatch.setattr("fckd.train.material.reading_threads", lambda _: threads)
    monkeypatch.setattr("fckd.train.evaluation.reading_threads", lambda _: threads)
    unread = Workshop(workshop.storage, workshop.corpus_folder)
    read_ahead = trained(unread.study(experiment, "train"))
    assert same(state(plain.network), state(read_ahead.network))
    assert told(plain) == told(read_ahead)
