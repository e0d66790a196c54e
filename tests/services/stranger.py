"""What ports answer to somebody who has no token, password or key, or a wrong one.

`python -m tests.services.stranger SPEECH ADDRESS:PORT...` prints it as JSON; a speech is a function
below. Of each port: {question: answer}, a status of HTTP or gRPC, or what ended the connection.
"""

import importlib
import json
import os
import pkgutil
import re
import ssl
import sys
from collections.abc import Iterable
from datetime import timedelta
from http.client import HTTPConnection, HTTPException

import grpc
import psycopg2
import ray.core.generated

LIMIT_SECONDS = 10
TOKEN = {"authorization": "Bearer wrong"}
PASSWORD = {"authorization": "Basic YWRtaW46cGFzc3dvcmQ="}
BODY = {
    "body": "Action=ListUsers&Version=2010-05-08",
    "headers": {"content-type": "application/x-www-form-urlencoded"},
}
"""Of every POST: S3 lists its accounts."""

RAY_PAGES = (
    ("GET", "/"),
    ("GET", "/metrics"),
    ("GET", "/api/healthz"),
    ("GET", "/api/local_raylet_healthz"),
    ("GET", "/api/jobs/"),
    ("POST", "/api/jobs/"),
    ("POST", "/api/job_agent/jobs/"),
    ("POST", "/get_or_create_runtime_env"),
)
UNDESCRIBED = (
    "grpc.health.v1.Health/Check",
    "opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "ray.rpc.ObjectManagerService/FreeObjects",
    "ray.rpc.ObjectManagerService/Pull",
    "ray.rpc.ObjectManagerService/Push",
)
"""Calls of services that Ray's package does not describe."""
MLFLOW_PAGES = (
    ("GET", "/docs"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/signup"),
    ("GET", "/version"),
    ("GET", "/api/2.0/mlflow/users/get"),
    ("PATCH", "/api/2.0/mlflow/users/update-password"),
    ("POST", "/api/2.0/mlflow/experiments/search"),
    ("POST", "/api/2.0/mlflow/users/create"),
    ("POST", "/api/2.0/mlflow/users/create-ui"),
)
"""What the program that asks for passwords adds, or might; and the experiments."""
S3_PAGES = (
    ("GET", "/"),
    ("GET", "/healthz"),
    ("GET", "/metrics"),
    ("GET", "/artefacts?list-type=2"),
    ("GET", "/artefacts/ready"),
    ("PUT", "/artefacts/evil"),
    ("DELETE", "/artefacts/ready"),
    ("POST", "/"),
)
S3_CALLS = ("messaging_pb.SeaweedS3IamCache/PutIdentity",)
"""It makes an administrator."""

Answers = dict[str, str]


def of_ray(end: str) -> Answers:
    """Ask for pages, or call whatever a service of Ray offers, or look into torch's rendezvous."""
    try:
        return pages(end, RAY_PAGES, {}, TOKEN)
    except (HTTPException, OSError):
        pass
    with grpc.insecure_channel(end) as channel:
        try:
            grpc.channel_ready_future(channel).result(LIMIT_SECONDS)
        except grpc.FutureTimeoutError:
            return rendezvous(end)
        return calls(channel, (*described(), *UNDESCRIBED), {}, TOKEN)


def of_mlflow(end: str) -> Answers:
    """Ask for every page; with a wrong password, which takes it long to refuse, for few."""
    os.environ["MLFLOW_FLASK_SERVER_SECRET_KEY"] = "of nobody: no server is started here"
    from mlflow.server import app as flask
    from mlflow.server.fastapi_app import app as fastapi

    found = {(verb, rule.rule) for rule in flask.url_map.iter_rules() for verb in rule.methods}
    found |= {
        (verb.upper(), path) for path, of in fastapi.openapi()["paths"].items() for verb in of
    }
    filled = [
        (verb, re.sub(r"<[^>]*>|{[^}]*}", "1", path))
        for verb, path in sorted(found)
        if verb not in ("HEAD", "OPTIONS")
    ]
    return pages(end, filled, {}) | pages(end, MLFLOW_PAGES, {}, PASSWORD)


def of_s3(end: str) -> Answers:
    """Ask for pages or, if it speaks no HTTP, call what makes an administrator."""
    try:
        return pages(end, S3_PAGES, {}, PASSWORD)
    except (HTTPException, OSError):
        pass
    with grpc.insecure_channel(end) as channel:
        answers = calls(channel, S3_CALLS, {})
    host, _, port = end.rpartition(":")
    shown = ssl.get_server_certificate((host, int(port)), timeout=LIMIT_SECONDS).encode()
    trusted = grpc.ssl_channel_credentials(shown)
    named = (("grpc.ssl_target_name_override", "nobody"),)
    with grpc.secure_channel(end, trusted, named) as channel:
        encrypted = calls(channel, S3_CALLS, {})
    return answers | {f"{name}, encrypted": answer for name, answer in encrypted.items()}


def of_postgresql(end: str) -> Answers:
    """Come as the ledger's owner."""
    host, _, port = end.rpartition(":")
    answers = {}
    for password in ("", "wrong"):
        try:
            psycopg2.connect(
                host=host, port=port, user="fckd", password=password, dbname="postgres"
            ).close()
            answers[f"password '{password}'"] = "OK"
        except psycopg2.OperationalError as refusal:
            answers[f"password '{password}'"] = str(refusal)
    return answers


def pages(end: str, asked: Iterable[tuple[str, str]], *credentials: dict[str, str]) -> Answers:
    answers = {}
    for verb, path in asked:
        for given in credentials:
            body = BODY if verb == "POST" else {"headers": {}}
            connection = HTTPConnection(end, timeout=LIMIT_SECONDS)
            try:
                connection.request(verb, path, **body | {"headers": body["headers"] | given})
                status = connection.getresponse().status
            finally:
                connection.close()
            answers[question(f"{verb} {path}", given)] = str(status)
    return answers


def calls(channel: grpc.Channel, asked: Iterable[str], *credentials: dict[str, str]) -> Answers:
    """Call without an argument; what the port does not know is left out."""
    answers = {}
    for name in asked:
        for given in credentials:
            call = channel.unary_unary(f"/{name}")
            try:
                call(b"", timeout=LIMIT_SECONDS, metadata=tuple(given.items()))
                answers[question(name, given)] = "OK"
            except grpc.RpcError as refusal:
                answers[question(name, given)] = refusal.code().name
    return {name: answer for name, answer in answers.items() if answer != "UNIMPLEMENTED"}


def described() -> list[str]:
    """Return every call of a service that Ray's package describes."""
    package = ray.core.generated
    names = []
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if module.name.endswith("_pb2"):
            services = importlib.import_module(module.name).DESCRIPTOR.services_by_name.values()
            names += [f"{each.full_name}/{call.name}" for each in services for call in each.methods]
    return names


def rendezvous(end: str) -> Answers:
    from torch.distributed import DistNetworkError, TCPStore

    host, _, port = end.rpartition(":")
    # It looks for the name of the address, which nobody in these networks knows.
    limit = timedelta(seconds=6 * LIMIT_SECONDS)
    try:
        TCPStore(host, int(port), is_master=False, timeout=limit).num_keys()
    except DistNetworkError as refusal:
        return {"rendezvous": str(refusal)}
    return {"rendezvous": "OK"}


def question(name: str, given: dict[str, str]) -> str:
    return f"{name} with {given['authorization']}" if given else name


if __name__ == "__main__":
    speech = {"ray": of_ray, "mlflow": of_mlflow, "s3": of_s3, "postgresql": of_postgresql}
    json.dump({end: speech[sys.argv[1]](end) for end in sys.argv[2:]}, sys.stdout)
