"""What is in a corpus, in words and tables."""

from pathlib import Path

import numpy as np
from rich import filesize
from rich.console import Console
from rich.segment import Segments
from rich.table import Table
from rich.text import Text

from fckd.cli.lines import say
from fckd.data.corpus import Corpus
from fckd.data.damage import LISTED_AT_MOST, REPORT
from fckd.data.manifest import MANIFEST
from fckd.data.official import compared
from fckd.data.prepare import CORPORA
from fckd.data.preview import write_preview
from fckd.data.ranges import LOOKED_AT_MOST, ranges_of
from fckd.data.sheet import SHEET
from fckd.errors import UserError
from fckd.storage.shelf import open_shelf, storage_folder

PARTS = ("train", "test", "unused")
WIDEST = 300
"""Characters."""


def find_corpus(name: str, storage: str) -> Corpus:
    """Open a corpus by its folder, or by its name in the storage.

    Raises:
        UserError: There is none of that name, or it is damaged.
    """
    corpora, shelf = storage_folder(storage) / CORPORA, open_shelf(storage)
    known = sorted(path.parent.name for path in corpora.glob(f"[!.]*/{MANIFEST}"))
    if shelf is not None and not (Path(name) / MANIFEST).is_file():
        known = shelf.names(CORPORA)
        if name in known:
            shelf.fetch(corpora / name)
    for folder in (Path(name), corpora / name):
        if (folder / MANIFEST).is_file():
            return Corpus.open(folder)
    place = corpora if shelf is None else shelf.address
    raise UserError(
        f"no corpus {name}: neither a folder with a {MANIFEST}, nor in {place}",
        f"one of {', '.join(known)}" if known else "a folder that `fckd prepare` made",
        "name one of these" if known else "prepare one first, or name the storage with --storage",
    )


def print_summary(console: Console, corpus: Corpus) -> None:
    """Print counts by split, class and modality, and whether they are the official ones."""
    about = f"{corpus.source}: {len(corpus):,} samples, fingerprint {corpus.fingerprint}"
    say(console, about)
    for protocol in corpus.protocols:
        say(console, f"{protocol}: {_division(corpus, protocol)}")
    _print_absent(console, corpus)
    _print_table(console, _modalities(corpus))
    if len(corpus) > LOOKED_AT_MOST:
        say(console, f"(values: of {LOOKED_AT_MOST} samples, evenly spread)")
    _print_table(console, _classes(corpus))
    if (corpus.folder / SHEET).is_file():
        say(console, f"one sample of each class: {corpus.folder / SHEET}")


def print_sample(console: Console, corpus: Corpus, sample_id: str) -> None:
    """Print what is known of a sample, and where the animation of its modalities is.

    Raises:
        UserError: There is no such sample.
    """
    index = corpus.index_of(sample_id)
    splits = ", ".join(f"{name} {corpus.splits(name)[index]}" for name in corpus.protocols)
    about = (
        f"{sample_id}: {corpus.classes[corpus.labels[index]]}; subject {corpus.subjects[index]}, "
        f"camera {corpus.cameras[index]}; {splits}"
    )
    say(console, about)
    table = _table("modality", "shape", "type", "values")
    for modality in corpus.modalities:
        array = corpus.array(index, modality)
        values = f"{array.min():.4g} to {array.max():.4g}"
        table.add_row(modality, _shape(array.shape), array.dtype.name, values)
    _print_table(console, table)
    preview = write_preview(corpus, index)
    say(console, f"preview: {preview}")


def _division(corpus: Corpus, protocol: str) -> str:
    splits = corpus.splits(protocol)
    counts = {part: int((splits == part).sum()) for part in PARTS}
    shown = ", ".join(f"{count:,} {part}" for part, count in counts.items() if count)
    verdict = compared(corpus.source, protocol, counts["train"], counts["test"])
    return f"{shown}: {verdict}" if verdict else shown


def _print_absent(console: Console, corpus: Corpus) -> None:
    for why, absent in (
        ("nobody is seen in", corpus.left_out),
        (f"left out as damaged ({corpus.folder / REPORT}):", corpus.damaged),
    ):
        if absent:
            more = len(absent) - LISTED_AT_MOST
            listed = ", ".join(absent[:LISTED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
            say(console, f"{why} {len(absent)}: {listed}")


def _modalities(corpus: Corpus) -> Table:
    table = _table("modality", "samples", "steps", "median", "a step", "values", "stored", "each")
    for modality in corpus.modalities:
        found = ranges_of(corpus, modality)
        shapes = [_shape(shape) for shape in found.shapes]
        table.add_row(
            modality,
            f"{len(corpus):,}",
            f"{found.shortest} to {found.longest}",
            f"{found.middle}",
            shapes[0] if len(shapes) == 1 else f"{shapes[0]} … {shapes[-1]}, {len(shapes)} kinds",
            f"{found.low:.4g} to {found.high:.4g}",
            found.form if found.coding is None else f"{found.form} {found.coding}",
            filesize.decimal(found.bytes_each),
        )
    return table


def _classes(corpus: Corpus) -> Table:
    splits = {protocol: corpus.splits(protocol) for protocol in corpus.protocols}
    columns = [(protocol, part) for protocol in splits for part in ("train", "test")]
    table = _table("class", *(f"{protocol}\n{part}" for protocol, part in columns))
    for label, name in enumerate(corpus.classes):
        of_class = corpus.labels == label
        counts = [int(np.sum(of_class & (splits[name] == part))) for name, part in columns]
        table.add_row(Text(name), *map(str, counts))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    return table


def _print_table(console: Console, table: Table) -> None:
    """Print at the table's own width: a narrow terminal breaks lines, but no figure is cut."""
    drawn = console.render(table, console.options.update_width(WIDEST))
    console.print(Segments(drawn), soft_wrap=True, end="")


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
