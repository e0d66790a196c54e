"""A corpus at a glance: one sample of every class, in every modality, labelled."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fckd.data.corpus import Corpus
from fckd.data.portrait import INK, portrait

SHEET = "sheet.png"

TILE = 96
GAP = 6
NAMES = 200
"""Width of the column of names, pixels."""
HEADER = 26
TEXT, SMALL_TEXT = 13, 10
QUIET = (97, 110, 124)
SHAPE = 1.4
"""Width over height that is aimed at: classes go on in another column beside the first."""
MIDDLE = 0.5

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw_sheet(corpus: Corpus) -> Image.Image:
    """Return the picture; the same corpus gives the same picture.

    Each row is a class that has samples: the middle one in the order of their ids, at the middle
    of its time.
    """
    labels = np.unique(corpus.labels).tolist()
    width = NAMES + len(corpus.modalities) * (TILE + GAP) + 2 * GAP
    columns = _columns(len(labels), width)
    rows = -(-len(labels) // columns)
    sheet = Image.new("RGB", (columns * width + GAP, HEADER + rows * (TILE + GAP)), "white")
    for column in range(columns):
        _write_header(sheet, corpus, column * width)
        for row, label in enumerate(labels[column * rows : (column + 1) * rows]):
            _paint_row(sheet, corpus, label, (column * width, HEADER + row * (TILE + GAP)))
    return sheet


def _columns(classes: int, width: int) -> int:
    """Return how many columns of classes give the shape that comes closest."""

    def distance(columns: int) -> float:
        height = -(-classes // columns) * (TILE + GAP)
        return abs(math.log(columns * width / height / SHAPE))

    return min(range(1, classes + 1), key=distance)


def _write_header(sheet: Image.Image, corpus: Corpus, left: int) -> None:
    pen = ImageDraw.Draw(sheet)
    for number, modality in enumerate(corpus.modalities):
        place = (left + NAMES + number * (TILE + GAP) + TILE // 2, HEADER // 2)
        pen.text(place, modality, QUIET, _font(TEXT), anchor="mm")


def _paint_row(sheet: Image.Image, corpus: Corpus, label: int, corner: tuple[int, int]) -> None:
    of_class = np.flatnonzero(corpus.labels == label)
    sample = int(of_class[len(of_class) // 2])
    left, top = corner
    pen = ImageDraw.Draw(sheet)
    for text, size, colour, down in (
        (corpus.classes[label], TEXT, INK, TILE // 2 - 4),
        (corpus.sample_ids[sample], SMALL_TEXT, QUIET, TILE // 2 + 14),
    ):
        font = _font(size)
        shown = _shortened(pen, text, font, NAMES - 3 * GAP)
        pen.text((left + NAMES - GAP, top + down), shown, colour, font, anchor="rs")
    for number, modality in enumerate(corpus.modalities):
        tile = portrait(corpus.array(sample, modality), modality, MIDDLE, TILE)
        sheet.paste(tile, (left + NAMES + number * (TILE + GAP), top))


def _shortened(pen: ImageDraw.ImageDraw, text: str, font: Font, width: int) -> str:
    """Return `text`, or as much of it as fits into `width` pixels and an ellipsis."""
    if pen.textlength(text, font) <= width:
        return text
    while text and pen.textlength(f"{text}…", font) > width:
        text = text[:-1]
    return f"{text}…"


def _font(size: int) -> Font:
    return ImageFont.load_default(size)
