import math
import warnings

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState, create_trial

from fckd.tracking import search_figures
from fckd.tracking.canvas import save
from fckd.tracking.figures import confusion_figure, leaderboard_figure
from fckd.tracking.names import number, short_names
from fckd.tracking.search_figures import SEARCH_FIGURES, importance_figure
from tests.tracking.boards import leaderboard

RATIO = {"focal.ratio": FloatDistribution(0.1, 1.0)}
SWITCH = {"objective.correlation.weight.on": CategoricalDistribution([True, False])}
WEIGHT = {"objective.correlation.weight": FloatDistribution(0.1, 10, log=True)}


def finished(value, ratio=0.5, **epochs):
    return create_trial(
        params={"focal.ratio": ratio}, distributions=RATIO, value=value,
        intermediate_values={1: value / 2, 2: value},
    )  # fmt: skip


def pruned(values):
    return create_trial(
        state=TrialState.PRUNED, params={"focal.ratio": 0.2}, distributions=RATIO,
        intermediate_values=values,
    )  # fmt: skip


def failed():
    return create_trial(state=TrialState.FAIL, params={}, distributions={})


def conditional(value, weight):
    on = weight is not None
    return create_trial(
        params={"objective.correlation.weight.on": on}
        | ({"objective.correlation.weight": weight} if on else {}),
        distributions=SWITCH | (WEIGHT if on else {}),
        value=value,
    )


STUDIES = {
    "no trial": [],
    "one trial": [finished(0.5)],
    "all pruned": [pruned({1: 0.2}), pruned({1: 0.3, 2: 0.4}), pruned({})],
    "all failed": [failed(), failed()],
    "constant values": [finished(0.5, ratio) for ratio in (0.1, 0.2, 0.3)],
    "constant parameter": [finished(value) for value in (0.1, 0.2, 0.3)],
    "conditional": [conditional(0.5, 1.0), conditional(0.4, None), conditional(0.7, 5.0)],
    "no common parameter": [finished(0.5), conditional(0.4, None)],
    "mixed": [finished(0.5, 0.1), failed(), pruned({1: 0.2}), finished(0.7, 0.9)],
}


def study_of(trials):
    study = optuna.create_study(direction="maximize")
    study.add_trials(trials)
    return study


def texts_of(figure):
    figure.canvas.draw()
    return " ".join(
        text.get_text() for text in figure.findobj(lambda item: hasattr(item, "get_text"))
    )


@pytest.mark.parametrize("trials", STUDIES.values(), ids=STUDIES.keys())
@pytest.mark.parametrize("name", SEARCH_FIGURES)
def test_no_study_is_too_odd_to_draw(name, trials):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert texts_of(SEARCH_FIGURES[name](study_of(trials)))


@pytest.mark.parametrize(
    ("name", "study", "said"),
    [
        ("history", "no trial", "No trial has ended"),
        ("history", "all pruned", "no trial ran to its end"),
        ("importance", "one trial", "there are 1"),
        ("importance", "constant values", "the same accuracy"),
        ("importance", "constant parameter", "No parameter varied"),
        ("importance", "conditional", "correlation weight"),
        ("importance", "mixed", "a hint, not a proof"),
        ("parallel", "all pruned", "No trial ran to its end"),
        ("curves", "all failed", "The ledger has no epochs"),
    ],
)
def test_a_figure_says_what_is_missing(name, study, said):
    assert said in texts_of(SEARCH_FIGURES[name](study_of(STUDIES[study])))


def test_the_history_tells_how_trials_ended():
    texts = texts_of(SEARCH_FIGURES["history"](study_of(STUDIES["mixed"])))
    assert all(part in texts for part in ("finished (2)", "stopped early (1)", "failed (1)"))


@pytest.mark.parametrize("name", ["history", "curves"])
def test_a_trial_has_the_number_of_its_key_whatever_was_drawn_again(name):
    again, best = failed(), finished(0.7)
    again.user_attrs = {"superseded": True}
    best.user_attrs = {"trial_key": "demo-2024-0000"}
    figure = SEARCH_FIGURES[name](study_of([again, best]))
    if name == "curves":
        assert "best: trial 0" in texts_of(figure)
    else:
        assert [list(line.get_xdata()) for line in figure.axes[0].lines] == [[0], [0]]


@pytest.mark.parametrize("classes", [2, 8, 27])
def test_a_confusion_names_its_split_and_share(classes):
    counts = [[3 if row == column else 0 for column in range(classes)] for row in range(classes)]
    names = [f"class {index}" for index in range(classes)]
    texts = texts_of(confusion_figure(counts, names, "test"))
    assert "Confusion on test" in texts
    assert f"{3 * classes} of {3 * classes} right" in texts


def test_a_name_with_two_dollars_is_drawn_as_it_is(tmp_path):
    figure = confusion_figure([[2, 1], [0, 2]], ["$x_$", "pay $1 of $2"], "test")
    assert save(figure, tmp_path / "confusion.png").stat().st_size


def test_a_confusion_with_an_empty_class_or_none_at_all():
    assert texts_of(confusion_figure([[2, 0], [0, 0]], ["wave", "clap"], "test"))
    assert "No sample" in texts_of(confusion_figure([], [], "test"))


def test_a_leaderboard_shows_every_arm_with_its_count():
    texts = texts_of(leaderboard_figure(leaderboard()))
    assert "student alone  (n = 3)" in texts
    assert "Accuracy on test (96 samples), synthetic" in texts


def test_seeds_of_the_same_score_are_all_seen():
    board = leaderboard()
    arm = board["arms"][0] | {"scores": [0.5, 0.5, 0.6]}
    drawn = leaderboard_figure(board | {"arms": [arm]}).axes[0].lines[-1]
    assert len(set(zip(*drawn.get_data(), strict=True))) == 3


def test_a_leaderboard_without_arms_says_so():
    assert "No arm" in texts_of(leaderboard_figure(leaderboard() | {"arms": []}))


def test_names_are_short_but_not_ambiguous():
    names = ["training.learning_rate", "teachers.a.width", "teachers.b.width",
             "objective.logits.weight", "objective.logits.weight.on"]  # fmt: skip
    assert list(short_names(names).values()) == [
        "learning_rate", "a width", "b width", "logits weight", "logits on",
    ]  # fmt: skip


def test_large_numbers_and_whole_ones_are_written_out():
    values = (4096, 123456, 4096.0, -2000.4, 999.7, 512.25)
    assert [number(value) for value in values] == ["4096", "123456", "4096", "-2000", "1000", "512"]


def test_numbers_have_three_digits():
    assert [number(value) for value in (0.0012345, 12, math.pi, "cam", True)] == [
        "0.00123", "12", "3.14", "cam", "True",
    ]  # fmt: skip


def test_importances_of_a_long_search_are_of_trials_from_its_whole_length_and_say_so(monkeypatch):
    trials = [finished(0.5 + (n % 10) / 20, (1 + n % 10) / 10) for n in range(100)]
    study = study_of(trials)
    assert "(fANOVA, 100 trials)" in texts_of(importance_figure(study))
    monkeypatch.setattr(search_figures, "MOST_TRIALS", 12)
    assert "(fANOVA, 12 of 100 trials, evenly chosen)" in texts_of(importance_figure(study))
    looked_at = [trial.number for trial in search_figures._evenly(study.trials, 12)]
    assert looked_at == [9 * place for place in range(12)]
