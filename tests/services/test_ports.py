"""What a stranger on the network gets from the ports of the whole service: nothing.

While a sweep is at work, for its processes have ports of their own.
"""

import json
import sys
from pathlib import Path

import pytest

from tests.chaos.moments import Moment, comes

pytestmark = [
    pytest.mark.ray,
    pytest.mark.service,
    pytest.mark.long,
    pytest.mark.timeout(1800),
]

FOREVER = "experiment.training.epochs=100000"
# 405: S3's own accounts, of which only signed requests are told that they are there.
REFUSED = {"401", "403", "405", "UNAUTHENTICATED"}
ALIVE = {
    "ray": {
        "GET /api/healthz",
        "GET /api/local_raylet_healthz",
        "grpc.health.v1.Health/Check",
    },
    "s3": {"GET /healthz"},
    "mlflow": {
        "GET /health",
        "GET /static-files/1",  # of its pages' programs; there is none of this name
        "GET /ajax-api/3.0/mlflow/server-info",
        "GET /api/3.0/mlflow/server-info",
    },
}
"""What everybody may ask: whether it is alive, and in what shape of MLflow."""


@pytest.fixture(scope="module")
def told(service):
    """What each port tells a stranger's host, by what is spoken there."""
    sweep, submitted = service.submit(FOREVER)
    assert comes(Moment("epoch", 1, 0.0), sweep, submitted), service.said()
    stranger = service.net.host("stranger")

    def tell(speech, ends):
        script = (sys.executable, "-m", "tests.services.stranger", speech, *ends)
        asked = stranger.run(*script, PYTHONPATH=str(Path.cwd()))
        assert asked.returncode == 0, asked.stderr
        answers = json.loads(asked.stdout)
        assert answers.keys() == set(ends)
        assert all(answers.values()), answers
        return answers

    ledger = f"{service.services.address}:{service.database.port}"
    heard = {
        "ray": tell("ray", _ends(service.head, *service.workers)),
        "s3": tell("s3", _ends(service.storage)),
        "mlflow": tell("mlflow", [end for end in _ends(service.services) if end != ledger]),
        "postgresql": tell("postgresql", [ledger]),
    }
    assert submitted.poll() is None, "the sweep ended before the stranger had asked"
    return heard


def test_every_port_of_ray_asks_for_the_token(told):
    answers = {end: kept for end, kept in told["ray"].items() if "rendezvous" not in kept}
    assert len(answers) > 20
    assert _given(answers, "ray") == {}


def test_of_a_worker_group_only_the_rendezvous_is_open(told):
    """Torch knows no password: docs/cluster.md says so."""
    assert [kept for kept in told["ray"].values() if "rendezvous" in kept] == [{"rendezvous": "OK"}]


def test_s3_asks_for_a_key_and_its_second_port_for_a_certificate(told):
    (closed,) = [end for end, kept in told["s3"].items() if set(kept.values()) == {"UNAVAILABLE"}]
    assert len(told["s3"].pop(closed)) == 2
    assert len(told["s3"]) == 1
    assert _given(told["s3"], "s3") == {}


def test_every_page_of_mlflow_asks_for_a_password(told):
    (pages,) = told["mlflow"].values()
    assert len(pages) > 500
    assert _given(told["mlflow"], "mlflow") == {}


def test_the_ledger_asks_for_a_password(told):
    (answers,) = told["postgresql"].values()
    assert all("password" in answer for answer in answers.values()), answers


def _ends(*hosts):
    return [f"{host.address}:{port}" for host in hosts for port in host.open_ports()]


def _given(told, speech):
    """Return what was not refused, although not everybody may ask it."""
    return {
        f"{end} {asked}": answer
        for end, answers in told.items()
        for asked, answer in answers.items()
        if answer not in REFUSED and asked.partition(" with ")[0] not in ALIVE[speech]
    }
