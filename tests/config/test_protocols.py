"""Several protocols of one benchmark: checked when a document is read."""

import pytest

from fckd.config.comparison import Comparison
from fckd.config.documents import merge, validate
from fckd.config.space import Space
from fckd.errors import UserError

THREE = ["split-1", "split-2", "split-3"]
HMDB51 = {
    "corpus": {"source": "hmdb51", "validation_subjects": None, "validation_share": 0.1},
    "student": {"modality": "rgb", "network": "video"},
}


def space_of(document, protocols, experiment=HMDB51):
    changes = {"experiment": experiment, "confirmation": {"protocols": protocols}}
    return validate(Space, merge(document, changes), "space")


def comparison_of(document, protocols, arms=None):
    content = {
        "name": "small",
        "experiment": merge(document["experiment"], HMDB51),
        "arms": arms or {"alone": {"objective.logits.weight": 0}, "KD": {}},
        "protocols": protocols,
    }
    return validate(Comparison, content, "comparison")


@pytest.mark.parametrize("protocols", [[], ["split-3"], THREE])
def test_the_protocols_of_the_source_are_accepted(document, protocols):
    assert list(space_of(document, protocols).confirmation.protocols) == protocols
    assert list(comparison_of(document, protocols).protocols) == protocols


@pytest.mark.parametrize("build", [space_of, comparison_of])
@pytest.mark.parametrize(
    ("protocols", "reason"),
    [
        (["split-1", "own"], "hmdb51 has no protocol own: one of split-1, split-2, split-3"),
        (["split-1", "split-1"], "split-1 is named twice"),
        (["split-4"], "protocols"),
    ],
)
def test_others_are_refused(document, build, protocols, reason):
    with pytest.raises(UserError, match=reason):
        build(document, protocols)


def test_a_source_of_one_protocol_has_no_others(document):
    with pytest.raises(UserError, match="synthetic has no protocol split-1: one of cross-subject"):
        space_of(document, ["split-1"], experiment={})


def test_an_arm_leaves_the_protocol_to_the_comparison(document):
    arms = {"alone": {}, "KD": {"corpus.protocol": "split-2"}}
    assert comparison_of(document, [], arms)
    with pytest.raises(UserError, match=r"arms\.KD sets corpus\.protocol"):
        comparison_of(document, THREE, arms)
