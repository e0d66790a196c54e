"""Small students and the registries that they are put into."""

import torch

from fckd.config.corpus import RawSettings
from fckd.config.networks import NetworkSettings
from fckd.models.table import build_network
from fckd.registry.card import Card, Measurement, TestResult
from fckd.registry.packing import pack_student
from fckd.registry.predict import predictions
from fckd.registry.student import load_student

NETWORK = NetworkSettings(modality="inertial", network="temporal", width=8, frames=12)
SHAPE = (6, 12)
CLASSES = ("wave", "clap", "sit", "stand", "throw", "draw")


def answers(correct, samples=40):
    ids = tuple(f"a1_s2_t{number}" for number in range(samples))
    return TestResult(sample_ids=ids, correct=tuple(number < correct for number in range(samples)))


def card(correct=20, **changes):
    fields = {
        "name": "demo",
        "source": "synthetic",
        "network": NETWORK,
        "input_shape": SHAPE,
        "classes": CLASSES,
        "arm": "distilled",
        "metrics": {"distilled": Measurement(mean=0.9, interval=(0.87, 0.93), n=5)},
        "seed": 3,
        "parameters": {"focal.ratio": 0.5},
        "corpus": "0123456789abcdef",
        "raw": RawSettings(),
        "protocols": ("cross-subject",),
        "lessons": {"skeleton": "fedcba9876543210"},
        "git_commit": "c" * 40,
        "versions": {"torch": "2.13.0"},
        "run": None,
        "test": answers(correct),
    }
    return Card(**{**fields, **changes})


def weights(seed=0):
    torch.manual_seed(seed)
    return build_network(NETWORK, SHAPE, len(CLASSES)).state_dict()


def packed(folder, seed=0, onnx=False, **changes):
    pack_student(folder, weights(seed), card(**changes), onnx=onnx)
    return folder


def predicted(folder, sample, **trust):
    """What the student in `folder` says about one recording."""
    return next(predictions(load_student(folder, **trust), [str(sample)]))


def readings(samples=3):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(samples, *SHAPE, generator=generator).numpy()
