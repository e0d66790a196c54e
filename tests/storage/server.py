"""A real S3 server, as `cluster/storage.sh` starts it, with one bucket and two accounts."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import boto3
import botocore.exceptions

from tests.ports import free_port

SCRIPT = Path(__file__).parents[2] / "cluster" / "storage.sh"
START_LIMIT = 300.0
LOOPBACK = "127.0.0.1"
BUCKET = "artefacts"
KEY, SECRET = "AKIDTESTACCOUNT", "canary-secret-2f9c41d7e05b"
STRANGER, STRANGERS_SECRET = "AKIDSTRANGER", "another-secret"
VOLUME_MEBIBYTES = 64
PORTS = ("master", "volume", "filer", "s3")


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        endpoint: Its address.
        metrics: Where it counts requests.
    """

    endpoint: str
    metrics: str

    @property
    def environment(self) -> dict[str, str]:
        """What a user sets."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            # and nothing from this machine's own configuration
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    @property
    def client(self):
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        )

    def place(self) -> str:
        """Return an address that nobody has used."""
        return f"s3://{BUCKET}/{uuid.uuid4().hex}/storage"

    def keys(self, address: str) -> list[str]:
        """Return the keys below an address, without its own prefix."""
        prefix = address.removeprefix(f"s3://{BUCKET}/") + "/"
        found = self.client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())
        return [entry["Key"].removeprefix(prefix) for entry in found]

    def count(self, kind: str) -> int:
        """Return how many requests of a kind the server has answered: PUT, or GET and HEAD."""
        with urlopen(self.metrics) as answer:
            text = answer.read().decode()
        counted = rf'^SeaweedFS_s3_request_total{{.*type="{kind}".*}} (\S+)$'
        return sum(int(float(value)) for value in re.findall(counted, text, re.MULTILINE))


@contextmanager
def s3_server(
    folder: Path, address: str = LOOPBACK, within: tuple[str, ...] = ()
) -> Iterator[Server]:
    """Run a server that keeps its data in `folder`.

    Args:
        folder: Of its data.
        address: On which it speaks S3; its other ports, which ask for no key, are the loopback's.
        within: Words before a command that make it one of another host.
    """
    (folder / "data").mkdir()
    accounts = folder / "accounts.json"
    accounts.write_text(json.dumps({"identities": [
        _account("tests", KEY, SECRET, ["Admin", "Read", "Write", "List"]),
        _account("stranger", STRANGER, STRANGERS_SECRET, ["Read:elsewhere", "List:elsewhere"]),
    ]}))  # fmt: skip
    ports = [free_port() for _ in range(2 * len(PORTS) + 1)]
    command = [*within, str(SCRIPT), f"-dir={folder / 'data'}", f"-s3.ip.bind={address}"]
    for number, name in enumerate(PORTS):
        command += [
            f"-{name}.port={ports[2 * number]}",
            f"-{name}.port.grpc={ports[2 * number + 1]}",
        ]
    command += [f"-s3.config={accounts}"]
    command += [f"-s3.localSocket={folder / 's3.sock'}", f"-filer.localSocket={folder / 'f.sock'}"]
    command += [f"-metricsPort={ports[-1]}", f"-master.volumeSizeLimitMB={VOLUME_MEBIBYTES}"]
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TMPDIR": str(folder),
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    server = Server(
        f"http://{address}:{ports[2 * PORTS.index('s3')]}", f"http://{LOOPBACK}:{ports[-1]}/metrics"
    )
    try:
        _make_bucket(server, process, folder / "log")
        yield server
    finally:
        # it has nothing to save, and takes its time over a gentler end
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _account(name, key, secret, actions):
    credentials = [{"accessKey": key, "secretKey": secret}]
    return {"name": name, "credentials": credentials, "actions": actions}


def _make_bucket(server: Server, process, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT
    while True:
        try:
            server.client.create_bucket(Bucket=BUCKET)
            server.client.put_object(Bucket=BUCKET, Key="ready", Body=b"")
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as refusal:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(log.read_text()) from refusal
            time.sleep(0.3)
        else:
            return
