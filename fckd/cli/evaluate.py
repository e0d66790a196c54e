"""`fckd evaluate`: accuracy with its interval, and the confusion table."""

from pathlib import Path

from rich.console import Console

from fckd.cli.lines import say
from fckd.cli.loading import Asked
from fckd.data.corpus import Corpus
from fckd.errors import UserError
from fckd.files import make_folder
from fckd.registry.evaluate import evaluate, record, record_file, write_confusion


def evaluate_student(
    console: Console,
    asked: Asked,
    corpus: Corpus,
    split: str,
    protocol: str | None,
    out: Path | None,
) -> None:
    """Print what was measured, write the confusion table, and record that the split was read.

    Raises:
        UserError: The student is not what it should be, or does not fit the corpus, or there is no
            place for the table or the record.
    """
    if protocol is not None and protocol not in corpus.protocols:
        raise UserError(
            f"--protocol {protocol}, by which {corpus.folder} is not divided",
            f"one of {', '.join(corpus.protocols)}",
            "name one of these, or none for the student's own",
        )
    if out is not None:
        _check_place(out)
    student = asked.load()
    record_file(asked.folder)
    found = evaluate(student, corpus, split, protocol)
    low, high = found.interval
    where = f"{found.samples} samples of {split} ({corpus.source}, {found.protocol})"
    interval = f"95 % interval over samples (Wilson): {low:.1%} to {high:.1%}"
    lines = [f"{found.accuracy:.1%} of {where}; {interval}"]
    if found.corpus != student.card.corpus:
        lines.append(f"not the corpus it was trained on ({student.card.corpus})")
    own = student.card.protocols[0]
    if corpus.source == student.card.source and found.protocol != own:
        lines.append(f"not divided as for its training ({own}): it may have learnt some of these")
    if out is not None:
        write_confusion(out, student.card.classes, found)
        lines.append(f"confusion: {out}")
    lines.append(f"recorded in {record(asked.folder, found)}: choose nothing by a test split")
    for line in lines:
        say(console, line)


def _check_place(table: Path) -> None:
    if table.is_dir():
        raise UserError(f"--out {table} is a folder", "the name of a file", "name a file in it")
    make_folder(table.parent)
