"""docs/losses.md says what the losses compute."""

from benchmarks.loss_table import ABOUT, DOCUMENT, divided, table
from fckd.distill.table import TERMS


def test_the_document_tells_of_every_loss():
    assert set(ABOUT) == set(TERMS)


def test_the_documents_table_is_what_the_command_prints():
    _, written, _ = divided(DOCUMENT.read_text())
    assert written == table(), "run `python -m benchmarks.loss_table --write`"
