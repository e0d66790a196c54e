"""The stored form of every modality: what a source returns and a corpus holds.

| modality | shape | dtype | unit |
|---|---|---|---|
| skeleton | (T, J, 3) | float32 | metres; x to the image's right, y up, z away from the camera |
| inertial | (T, 6) | float32 | acceleration in g, then angular rate in degrees per second |
| depth | (T, H, W) | uint8 | 0: nothing there; 1..255: nearness |
| rgb | (T, H, W, 3) | uint8 | red, green, blue |
| infrared | (T, H, W) | uint8 | brightness |
| flow | (T, H, W, 2) | int8 | 1/16 pixel of H × W a frame, to the right, then down; 0: no motion |

J is bodies × joints of a layout in `fckd.config.skeletons`, the joints of the first body first. A
body that is not there in a frame is zeros.

Depth of a person without background is `128 + 127 * (median - distance)` with distances in
metres, clipped to 1..255: what is nearer than the median of the person over the whole clip is
above 128, and a metre away from the median either way is the end of the scale. Depth of a whole
scene falls linearly from 255 at 0.5 m to 1 at 4.5 m and beyond, the range of a Kinect.

Flow reaches 127/16 = 7.9 pixels a frame either way; what is faster is stored as that.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fckd.config.networks import IMAGES, Modality
from fckd.config.skeletons import LAYOUTS, MOST_BODIES
from fckd.data.bodies import spine_length
from fckd.errors import UserError

Array = NDArray[Any]

DEPTH_MEDIAN = 128
DEPTH_STEPS_PER_METRE = 127
NEAREST, FARTHEST = 0.5, 4.5
"""Metres; of a whole scene."""
FLOW_STEPS_PER_PIXEL = 16
FASTEST_FLOW = 127
"""Steps either way; -128 stays unused, so that mirroring is exact."""

ANY: tuple[int, ...] = ()


@dataclass(frozen=True)
class Form:
    """How a modality is stored: `shape` has the lengths that are right, or ANY; time is first."""

    dtype: np.dtype[Any]
    shape: tuple[tuple[int, ...], ...]

    def __str__(self) -> str:
        letters = iter("THW")
        sizes = [
            " or ".join(map(str, lengths)) if lengths else next(letters) for lengths in self.shape
        ]
        return f"an array ({', '.join(sizes)}) of {self.dtype}"

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of `shape` has this form."""
        return (
            len(shape) == len(self.shape)
            and 0 not in shape
            and all(
                not right or found in right for right, found in zip(self.shape, shape, strict=True)
            )
        )


JOINTS = tuple(
    bodies * len(layout.joints) for bodies in range(1, MOST_BODIES + 1) for layout in LAYOUTS
)

FORMS = {
    Modality.SKELETON: Form(np.dtype(np.float32), (ANY, JOINTS, (3,))),
    Modality.INERTIAL: Form(np.dtype(np.float32), (ANY, (6,))),
    Modality.DEPTH: Form(np.dtype(np.uint8), (ANY, ANY, ANY)),
    Modality.RGB: Form(np.dtype(np.uint8), (ANY, ANY, ANY, (3,))),
    Modality.INFRARED: Form(np.dtype(np.uint8), (ANY, ANY, ANY)),
    Modality.FLOW: Form(np.dtype(np.int8), (ANY, ANY, ANY, (2,))),
}


def in_stored_form(array: Array, modality: Modality, place: str) -> Array:
    """Return `array` as the contiguous stored form of `modality`.

    Series of any real number type are converted; images must already be of the stored type, for
    the meaning of others is unknown.

    Args:
        array: Any array.
        modality: What it should be.
        place: Where it was found, for the message of an error.

    Raises:
        UserError: Wrong type or shape, a value that is not finite, or a skeleton
            without size.
    """
    form = FORMS[modality]
    right_type = array.dtype == form.dtype if modality in IMAGES else array.dtype.kind in "fiu"
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
