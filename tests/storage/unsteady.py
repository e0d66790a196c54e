"""A service that has bad moments, as S3 has, but when a test wants them; then it answers as S3."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = b"what is in the bucket"
ERROR = "<Error><Code>{}</Code><Message>Please try again</Message></Error>"


class Unsteady(ThreadingHTTPServer):
    """Of every key it has `CONTENT`.

    Attributes:
        moments: How the next requests are answered; those that follow are answered well.
        asked: How many requests there were.
        put: The content of the last one that put something and was answered well.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.moments: list[Callable[[_Request], None]] = []
        self.asked = 0
        self.put = b""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Unsteady

    def do_GET(self) -> None:
        self._answer(lambda: self.say(200, CONTENT))

    def do_HEAD(self) -> None:
        self._answer(lambda: self.say(200, CONTENT))

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))

        def keep() -> None:
            self.server.put = content
            self.say(200)

        self._answer(keep)

    def say(self, status: int, content: bytes = b"", length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length or len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, its name there
        pass

    def _answer(self, well: Callable[[], None]) -> None:
        self.server.asked += 1
        if self.server.moments:
            self.server.moments.pop(0)(self)
        else:
            well()


def hangs_up(request: _Request) -> None:
    request.close_connection = True


def breaks_off(request: _Request) -> None:
    """End in the middle of the content."""
    request.say(200, CONTENT[:5], len(CONTENT))
    request.close_connection = True


def refuses(status: int, code: str) -> Callable[[_Request], None]:
    return lambda request: request.say(status, ERROR.format(code).encode())


@contextmanager
def unsteady() -> Iterator[Unsteady]:
    with Unsteady() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
