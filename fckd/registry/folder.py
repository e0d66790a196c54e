"""What is in a student's folder, read after every sum was checked; no engine is needed for that."""

import json
from pathlib import Path

from fckd.errors import UserError
from fckd.registry.card import Card, parse_card
from fckd.registry.signature import check_signature
from fckd.registry.sums import read_verified

WEIGHTS = "model.safetensors"
ONNX = "model.onnx"
"""The same network for onnxruntime; not in every folder."""
CARD = "card.json"
README = "README.md"


def read_student(folder: Path, public_key: Path | None = None) -> tuple[Card, dict[str, bytes]]:
    """Return the card and the verified content of every file, without building the network.

    Args:
        folder: A packed or pulled student.
        public_key: Who must have signed it; by default the key that FCKD_PUBLIC_KEY names.

    Raises:
        UserError: A file is absent or changed, a key is set that did not sign this, or the card
            is none.
    """
    content = read_verified(folder, required=(WEIGHTS, CARD, README))
    check_signature(folder, content, public_key)
    place = str(folder / CARD)
    try:
        document = json.loads(content[CARD])
    except ValueError as refusal:
        raise UserError(
            f"{place} is not JSON: {refusal}", "a card as packed by fckd", "pull the student again"
        ) from refusal
    return parse_card(document, place), content
