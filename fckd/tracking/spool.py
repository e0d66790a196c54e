"""Events on disk, in order, until they are shipped: nothing is lost when a process is killed.

`events.jsonl` holds one event a line. `events.shipped.json` says up to which byte they have been
shipped, and to whom: another receiver is told everything from the beginning. A process killed
between shipping an event and saying so ships that event once more; whoever receives events must
therefore bear a repetition.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from fckd.events import Event, SweepStarted, from_json, to_json
from fckd.files import make_folder, write_json
from fckd.tracking.redaction import redact

EVENTS_FILE = "events.jsonl"
SHIPPED_FILE = "events.shipped.json"
REFUSED_FILE = "events.refused.jsonl"


@dataclass(frozen=True)
class Entry:
    """One spooled line and the position behind it."""

    line: bytes
    end: int

    def event(self) -> Event:
        """Return the event.

        Raises:
            ValueError: The line is not an event of this version.
        """
        try:
            return from_json(json.loads(self.line))
        except (KeyError, TypeError) as error:
            raise ValueError(f"not an event: {error}") from error


class Spool:
    """The events of one sweep. One thread appends, one thread takes and marks.

    Args:
        folder: The sweep's folder; made if absent. Opening it again continues where it stopped.
        receiver: Names who takes the events, by anything that only another one has otherwise.
    """

    def __init__(self, folder: Path, receiver: str = "") -> None:
        self.folder = make_folder(folder)
        self._receiver = receiver
        self._events_path = folder / EVENTS_FILE
        self._size = _drop_torn_line(self._events_path)
        self._shipped = self._position_within_events()
        self._writer = self._events_path.open("ab")
        self._reader = self._events_path.open("rb")

    def append(self, event: Event) -> None:
        """Write `event` down before this returns."""
        # default=str writes a SecretStr as asterisks instead of failing in the middle of a sweep
        line = json.dumps(redact(to_json(event)), default=str).encode() + b"\n"
        self._writer.write(line)
        self._writer.flush()
        self._size += len(line)

    def waiting(self, most: int) -> list[Entry]:
        """Return the oldest events that are not marked as shipped, at most so many, in order."""
        entries: list[Entry] = []
        position, written = self._shipped, self._size
        self._reader.seek(position)
        while position < written and len(entries) < most:
            line = self._reader.readline()
            position += len(line)
            entries.append(Entry(line, position))
        return entries

    def mark_shipped(self, entry: Entry) -> None:
        """Remember, also after a crash, that everything up to `entry` is shipped."""
        self._write_position(entry.end)
        self._shipped = entry.end

    def set_aside(self, entry: Entry, reason: str) -> None:
        """Keep an event that can never be shipped in a file of its own, and go on."""
        record = {"reason": reason, "line": entry.line.decode(errors="replace").rstrip("\n")}
        with (self.folder / REFUSED_FILE).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")
        self.mark_shipped(entry)

    def pending(self) -> int:
        """Return how many events are not shipped."""
        with self._events_path.open("rb") as stream:
            stream.seek(self._shipped)
            return sum(1 for _ in stream)

    def opening(self) -> SweepStarted | None:
        """Return the last opening of the sweep among the shipped events."""
        found = None
        for line in self._events_path.read_bytes()[: self._shipped].splitlines():
            if b'"SweepStarted"' in line:
                event = Entry(line, 0).event()
                found = event if isinstance(event, SweepStarted) else found
        return found

    def close(self) -> None:
        """Release the files."""
        self._writer.close()
        self._reader.close()

    def _position_within_events(self) -> int:
        path = self.folder / SHIPPED_FILE
        known = json.loads(path.read_text()) if path.exists() else {"bytes": 0}
        # earlier versions did not write down who had taken the events
        if known.get("receiver", self._receiver) != self._receiver:
            return 0
        position = int(known["bytes"])
        if position > self._size:  # the events were deleted, the position was not
            position = self._size
            self._write_position(position)
        return position

    def _write_position(self, position: int) -> None:
        known = {"bytes": position, "receiver": self._receiver}
        write_json(self.folder / SHIPPED_FILE, known)


def _drop_torn_line(path: Path) -> int:
    """Cut what a killed process left half-written at the end; return the size that stays."""
    path.touch()
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as stream:
            stream.truncate(whole)
    return whole
