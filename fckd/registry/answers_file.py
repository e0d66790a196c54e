"""Predictions of many recordings as a table: CSV or Parquet, whole or not at all."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fckd.errors import UserError
from fckd.files import make_folder, write_bytes
from fckd.registry.predict import Prediction

CSV, PARQUET = ".csv", ".parquet"


def check_place(path: Path) -> None:
    """Return if a table can be written to `path`; its folder is made.

    Raises:
        UserError: Its name ends otherwise, it is a folder, or its folder cannot be written.
    """
    if path.suffix not in {CSV, PARQUET}:
        raise UserError(f"--out {path}", f"FILE{CSV} or FILE{PARQUET}", "name one of these")
    if path.is_dir():
        raise UserError(f"--out {path} is a folder", "the name of a file", "name a file in it")
    make_folder(path.parent)


def write_answers(path: Path, predictions: Iterable[Prediction], top: int) -> int:
    """Write one row for each recording and return how many there are; no file if there is none.

    Columns: sample, action, probability, the true class where it is known, the milliseconds of
    reading and of the network, then `action_1`, `probability_1` and so on up to `top`.

    Raises:
        UserError: The place cannot be written.
    """
    rows = [_row(prediction, top) for prediction in predictions]
    if rows:
        write_bytes(path, _csv(rows) if path.suffix == CSV else _parquet(rows))
    return len(rows)


def _row(prediction: Prediction, top: int) -> dict[str, Any]:
    read, answered = prediction.milliseconds
    row: dict[str, Any] = {
        "sample": prediction.sample,
        "action": prediction.action,
        "probability": prediction.probability,
        "true": prediction.true,
        "read_ms": round(read, 3),
        "network_ms": round(answered, 3),
    }
    for place, (action, probability) in enumerate(prediction.top[:top], start=1):
        row |= {f"action_{place}": action, f"probability_{place}": probability}
    return row


def _csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    file = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()
