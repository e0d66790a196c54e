"""One sweep that nobody touches, and the seed of all wounds."""

import os

import pytest

from tests.chaos.campaign import Campaign


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    """The same sweep, undisturbed."""
    campaign = Campaign(tmp_path_factory.mktemp("reference"))
    campaign.finish()
    return campaign


@pytest.fixture(scope="session")
def seed() -> int:
    """Draws every moment; `FCKD_CHAOS_SEED` draws others."""
    return int(os.environ.get("FCKD_CHAOS_SEED", "0"))
