"""The stored form of every modality: what a source returns and a corpus holds.

| modality | shape | dtype | unit |
|---|---|---|---|
| skeleton | (T, 20, 3) | float32 | metres; x to the image's right, y up, z away from the camera |
| inertial | (T, 6) | float32 | acceleration in g, then angular rate in degrees per second |
| depth | (T, H, W) | uint8 | 0: no person; 1..255: nearness about the person's median |
| rgb | (T, H, W, 3) | uint8 | red, green, blue |

Depth is `128 + 127 * (median - distance)` with distances in metres, clipped to 1..255: what is
nearer than the median of the person over the whole clip is above 128, and a metre away from the
median either way is the end of the scale.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fckd.config.networks import Modality
from fckd.data.joints import HIP_CENTER, JOINTS, SHOULDER_CENTER
from fckd.errors import UserError

Array = NDArray[Any]

MINIMUM_LENGTH = 8
"""Time steps; anything shorter is a damaged recording, not an action."""

DEPTH_MEDIAN = 128
DEPTH_STEPS_PER_METRE = 127

IMAGES = (Modality.DEPTH, Modality.RGB)


@dataclass(frozen=True)
class Form:
    """How a modality is stored: `shape` has None where any length is right; time comes first."""

    dtype: np.dtype[Any]
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        letters = iter("THW")
        sizes = ", ".join(next(letters) if size is None else str(size) for size in self.shape)
        return f"an array ({sizes}) of {self.dtype}, T at least {MINIMUM_LENGTH}"

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of `shape` has this form."""
        return (
            len(shape) == len(self.shape)
            and shape[0] >= MINIMUM_LENGTH
            and 0 not in shape
            and all(
                wanted in (None, found) for wanted, found in zip(self.shape, shape, strict=True)
            )
        )


FORMS = {
    Modality.SKELETON: Form(np.dtype(np.float32), (None, len(JOINTS), 3)),
    Modality.INERTIAL: Form(np.dtype(np.float32), (None, 6)),
    Modality.DEPTH: Form(np.dtype(np.uint8), (None, None, None)),
    Modality.RGB: Form(np.dtype(np.uint8), (None, None, None, 3)),
}


def in_stored_form(array: Array, modality: Modality, place: str) -> Array:
    """Return `array` as the contiguous stored form of `modality`.

    Series of any real number type are converted; images must already be uint8, for the meaning of
    other image types is unknown.

    Args:
        array: Any array.
        modality: What it should be.
        place: Where it was found, for the message of an error.

    Raises:
        UserError: Wrong type or shape, too short, a value that is not finite, or a skeleton
            without size.
    """
    form = FORMS[modality]
    kinds = "u" if modality in IMAGES else "fiu"
    right_type = array.dtype.kind in kinds and (array.dtype == form.dtype or kinds == "fiu")
    if not right_type or not form.fits(array.shape):
        raise UserError(
            f"{place}: an array {array.shape} of {array.dtype}",
            f"{modality}: {form}",
            "check that the file is whole and of the right modality",
        )
    stored = np.ascontiguousarray(array, dtype=form.dtype)
    _check_values(stored, modality, place)
    return stored


def _check_values(stored: Array, modality: Modality, place: str) -> None:
    if modality in IMAGES:
        return
    finite = np.isfinite(stored)
    if not finite.all():
        raise UserError(
            f"{place}: {int((~finite).sum())} values are NaN or infinite",
            "finite numbers only",
            "record or export this sample again, or leave it out",
        )
    if modality is Modality.SKELETON and spine_length(stored) == 0:
        raise UserError(
            f"{place}: the shoulder centre and the hip centre are one point",
            "a tracked skeleton",
            "record or export this sample again, or leave it out",
        )


def spine_length(skeleton: Array) -> float:
    """Return the clip's median distance of shoulder centre and hip centre; input (T, 20, 3)."""
    spine = skeleton[:, SHOULDER_CENTER] - skeleton[:, HIP_CENTER]
    return float(np.median(np.linalg.norm(spine, axis=-1)))
