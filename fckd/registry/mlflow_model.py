"""The student as plain MLflow sees it.

`mlflow.pyfunc.load_model("models:/NAME@champion").predict(readings)` takes (N, *input_shape)
float32 and returns (N, classes) float32 probabilities; `model.unwrap_python_model()` does not
apply, for no pickled Python object is involved. The sums are checked on loading. A student that
is a plug-in is loaded with `load_model(…, model_config={"trust_plug_in": True})` only.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fckd.registry.student import Engine, Student, load_student


class ProbabilityModel:
    """What `mlflow.pyfunc` calls.

    Args:
        student: Answers.
    """

    def __init__(self, student: Student) -> None:
        self.student = student

    def predict(
        self,
        model_input: NDArray[np.float32],
        params: Mapping[str, Any] | None = None,  # noqa: ARG002 - MLflow's calling convention
    ) -> NDArray[np.float32]:
        """Return (N, classes) float32 probabilities of readings (N, *input_shape) float32."""
        return self.student.probabilities(model_input)


def _load_pyfunc(path: str, model_config: Mapping[str, Any] | None = None) -> ProbabilityModel:
    """Load the student in the folder `path`; MLflow finds this function by its name."""
    trusted = bool((model_config or {}).get("trust_plug_in", False))
    return ProbabilityModel(load_student(Path(path), trust_plug_in=trusted, engine=Engine.TORCH))
