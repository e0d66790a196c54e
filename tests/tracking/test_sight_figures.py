"""Figures of what was transferred: drawn where there is something, with what chance gives."""

import math
import warnings

import pytest

from fckd.tracking.canvas import save
from fckd.tracking.sight_figures import sight_figures
from tests.tracking.sights import CLASSES, sight
from tests.tracking.test_figures import texts_of

OVER_EPOCHS = ["shares", "agreement", "overlap"]


def drawn(shown):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = sight_figures(shown, len(CLASSES))
        return {name: texts_of(figure) for name, figure in figures.items()}


def test_one_teacher_is_seen_over_epochs_among_samples_and_in_a_clip():
    wanted = [*OVER_EPOCHS, "focal-sets", "frequency-depth", "clip-depth"]
    assert list(drawn(sight("depth"))) == wanted


def test_several_teachers_are_held_against_each_other():
    texts = drawn(sight("depth", "skeleton"))
    assert "depth and skeleton" in texts["likeness"]
    assert texts.keys() >= {"frequency-depth", "frequency-skeleton", "clip-depth", "clip-skeleton"}


def test_a_student_alone_has_no_figure():
    assert drawn(sight()) == {}


def test_teachers_without_focal_channels_are_seen_over_epochs_only():
    shown = sight("depth")
    for epoch in shown["epochs"]:
        del epoch["overlap/depth"]
    del shown["teachers"], shown["clip"], shown["likeness"]
    assert list(drawn(shown)) == ["shares", "agreement"]


def test_teachers_that_learn_too_have_an_overlap_but_no_sets():
    shown = sight("depth")
    del shown["teachers"], shown["clip"], shown["likeness"]
    assert list(drawn(shown)) == OVER_EPOCHS


def test_channels_that_are_the_same_for_all_samples_are_not_compared():
    shown = sight("depth")
    shown["teachers"]["depth"] = {"channels": 4, "focal": 2}
    assert list(drawn(shown)) == [*OVER_EPOCHS, "clip-depth"]


def test_every_figure_says_what_chance_gives():
    texts = drawn(sight("depth", "skeleton"))
    assert "guessing among 3 classes: 33.3%" in texts["agreement"]
    assert "chance: 50.0%" in texts["overlap"]
    assert "chance (K of C)" in texts["focal-sets"]
    assert "chance 50%" in texts["frequency-depth"]
    assert "0: chance" in texts["likeness"]


def test_teachers_of_different_ratios_have_each_their_own_chance():
    shown = sight("depth", "skeleton")
    shown["teachers"]["depth"] |= {"channels": 8}
    text = drawn(shown)["overlap"]
    assert "chance: 25.0% (depth)" in text
    assert "chance: 50.0% (skeleton)" in text


@pytest.mark.parametrize("epochs", [1, 40])
def test_any_number_of_epochs_can_be_drawn(epochs):
    assert drawn(sight("depth", epochs=epochs))


def test_epochs_in_which_nobody_teaches_leave_a_gap():
    shown = sight("depth", epochs=5)
    shown["epochs"][1] = {"share/cross_entropy": 1.0}
    assert drawn(shown)
    line = sight_figures(shown, 3)["agreement"].axes[0].lines[0]
    assert [math.isnan(value) for value in line.get_ydata()] == [False, True, False, False, False]


def test_no_figure_is_empty(tmp_path):
    for name, figure in sight_figures(sight("depth", "skeleton"), 3).items():
        assert figure.axes[0].has_data(), name
        assert save(figure, tmp_path / f"{name}.png").stat().st_size > 0
