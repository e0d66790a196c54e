"""Every term against a writing that shares no line with it."""

import pytest
import torch

from fckd.distill.table import TERMS
from tests.distill.oracles import ORACLES, mid_level
from tests.distill.terms import sides, value_of


def test_every_term_has_an_oracle():
    assert set(ORACLES) == set(TERMS)


@pytest.mark.parametrize("seed", [1, 11, 21])
@pytest.mark.parametrize("term", TERMS)
def test_a_term_is_what_its_paper_says(term, seed):
    student, teacher = sides(term, seed=seed, dtype=torch.float64)
    labels = torch.tensor([0, 4, 2, 5])
    # torchdistill finds distances by ‖a‖² + ‖b‖² - 2⟨a, b⟩, which cancels.
    tolerance = 1e-6 if term == "relational" else 1e-9
    wanted = float(ORACLES[term](student, teacher, labels))
    assert float(value_of(term, student, teacher, labels)) == pytest.approx(wanted, rel=tolerance)


def test_attention_transfer_by_the_papers_equation_is_the_root_of_ours():
    student, teacher = sides("attention_transfer", samples=1, dtype=torch.float64)
    pair = {"pair": {side: {"path": "m", "io": "output"} for side in ("student", "teacher")}}
    theirs = mid_level.ATLoss(pair, mode="paper")(
        {"m": {"output": student}}, {"m": {"output": teacher}}
    )
    positions = student[0, 0].numel()
    ours = value_of("attention_transfer", student, teacher, positions=8)
    assert float(theirs) == pytest.approx(float(positions * ours) ** 0.5, rel=1e-9)
