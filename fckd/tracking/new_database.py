"""MLflow's own SQLite file is there whole or not at all."""

from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock
from mlflow.tracking import MlflowClient

from fckd.config.addresses import SQLITE, sqlite_file
from fckd.files import make_folder


def make_database(tracking_uri: str) -> None:
    """Make the SQLite file of `tracking_uri` if it is one that does not exist.

    MLflow makes its tables one by one, for seconds, and can neither go on with half of them nor
    begin anew: a process that was killed meanwhile would leave a file that no later one can open.

    Raises:
        UserError: The folder of the file cannot be written.
    """
    file = sqlite_file(tracking_uri)
    if file is None or file.exists():
        return
    make_folder(file.parent)
    with FileLock(f"{file}.lock"):
        if file.exists():
            return
        with TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as scratch:
            unfinished = Path(scratch, file.name)
            MlflowClient(f"{SQLITE}{unfinished}").search_experiments(max_results=1)
            unfinished.rename(file)
