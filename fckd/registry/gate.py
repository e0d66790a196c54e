"""Whether a candidate takes the champion's place."""

from dataclasses import dataclass

from scipy.stats import binomtest

from fckd.registry.card import Card

SIGNIFICANCE = 0.05
SYNTHETIC = "synthetic"


@dataclass(frozen=True)
class Verdict:
    """A decision and its reason, in words and numbers."""

    promote: bool
    reason: str


def decide(candidate: Card, champion: Card | None) -> Verdict:
    """Promote if there is no champion, or if the candidate is better on the same test samples.

    Better means: an exact one-sided McNemar test on the samples that only one of the two names
    correctly gives p < 0.05.
    """
    if champion is None:
        return Verdict(True, "the first: there was no champion to beat")
    if _are_strangers(candidate, champion):
        return Verdict(False, _different_corpora(candidate, champion))
    mine = dict(zip(candidate.test.sample_ids, candidate.test.correct, strict=True))
    theirs = dict(zip(champion.test.sample_ids, champion.test.correct, strict=True))
    if candidate.source != champion.source or mine.keys() != theirs.keys():
        return Verdict(False, _different_tests(candidate, champion))
    gained = sum(mine[name] and not theirs[name] for name in mine)
    lost = sum(theirs[name] and not mine[name] for name in mine)
    return _verdict(gained, lost, len(mine))


def _verdict(gained: int, lost: int, samples: int) -> Verdict:
    numbers = (
        f"of {samples} test samples, {gained} are named correctly by the candidate alone "
        f"and {lost} by the champion alone"
    )
    if gained + lost == 0:
        return Verdict(False, f"no difference: {numbers}")
    p = float(binomtest(gained, gained + lost, 0.5, alternative="greater").pvalue)
    test = f"exact one-sided McNemar p = {p:.3g}"
    if p < SIGNIFICANCE:
        return Verdict(True, f"better: {numbers} ({test} < {SIGNIFICANCE})")
    return Verdict(False, f"within noise or worse: {numbers} ({test}, not < {SIGNIFICANCE})")


def _are_strangers(candidate: Card, champion: Card) -> bool:
    """Whatever seed made the synthetic recordings, they have the same ids."""
    both = candidate.source == champion.source == SYNTHETIC
    return both and candidate.corpus != champion.corpus


def _different_corpora(candidate: Card, champion: Card) -> str:
    return (
        "perhaps not tested on the same recordings, though they have the same names: the corpora "
        f"{candidate.corpus} (candidate) and {champion.corpus} (champion) differ in seed, "
        "modalities or coding"
    )


def _different_tests(candidate: Card, champion: Card) -> str:
    mine, theirs = candidate.test.sample_ids, champion.test.sample_ids
    return (
        "not tested on the same samples: "
        f"{len(mine)} of {candidate.source} for the candidate, "
        f"{len(theirs)} of {champion.source} for the champion, "
        f"{len({*mine} & {*theirs})} ids in common"
    )
