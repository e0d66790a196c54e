"""One sample in motion: all its modalities side by side, as an animated GIF."""

import io
import re
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from fckd.data.corpus import Corpus
from fckd.data.portrait import INK, portrait
from fckd.files import fingerprint, write_bytes

FOLDER = "previews"
SIDE = 192
GAP = 8
HEADER = 24
STEPS = 30
MILLISECONDS = 80
"""Of each step: modalities of different rates share one clock, from beginning to end."""


def write_preview(corpus: Corpus, sample: int) -> Path:
    """Write the animation of a sample into the corpus's folder `previews`, and return its path.

    Raises:
        UserError: The folder cannot be written.
    """
    steps = [_picture(corpus, sample, (step + 0.5) / STEPS) for step in range(STEPS)]
    content = io.BytesIO()
    steps[0].save(
        content,
        "GIF",
        save_all=True,
        append_images=steps[1:],
        duration=MILLISECONDS,
        loop=0,
    )
    path = corpus.folder / FOLDER / f"{_file_name(corpus.sample_ids[sample])}.gif"
    write_bytes(path, content.getvalue())
    return path


def _picture(corpus: Corpus, sample: int, moment: float) -> Image.Image:
    modalities = corpus.modalities
    width = GAP + len(modalities) * (SIDE + GAP)
    picture = Image.new("RGB", (width, HEADER + SIDE + GAP), "white")
    pen = ImageDraw.Draw(picture)
    for number, modality in enumerate(modalities):
        left = GAP + number * (SIDE + GAP)
        tile = portrait(corpus.array(sample, modality), modality, moment, SIDE)
        picture.paste(tile, (left, HEADER))
        place = (left + SIDE // 2, HEADER // 2)
        pen.text(place, modality, INK, ImageFont.load_default(14), anchor="mm")
    return picture


def _file_name(sample_id: str) -> str:
    """Return an id as a file name that is valid everywhere and of this sample alone."""
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", sample_id)[:80]
    return safe if safe == sample_id else f"{safe}-{fingerprint(sample_id)[:8]}"
