"""A student fetched from a folder, from S3's place of it, and from an MLflow server by REST."""

import json
import subprocess
import sys
import threading
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from fckd.errors import UserError
from fckd.registry.delivery import fingerprint_of
from fckd.registry.pull import pull
from fckd.registry.sums import SUMS, write_sums
from tests.registry.students import packed

NOWHERE = "sqlite:////nowhere/mlflow.db"

LIGHT = """
import sys
from pathlib import Path
from fckd.registry.pull import pull
pull(sys.argv[1], Path(sys.argv[2]), "sqlite:////nowhere/mlflow.db")
loaded = {"mlflow", "torch", "ray", "onnxruntime", "pyarrow"} & sys.modules.keys()
sys.exit(f"imported as well: {loaded}" if loaded else 0)
"""


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def student(tmp_path):
    return packed(tmp_path / "student")


class Server:
    """Answers like an MLflow server that knows one student; what it has is in plain fields."""

    def __init__(self, student):
        self.student, self.asked = student, []
        self.tags = {"fckd.fingerprint": fingerprint_of((student / SUMS).read_bytes())}
        self.redirect = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.headers.get("Authorization"))
                code, body = outer.answer(urlsplit(self.path))
                self.send_response(code)
                if outer.redirect:
                    self.send_header("Location", outer.redirect)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://127.0.0.1:{self.http.server_port}"

    def answer(self, asked):
        if self.redirect:
            return 302, b""
        what, query = asked.path.partition("/api/2.0/")[2], parse_qs(asked.query)
        artefacts = "mlflow-artifacts/artifacts/1/models/m-1/artifacts/data/student/"
        if what.startswith(artefacts):
            file = self.student / unquote(what.removeprefix(artefacts))
            return (200, file.read_bytes()) if file.is_file() else (404, b"{}")
        if what == "mlflow/registered-models/search":
            return 200, json.dumps({"registered_models": [{"name": "demo"}]}).encode()
        if query.get("name") != ["demo"]:
            return 404, b"{}"
        if what == "mlflow/registered-models/get":
            aliases = [{"alias": "champion", "version": "3"}]
            return 200, json.dumps({"registered_model": {"aliases": aliases}}).encode()
        if what == "mlflow/model-versions/get-download-uri":
            place = "mlflow-artifacts:/1/models/m-1/artifacts"
            return 200, json.dumps({"artifact_uri": place}).encode()
        tags = [{"key": key, "value": value} for key, value in self.tags.items()]
        return 200, json.dumps({"model_version": {"version": "3", "tags": tags}}).encode()


@pytest.fixture
def server(student, monkeypatch):
    for name in ("USERNAME", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    found = Server(student)
    thread = threading.Thread(target=found.http.serve_forever)
    thread.start()
    yield found
    found.http.shutdown()
    thread.join()
    found.http.server_close()


@pytest.mark.parametrize("reference", ["demo", "demo@champion", "demo/3"])
def test_a_server_hands_out_the_same_bytes(server, student, tmp_path, reference):
    assert content(pull(reference, tmp_path / "out", server.uri)) == content(student)


def test_what_was_exchanged_on_the_server_is_refused(server, student, tmp_path):
    card = student / "card.json"
    card.write_text(card.read_text().replace("0.9", "0.99"))
    write_sums(student)
    with pytest.raises(UserError, match="is not the student that was registered"):
        pull("demo", tmp_path / "out", server.uri)
    assert not (tmp_path / "out").exists()


def test_name_and_password_are_sent(server, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
    pull("demo", tmp_path / "out", server.uri)
    assert {b64decode(said.removeprefix("Basic ")) for said in server.asked} == {b"ada:secret"}


def test_a_redirection_does_not_carry_the_password_on(server, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    other = Server(server.student)
    server.redirect = other.uri
    with pytest.raises(UserError, match="HTTP 302"):
        pull("demo", tmp_path / "out", server.uri)
    assert other.asked == []
    other.http.server_close()


def test_an_unknown_name_is_refused_with_the_known_ones(server, tmp_path):
    with pytest.raises(UserError, match=r"(?s)no champion of 'wrist'.*one of: demo"):
        pull("wrist", tmp_path / "out", server.uri)


def test_a_folder_is_fetched_with_what_it_lists_only(student, tmp_path):
    (student / "run_me.py").write_text("print()")
    pulled = pull(str(student), tmp_path / "out", NOWHERE)
    (student / "run_me.py").unlink()
    assert content(pulled) == content(student)


def test_a_pull_from_a_folder_imports_neither_mlflow_nor_torch(student, tmp_path):
    command = [sys.executable, "-c", LIGHT, str(student), str(tmp_path / "out")]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
