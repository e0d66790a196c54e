import pytest

from tests.cluster.heads import ray_head

CANARY = "canary-5b1d7e40c9a2"


@pytest.fixture(scope="session")
def head(tmp_path_factory):
    with ray_head(tmp_path_factory.mktemp("head"), AWS_SECRET_ACCESS_KEY=CANARY) as running:
        yield running
