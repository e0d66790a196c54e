"""Accuracy against the focal ratio, and against what students cost."""

import optuna
import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from fckd.tracking.relation_figures import relation_figures
from fckd.tracking.search_figures import SEARCH_FIGURES

RATIO = {"focal.ratio": FloatDistribution(0.1, 1.0)}
WIDTH = {"student.width": IntDistribution(1, 99)}


def searched(trials, costs=()):
    study = optuna.create_study(directions=["maximize", *["minimize"] * len(costs)])
    if costs:
        study.set_user_attr("costs", list(costs))
    study.add_trials(trials)
    return study


def with_ratio(ratio, value):
    return create_trial(params={"focal.ratio": ratio}, distributions=RATIO, value=value)


def with_width(width, accuracy, *costs):
    params = {"student.width": width}
    return create_trial(params=params, distributions=WIDTH, values=[accuracy, width, *costs])


FRONT = [with_width(8, 0.6), with_width(16, 0.7), with_width(32, 0.65), with_width(64, 0.8)]


def written(figure):
    texts = [figure.get_suptitle(), figure.get_supxlabel()]
    for axes in figure.axes:
        texts += [text.get_text() for text in axes.texts] + [axes.get_xlabel()]
    return " ".join(texts)


def test_a_search_of_the_ratio_shows_accuracy_against_it():
    found = relation_figures(searched([with_ratio(0.2, 0.5), with_ratio(0.6, 0.7)]))
    assert list(found) == ["ratio"]
    dots = found["ratio"].axes[0].lines[0]
    assert list(dots.get_xdata()) == [0.2, 0.6]
    assert list(dots.get_ydata()) == [0.5, 0.7]


def test_a_search_of_other_things_has_no_such_figure():
    assert relation_figures(searched([create_trial(value=0.5)])) == {}


def test_a_search_in_which_nothing_finished_says_so():
    pruned = create_trial(state=TrialState.PRUNED, params={"focal.ratio": 0.5}, distributions=RATIO)
    assert "No finished trial" in written(relation_figures(searched([pruned]))["ratio"])
    assert "No trial" in written(relation_figures(searched([], ["flops"]))["trade-off"])


def test_the_front_joins_the_trials_that_no_other_beats():
    figure = relation_figures(searched(FRONT, ["parameters"]))["trade-off"]
    (axes,) = figure.axes
    others, front, _ = axes.lines
    assert list(others.get_xdata()) == [32]
    assert list(front.get_xdata()) == [8, 16, 64]
    assert "no other trial beats it in everything (3)" in written(figure)


def test_every_cost_has_its_axes():
    trials = [with_width(8, 0.6, 3.0), with_width(16, 0.7, 5.0)]
    figure = relation_figures(searched(trials, ["parameters", "milliseconds"]))["trade-off"]
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "parameters",
        "milliseconds of a prediction",
    ]


@pytest.mark.parametrize("name", list(SEARCH_FIGURES))
def test_the_other_figures_of_a_search_for_several_things_are_about_accuracy(name):
    figure = SEARCH_FIGURES[name](searched(FRONT, ["parameters"]))
    assert figure.axes
