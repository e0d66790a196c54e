"""The card as a page for people: README.md of a student's folder."""

from fckd.config.networks import IMAGES, Modality
from fckd.registry.card import Card, Measurement
from fckd.registry.folder import CARD, ONNX, WEIGHTS
from fckd.registry.sums import SUMS

SYNTHETIC, TABLE, UTD_MHAD = "synthetic", "table", "utd-mhad"


def model_card(card: Card) -> str:
    """Return Markdown: what the student is for, how good it is, and where that ends."""
    sections = (
        f"# {card.name}: {card.network.modality} action recognition student",
        _summary(card),
        "## Intended use\n\n" + _intended_use(card),
        "## Files\n\n" + _files(card),
        "## Preprocessing\n\n" + _preprocessing(card),
        "## Data\n\n" + _data(card),
        "## Licence\n\n" + _licence(card),
        "## Test accuracy\n\n" + _accuracy(card),
        "## Limits\n\n" + _limits(card),
        "## Origin\n\n" + _origin(card),
    )
    return "\n\n".join(sections) + "\n"


def version_note(card: Card) -> str:
    """Return Markdown for a version's page in MLflow: what it is and how good."""
    return f"{_summary(card)}\n\n{_accuracy(card)}\n\nEverything else is in its `README.md`."


def _summary(card: Card) -> str:
    teachers = ", ".join(sorted(card.teachers)) or "nobody (trained alone)"
    return (
        f"A `{card.network.network}` network of width {card.network.width} that names one of "
        f"{len(card.classes)} actions from {card.network.modality} alone. Taught by: {teachers}. "
        "Inference needs no teacher."
    )


def _intended_use(card: Card) -> str:
    shape = ", ".join(map(str, card.input_shape))
    return (
        "Research on recognising the actions below in recordings made like those that it learnt "
        f"from. One reading is a float32 array ({shape}).\n\n"
        "    fckd predict THIS_FOLDER RECORDING\n\n"
        f"Actions: {', '.join(card.classes)}."
    )


def _files(card: Card) -> str:
    onnx = f"- no ONNX file{': ' if card.without_onnx else ''}{card.without_onnx}"
    if card.onnx is not None:
        onnx = (
            f"- `{ONNX}` (opset {card.onnx.opset}): the same network for onnxruntime; its "
            f"probabilities are within {card.onnx.max_difference:.1g} of torch's on "
            f"{card.onnx.compared} random readings"
        )
    return (
        f"- `{WEIGHTS}`: the weights, as tensors and nothing else\n{onnx}\n"
        f"- `{CARD}`: what is known, for programs\n"
        f"- `{SUMS}`: the SHA-256 of every file; `sha256sum --check {SUMS}`"
    )


def _preprocessing(card: Card) -> str:
    modality, raw = card.network.modality, card.raw
    reading = {
        Modality.INERTIAL: "acceleration in g and angular rate in units of 250 degrees per second",
        Modality.SKELETON: "joints in spine lengths about the first body's hip centre",
        Modality.FLOW: f"optical flow of {raw.flow_of}, scaled to -1..1",
    }.get(modality, f"{modality} frames, scaled to 0..1")
    images = f" {_images(card)}" if modality in IMAGES else ""
    return (
        f"{card.network.frames} time steps, evenly spaced over the whole recording: {reading}."
        f"{images} `fckd predict` does it; so does `fckd.data.readings.evaluation_reading`."
    )


def _images(card: Card) -> str:
    read = f"read at {card.network.size} by {card.network.size} pixels"
    made_small = f"stored with a shorter side of at most {card.raw.image_side} pixels"
    modality = card.network.modality
    seen = Modality(card.raw.flow_of) if modality is Modality.FLOW else modality
    if card.source == SYNTHETIC:  # drawn at a size of their own
        return f"Images are {read}."
    if card.source == TABLE:
        return f"Videos and pictures are {made_small}, arrays as they are; all are {read}."
    if (card.source, seen) == (UTD_MHAD, Modality.DEPTH):
        # every reader of recordings is imported with it
        from fckd.data.sources.person_crop import SIZE

        return f"Images are cropped to the person, stored at {SIZE} by {SIZE} pixels and {read}."
    return f"Images are {made_small} and {read}."


def _licence(card: Card) -> str:
    if card.source == SYNTHETIC:
        return "Apache-2.0, as fckd, which also made the data."
    obtained = "these were" if card.source == TABLE else f"`{card.source}` was"
    return (
        "The code is Apache-2.0. For weights that were learnt from recordings, the terms under "
        f"which {obtained} obtained apply as well: read them before you pass these on."
    )


def _data(card: Card) -> str:
    return f"{_recordings(card)}{_learnt_from(card)} Corpus fingerprint `{card.corpus}`."


def _recordings(card: Card) -> str:
    if card.source == SYNTHETIC:
        return (
            "**Synthetic**: an articulated figure animated from a seed. No person was recorded, "
            "and no number below says anything about people."
        )
    if card.source == TABLE:
        return "Own recordings, listed in a table that also divides them into training and test."
    return (
        f"Benchmark `{card.source}`, official division `{card.protocols[0]}` into training and "
        "test part."
    )


def _learnt_from(card: Card) -> str:
    if card.training_subjects is None:
        return ""
    subjects = ", ".join(map(str, card.training_subjects))
    return f" Of the training part only these subjects were used: {subjects}."


def _accuracy(card: Card) -> str:
    rows = "\n".join(_row(arm, found) for arm, found in sorted(card.metrics.items()))
    mean = f"Means over {', '.join(card.protocols)}.\n\n" if len(card.protocols) > 1 else ""
    return (
        f"{mean}| recipe | mean | 95 % interval | seeds |\n|---|---|---|---|\n{rows}\n\n"
        "The interval covers the variation between training seeds, not that between the people "
        f"of the test part.{_frozen(card)} "
        f"This very model (`{card.arm}`, seed {card.seed}) names {sum(card.test.correct)} of "
        f"{len(card.test.correct)} test samples correctly ({_percent(card.test.accuracy)})."
    )


def _frozen(card: Card) -> str:
    """Lessons are those of frozen teachers; who learns with the student leaves none."""
    return " The teachers were trained once, for all of these seeds." if card.lessons else ""


def _row(arm: str, found: Measurement) -> str:
    low, high = found.interval
    return f"| {arm} | {_percent(found.mean)} | {_percent(low)} to {_percent(high)} | {found.n} |"


def _limits(card: Card) -> str:
    known = "these recordings" if card.source == TABLE else f"`{card.source}`"
    return (
        "- It always names one of its actions, also for a recording that shows none of them.\n"
        f"- Known only on {known}: other sensors, viewpoints and people are untested.\n"
        "- The probabilities are not calibrated.\n"
        "- Not for surveillance, nor for decisions about people."
    )


def _origin(card: Card) -> str:
    facts = {
        "git commit": card.git_commit or "unknown",
        "tracking run": card.run or "not tracked",
        **{f"lessons of {name}": key for name, key in sorted(card.lessons.items())},
        **{name: str(value) for name, value in sorted(card.parameters.items())},
        **{f"version of {name}": number for name, number in sorted(card.versions.items())},
    }
    return "\n".join(f"- {name}: `{value}`" for name, value in facts.items())


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
