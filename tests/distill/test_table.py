"""The table of terms and the settings that it is chosen by."""

import pytest

from fckd.config.objective import EMBEDDED_TERMS, FOCAL_TERMS, RAW_TERMS, ObjectiveSettings
from fckd.distill.table import EMBEDDED, FOCAL, LOGITS, MERGED, RAW, TERMS

NAMES = tuple(ObjectiveSettings.model_fields)


def test_every_setting_has_a_term_and_every_term_a_setting():
    assert set(NAMES) == set(TERMS)


def test_no_term_is_of_two_kinds():
    assert len(TERMS) == sum(map(len, (FOCAL, EMBEDDED, RAW, LOGITS, MERGED)))


@pytest.mark.parametrize(
    ("told", "known"), [(FOCAL_TERMS, FOCAL), (EMBEDDED_TERMS, EMBEDDED), (RAW_TERMS, RAW)]
)
def test_the_configuration_knows_what_each_term_reads(told, known):
    assert set(told) == set(known)
    assert len(told) == len(known)


def only(name, **settings):
    return ObjectiveSettings(**{name: {"weight": 1.0, **settings}})


@pytest.mark.parametrize("name", NAMES)
def test_an_objective_asks_for_no_more_than_its_term_reads(name):
    objective = only(name)
    assert [active for active, _ in objective.active()] == [name]
    assert objective.uses_lessons
    assert objective.uses_focal == (name in FOCAL)
    assert objective.uses_whole_maps == (name in EMBEDDED or name in RAW)
    assert objective.uses_embedding == (name in FOCAL or name in EMBEDDED)
    assert objective.uses_features == (name not in LOGITS and name not in MERGED)


def test_without_terms_nothing_is_asked_for():
    objective = ObjectiveSettings()
    assert not objective.uses_lessons
    assert not objective.uses_features
    assert not objective.uses_embedding


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_is_constant_unless_told_otherwise(name):
    settings = getattr(only(name), name)
    assert {settings.weight_at(epoch) for epoch in (1, 2, 50)} == {1.0}


def test_a_weight_rises_linearly_over_its_warm_up():
    settings = only("dkd", warmup_epochs=4).dkd
    assert [settings.weight_at(epoch) for epoch in range(1, 7)] == [0.25, 0.5, 0.75, 1, 1, 1]


def test_a_weight_decays_from_epoch_to_epoch():
    settings = only("channel_distillation", decay=0.5).channel_distillation
    assert [settings.weight_at(epoch) for epoch in (1, 2, 3)] == [1.0, 0.5, 0.25]


def test_a_weight_can_rise_and_decay():
    settings = only("logits", warmup_epochs=2, decay=0.5).logits
    assert [settings.weight_at(epoch) for epoch in (1, 2, 3)] == [0.5, 0.5, 0.25]
