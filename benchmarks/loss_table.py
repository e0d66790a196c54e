"""The table of docs/losses.md: every loss, its formula, and its value beside another hand's.

The values are of one fixed random input (float64, 4 samples, 6 channels on a grid of 4 × 2 × 3, or
6 classes), under the default settings.

    python -m benchmarks.loss_table [--write]
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch

from fckd.distill.table import FOCAL, TERMS
from tests.distill.oracles import ORACLES, TORCHDISTILL
from tests.distill.terms import CHANNELS, LABELS, sides, value_of

DOCUMENT = Path(__file__).parent.parent / "docs" / "losses.md"
BEGIN, END = "<!-- python -m benchmarks.loss_table --write -->", "<!-- end of the table -->"


@dataclass(frozen=True)
class About:
    """What the table says of a loss beside its values."""

    formula: str
    reduction: str
    literature: str


ABOUT = {
    "correlation": About("‖Ĝ_s − Ĝ_t‖²_F, focal channels", "Σ / (N·K)", "2.5 (as ICKD)"),
    "distribution": About("τ² KL(φ(t) ‖ φ(s)), focal channels", "Σ / (N·K)", "3 to 10 (as CWD)"),
    "fitnet": About("(s − t)²", "mean over C, P", "100"),
    "ickd": About("‖Ĝ_s − Ĝ_t‖²_F, all channels", "Σ / (N·C)", "2.5"),
    "cwd": About("τ² KL(φ(t) ‖ φ(s)), all channels", "Σ / (N·C)", "3 (logits), 10 (features)"),
    "fgd": About(
        "A_t (s − t)² + γ \\|A_s − A_t\\|", "mean over C, P; over C", "1e-3; γ 1e-3 (sums)"
    ),
    "channel_distillation": About("(s̄ − t̄)²", "mean over C", "6, × 0.9 every 30 epochs (ImageNet)"),
    "mars": About("(s̄ − t̄)²", "mean over C", "50"),
    "hallucination": About("(σ(s) − σ(t))²", "mean over C, P", "0.01 (sum)"),
    "attention_transfer": About("(Q̂_s − Q̂_t)², Q = mean_c \\|F\\|^p", "mean over P", "1000"),
    "similarity_preserving": About("‖Ŝ_s − Ŝ_t‖²_F of samples", "Σ / N²", "3000"),
    "correlation_congruence": About(
        "‖κ_s − κ_t‖²_F of samples", "Σ / N²", "none known for this form"
    ),
    "relational": About("λ_d Huber(distances) + λ_a Huber(cosines)", "mean over N²; N³", "25; 50"),
    "dkd": About("T² (α KL(b_t ‖ b_s) + β KL(r_t ‖ r_s))", "sum over classes", "α 1, β 8"),
    "dist": About("T² (β (1 − ρ_rows) + γ (1 − ρ_columns))", "mean over N; classes", "1 to 2"),
    "logits": About("T² KL(p_t ‖ p_s)", "sum over classes", "0.9 beside a cross-entropy of 0.1"),
}


def values(term: str) -> tuple[float, float]:
    """Return our value and the oracle's on the fixed input."""
    student, teacher = sides(term, dtype=torch.float64)
    if term in FOCAL:
        student, teacher = (side[:, : CHANNELS // 2] for side in (student, teacher))
    ours = value_of(term, student, teacher, LABELS)
    return float(ours), float(ORACLES[term](student, teacher, LABELS))


def table() -> str:
    """Return the table in Markdown."""
    lines = [
        "| loss | formula | reduction | weight in the literature | ours | oracle | whose |",
        "|---|---|---|---|---|---|---|",
    ]
    for term in TERMS:
        about = ABOUT[term]
        ours, theirs = values(term)
        whose = "torchdistill" if term in TORCHDISTILL else "plain"
        lines.append(
            f"| `{term}` | {about.formula} | {about.reduction} | {about.literature} "
            f"| {ours:#.4g} | {theirs:#.4g} | {whose} |"
        )
    return "\n".join(lines)


def divided(document: str) -> tuple[str, str, str]:
    """Return what stands before the table in `document`, the table, and what stands behind it."""
    before, _, rest = document.partition(BEGIN)
    written, _, after = rest.partition(END)
    return before, written.strip(), after


def main() -> None:
    """Print the table, or write it into the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="into docs/losses.md")
    given = parser.parse_args()
    if given.write:
        before, _, after = divided(DOCUMENT.read_text())
        DOCUMENT.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}")
    else:
        print(table())


if __name__ == "__main__":
    main()
