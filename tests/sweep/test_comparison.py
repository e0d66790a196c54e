"""A comparison: the same seeds for every arm, and no run twice."""

from pathlib import Path

import pytest

from fckd.config.comparison import Comparison
from fckd.config.documents import merge, read_document, validate
from fckd.errors import UserError
from fckd.sweep.arms import comparison_arms
from fckd.sweep.compare import compare
from fckd.sweep.leaderboard import verdict
from fckd.sweep.phases import Repetitions
from tests.sweep.ledgers import ready
from tests.sweep.spaces import CORRELATION, DOCUMENT, LOGITS

ARMS = {"student alone": {LOGITS: 0}, "KD": {}, "FCKD": {CORRELATION: 1.0}}
SHIPPED = sorted(Path("comparisons").glob("*.yaml"))


def comparison(**changes):
    document = {key: DOCUMENT[key] for key in ("name", "experiment")} | {"arms": ARMS}
    return validate(Comparison, merge(document, changes), "the small comparison")


@pytest.fixture
def runs(storage, tmp_path):
    def of(given):
        seeds = range(given.first_seed, given.first_seed + given.seeds)
        arms, part = comparison_arms(given), "train+validation"
        return Repetitions(
            "comparison", arms, seeds, given.protocols, part, "small", ready(storage), tmp_path
        )

    return of


def finish(phase):
    """End every run that is asked for; return (arm, seed) of each."""
    done = []
    for asked in iter(phase.ledger.ask, None):
        order = phase.order(asked)
        phase.ledger.tell(asked.key, "finished", 0.5)
        done.append((order.tags["fckd.arm"], int(order.tags["fckd.seed"])))
    return done


def test_every_arm_is_the_experiment_with_its_own_fields():
    alone, kd, fckd = (arm.experiment for arm in comparison_arms(comparison()))
    assert not alone.objective.uses_lessons
    assert kd == comparison().experiment
    assert fckd.objective.correlation.weight == 1.0
    assert fckd.training == alone.training


@pytest.mark.parametrize(
    "fields", [{"focal": {"ratio": 0.25}}, {"focal.ratio": 0.5, "focal": {"ratio": 0.25}}]
)
def test_an_arm_may_be_written_nested_and_sets_only_what_it_names(fields):
    given = comparison(experiment={"focal": {"criterion": "random"}}, arms={"quarter": fields})
    assert given.arms["quarter"] == {"focal.ratio": 0.25}
    focal = comparison_arms(given)[-1].experiment.focal
    assert (focal.criterion, focal.ratio) == ("random", 0.25)


def test_an_arm_that_lists_teachers_has_these_and_no_other():
    only = {"bone": {"modality": "skeleton", "network": "temporal"}}
    arm = comparison_arms(comparison(arms={"bone alone": {"teachers": only}}))[-1]
    assert list(arm.experiment.teachers) == ["bone"]


def test_an_arm_with_another_corpus_is_refused_by_its_name_before_any_is_made(tmp_path):
    arms = {"large": {"corpus": {"synthetic": {"size": 32}}}}
    given = comparison(arms=arms, storage=str(tmp_path))
    with pytest.raises(UserError) as refused:
        compare(given, None, lambda _: None, lambda _: lambda _: None)
    size = given.experiment.corpus.synthetic.size
    assert refused.value.given == "arms.large sets corpus.synthetic.size to 32"
    assert refused.value.expected == f"{size} as in the experiment: all arms share one corpus"
    assert "--set experiment.corpus.synthetic.size=" in refused.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_an_arm_may_divide_the_shared_corpus_in_its_own_way():
    shared = comparison().experiment.corpus.synthetic.size
    fields = {"corpus.validation_subjects": [3], "corpus.synthetic.size": shared}
    arm = comparison_arms(comparison(arms={"other": fields}))[-1]
    assert arm.experiment.corpus.validation_subjects == (3,)


def test_a_seed_is_refused_however_an_arm_writes_it():
    with pytest.raises(UserError, match=r"training\.seed"):
        comparison(arms={"KD": {"training": {"seed": 3}}})


def test_every_arm_is_trained_with_every_seed(runs):
    done = finish(runs(comparison(seeds=2)))
    assert done == [(arm, seed) for seed in (1000, 1001) for arm in ARMS]


def test_an_arm_that_is_added_runs_alone(runs):
    before = runs(comparison(seeds=2))
    after = runs(comparison(seeds=2, arms={"more": {CORRELATION: 2.0}}))
    assert set(before.keys.items()) < set(after.keys.items())


@pytest.mark.parametrize(
    ("arms", "reason"),
    [
        ({"FCKD": {"objective.correlation.weigth": 1.0}}, "weigth: Extra inputs"),
        ({"FCKD": {CORRELATION: -1.0}}, "correlation.weight"),
    ],
)
def test_an_arm_that_the_experiment_refuses_is_named(arms, reason):
    with pytest.raises(UserError, match=r"arms\.FCKD") as refused:
        comparison_arms(comparison(arms=arms))
    assert reason in str(refused.value)


def test_seeds_belong_to_the_comparison():
    with pytest.raises(UserError, match=r"arms\.FCKD sets training\.seed"):
        comparison(arms={"FCKD": {"training.seed": 1}})


def row(arm, interval, n=8):
    gain = {"against": "student alone", "n": n, "mean": 0.0, "interval": interval}
    return {"arm": arm, "trial": "", "difference": gain if interval else None}


def test_the_verdict_speaks_of_every_arm():
    told = verdict([row("student alone", None), row("A", (0.1, 0.2)), row("B", (-0.1, 0.2))])
    assert told == (
        "Against student alone, each by its own 95 % interval: ahead: A; within noise: B."
    )


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
@pytest.mark.parametrize("smoke", [False, True], ids=["whole", "smoke"])
def test_every_comparison_that_comes_with_fckd_is_valid(path, smoke):
    found = validate(Comparison, read_document(path, smoke=smoke), str(path))
    arms = comparison_arms(found)
    assert [arm.name for arm in arms] == list(found.arms)
    assert not all(arm.experiment.objective.uses_lessons for arm in arms), "a student alone"


def test_there_are_comparisons_to_try():
    assert SHIPPED
