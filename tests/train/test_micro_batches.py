"""Parts of a batch, one after the other: the same step in less memory."""

import numpy as np
import pytest
from torch.testing import assert_close

from fckd.train.batches import Batch, divided
from fckd.train.loop import distill
from tests.train.small import DEAD, changed, make, same, state, told, trained

GROUP = {"student.normalization": "group"}


@pytest.fixture(scope="module")
def study(workshop):
    make(workshop, changed(DEAD))

    def of(fields=None, /, **training):
        return workshop.study(changed(fields, **training), "train")

    return of


def gradients(study):
    first = next(iter(distill(study)))
    return {name: p.grad for name, p in first.network.named_parameters()}


@pytest.mark.parametrize("mixup", [0.0, 0.5])
@pytest.mark.parametrize("most", [1, 2, 4, 5])
def test_parts_have_the_gradients_of_the_whole(study, most, mixup):
    whole = gradients(study(GROUP, batch_size=6, epochs=1, mixup=mixup))
    in_parts = gradients(study(GROUP, batch_size=6, epochs=1, mixup=mixup, micro_batch=most))
    assert_close(in_parts, whole, rtol=1e-4, atol=1e-5)


def test_parts_tell_the_losses_of_the_whole(study):
    whole = told(trained(study(GROUP, batch_size=6, epochs=1)))
    in_parts = told(trained(study(GROUP, batch_size=6, epochs=1, micro_batch=4)))
    means = [name for name in whole if not name.startswith(("gradient/", "share/"))]
    assert {name: in_parts[name] for name in means} == pytest.approx(
        {name: whole[name] for name in means}, rel=1e-4
    )


def test_a_batch_that_fits_is_not_divided(study):
    one = state(trained(study(batch_size=6)).network)
    other = state(trained(study(batch_size=6, micro_batch=6)).network)
    assert same(one, other)


def test_with_batch_normalisation_parts_normalise_by_themselves(study):
    whole = state(trained(study(batch_size=6, epochs=1)).network)
    in_parts = state(trained(study(batch_size=6, epochs=1, micro_batch=2)).network)
    assert not same(whole, in_parts)


def test_focal_channels_of_a_batch_are_chosen_over_the_whole_of_it(study):
    fields = {**GROUP, "focal.scope": "batch", "focal.ratio": 0.25}
    whole = gradients(study(fields, batch_size=6, epochs=1))
    assert_close(
        gradients(study(fields, batch_size=6, epochs=1, micro_batch=2)),
        whole,
        rtol=1e-4,
        atol=1e-5,
    )


def test_no_sample_is_lost_or_doubled():
    samples = np.arange(7)
    batch = Batch(samples, samples + 10, (samples, samples))
    parts = divided(batch, 3)
    assert [len(part.samples) for part in parts] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate([part.samples for part in parts]), samples)
    np.testing.assert_array_equal(np.concatenate([part.views for part in parts]), samples + 10)
