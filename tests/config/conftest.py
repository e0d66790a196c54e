"""A small valid space, as a document that a test may spoil."""

import pytest


@pytest.fixture
def document():
    return {
        "name": "small",
        "experiment": {
            "corpus": {"source": "synthetic", "validation_subjects": [3]},
            "student": {"modality": "inertial", "network": "temporal"},
            "teachers": {"skeleton": {"modality": "skeleton", "network": "temporal"}},
            "objective": {"logits": {"weight": 1.0}},
            "training": {"batch_size": 8},
        },
        "search": {
            "parameters": {
                "focal.ratio": {"low": 0.1, "high": 1.0},
                "focal.criterion": {"choices": ["magnitude", "cam"]},
                "objective.logits.weight": {"low": 0.1, "high": 4, "log": True, "may_be_off": True},
                "objective.correlation.weight": {"low": 0.1, "high": 4},
            },
        },
    }
