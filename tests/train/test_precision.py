"""Activations in bfloat16: weights, losses and measurements stay float32."""

import torch
from torch.testing import assert_close

from fckd.train.checkpoints import load_checkpoint, save_checkpoint
from fckd.train.loop import distill
from tests.train.small import changed, make, same, state, told, trained

HALF = changed(precision="bfloat16", epochs=3)


def test_weights_stay_float32_and_the_losses_are_nearly_those_of_float32(workshop):
    make(workshop, HALF)
    half = next(distill(workshop.study(HALF, "train")))
    full = next(distill(workshop.study(changed(epochs=3), "train")))
    assert {value.dtype for value in half.network.parameters()} == {torch.float32}
    losses = [name for name in told(full) if name.startswith("train/")]
    assert not same(state(half.network), state(full.network))
    for name in losses:
        assert_close(told(half)[name], told(full)[name], rtol=0.05, atol=0.05)


def test_a_run_that_goes_on_is_bit_equal(workshop, tmp_path):
    make(workshop, HALF)
    study = workshop.study(HALF, "train")
    whole = trained(study)
    save_checkpoint(tmp_path / "checkpoint.pt", next(distill(study)).checkpoint())
    resumed = load_checkpoint(tmp_path / "checkpoint.pt", torch.device("cpu"))
    *_, last = distill(study, resume=resumed)
    assert same(state(whole.network), state(last.network))


def test_the_student_is_measured_in_float32(workshop):
    make(workshop, HALF)
    logits = next(distill(workshop.study(HALF, "train"))).evaluation.logits
    assert not torch.equal(logits, logits.bfloat16().float())
