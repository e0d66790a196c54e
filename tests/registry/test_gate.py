import pytest
from pydantic import ValidationError

from fckd.registry.card import TestResult
from fckd.registry.gate import decide
from tests.registry.students import answers, card


def result(correct):
    ids = tuple(f"sample{number}" for number in range(len(correct)))
    return TestResult(sample_ids=ids, correct=tuple(correct))


def test_the_first_student_becomes_champion():
    verdict = decide(card(), None)
    assert verdict.promote
    assert verdict.reason == "the first: there was no champion to beat"


def test_a_clearly_better_student_is_promoted_with_numbers():
    verdict = decide(card(correct=30), card(correct=20))
    assert verdict.promote
    assert "10 are named correctly by the candidate alone and 0 by the champion" in verdict.reason
    assert "p = 0.000977" in verdict.reason


def test_a_gain_within_noise_keeps_the_champion():
    verdict = decide(card(correct=24), card(correct=20))
    assert not verdict.promote
    assert "p = 0.0625" in verdict.reason


def test_five_gained_and_none_lost_is_just_enough():
    assert decide(card(correct=25), card(correct=20)).promote


def test_a_worse_student_keeps_the_champion():
    assert not decide(card(correct=10), card(correct=30)).promote


def test_equal_answers_keep_the_champion():
    verdict = decide(card(), card())
    assert not verdict.promote
    assert verdict.reason.startswith("no difference")


def test_what_is_lost_counts_against_what_is_gained():
    champion = card(test=result([False] * 8 + [True] * 6))
    candidate = card(test=result([True] * 8 + [False] * 6))
    assert not decide(candidate, champion).promote


def test_the_order_of_the_samples_does_not_matter():
    turned = TestResult(sample_ids=answers(30).sample_ids[::-1], correct=answers(30).correct[::-1])
    assert decide(card(test=turned), card(correct=20)).promote


def test_other_test_samples_keep_the_champion():
    verdict = decide(card(test=answers(41, samples=41)), card(correct=1))
    assert not verdict.promote
    assert "41 of synthetic" in verdict.reason
    assert "40 ids in common" in verdict.reason


def test_another_benchmark_keeps_the_champion():
    assert not decide(card(correct=40, source="utd-mhad"), card(correct=1)).promote


def test_synthetic_recordings_of_another_seed_keep_the_champion_though_their_ids_agree():
    verdict = decide(card(correct=40, corpus="fedcba9876543210"), card(correct=1))
    assert not verdict.promote
    assert "fedcba9876543210 (candidate)" in verdict.reason


def test_real_recordings_are_the_same_whatever_modalities_their_corpus_holds():
    candidate = card(correct=40, source="utd-mhad", corpus="fedcba9876543210")
    assert decide(candidate, card(correct=1, source="utd-mhad")).promote


def test_an_answer_for_each_sample_is_demanded():
    with pytest.raises(ValidationError, match="2 ids, but 1 answers"):
        TestResult(sample_ids=("a", "b"), correct=(True,))


def test_a_sample_named_twice_is_refused():
    with pytest.raises(ValidationError, match="named twice"):
        TestResult(sample_ids=("a", "a"), correct=(True, True))
