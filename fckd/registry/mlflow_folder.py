"""An MLflow model folder around a student: its files, the code that reads them, no pickle."""

import shutil
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

import mlflow.pyfunc
import numpy as np
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec

import fckd
from fckd.registry.card import Card
from fckd.registry.names import STUDENT_PATH

LOADER = "fckd.registry.mlflow_model"
CODE = (
    "__init__.py",
    "errors.py",
    "files.py",
    "config/*.py",
    "models/*.py",
    "models/fusion/*.py",
    "registry/__init__.py",
    "registry/card.py",
    "registry/folder.py",
    "registry/mlflow_model.py",
    "registry/signature.py",
    "registry/student.py",
    "registry/sums.py",
    "registry/torch_engine.py",
)
"""What loading a student imports of fckd, so that it loads where fckd is not installed."""

PACKAGES = ("numpy", "pydantic", "pyyaml", "safetensors", "torch")


def save_mlflow_folder(student: Path, card: Card, target: Path, model: Model) -> None:
    """Write an MLflow model to the new folder `target`.

    Args:
        student: A packed student.
        card: Its card.
        target: Must not exist.
        model: MLflow's own description, filled in here.
    """
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        # the signature below is exact, MLflow need not guess it from an example
        warnings.filterwarnings("ignore", ".*An input example was not provided")
        # MLflow keeps the last part of a path as the name in its folder
        staged = Path(scratch) / Path(STUDENT_PATH).name
        shutil.copytree(student, staged)
        mlflow.pyfunc.save_model(
            str(target),
            loader_module=LOADER,
            data_path=str(staged),
            code_paths=[str(_copy_code(Path(scratch)))],
            signature=_signature(card),
            pip_requirements=[f"{name}=={_public_version(name)}" for name in PACKAGES],
            mlflow_model=model,
        )


def _copy_code(scratch: Path) -> Path:
    package = Path(fckd.__file__).parent
    target = scratch / package.name
    for pattern in CODE:
        for file in sorted(package.glob(pattern)):
            copy = target / file.relative_to(package)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
    return target


def _signature(card: Card) -> ModelSignature:
    single = np.dtype(np.float32)
    # without names, so that MLflow hands the array on as it is
    readings = TensorSpec(single, (-1, *card.input_shape))
    probabilities = TensorSpec(single, (-1, len(card.classes)))
    return ModelSignature(Schema([readings]), Schema([probabilities]))


def _public_version(package: str) -> str:
    return version(package).partition("+")[0]
