"""The verbs of finished students."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from fckd.cli.inputs import Storage, storage_folder, storage_of, tracking_uri
from fckd.cli.lines import say
from fckd.cli.loading import Asked
from fckd.errors import UserError

if TYPE_CHECKING:
    from fckd.registry.store import Registry

app = typer.Typer()
console = Console()


class Split(StrEnum):
    """Of a corpus."""

    TEST = "test"
    TRAIN = "train"
    ALL = "all"


class EngineChoice(StrEnum):
    """As `fckd.registry.student.Engine`, which need not be imported for help."""

    TORCH = "torch"
    ONNX = "onnx"


Name = Annotated[str, typer.Argument(metavar="NAME", help="Of a registered student.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A pulled student.")]
PublicKey = Annotated[
    Path | None,
    typer.Option(
        "--public-key", metavar="FILE", help="Only what its private key signed; FCKD_PUBLIC_KEY."
    ),
]
TrustPlugIn = Annotated[
    bool, typer.Option("--trust-plug-in", help="Run the code of a student's own network.")
]
EngineName = Annotated[
    EngineChoice | None, typer.Option("--engine", help="Torch where it is installed, else ONNX.")
]


@app.command()
def promote(
    name: Name,
    version: Annotated[int, typer.Argument(metavar="VERSION", min=1)],
    force: Annotated[bool, typer.Option("--force", help="Overrule the gate.")] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept with the version.")
    ] = None,
    storage: Storage = None,
) -> None:
    """Make a version the champion if it is better on the same test samples."""
    if force != bool(reason and reason.strip()):
        raise UserError(
            "--reason without --force" if reason else "--force without a reason",
            "--force --reason TEXT together, or neither",
            "say why the gate is overruled; the text stays with the version",
        )
    verdict = _registry(storage).promote(name, version, reason)
    if verdict.promote:
        say(console, f"{name}/{version} is champion ({verdict.reason})")
    elif force:
        say(console, f"{name}/{version} is champion, against the gate ({verdict.reason})")
    else:
        say(console, f"the champion stays ({verdict.reason})")


@app.command()
def rollback(name: Name, storage: Storage = None) -> None:
    """Make the champion before this one champion again."""
    later, earlier = _registry(storage).rollback(name)
    say(console, f"{name}/{earlier} is champion again, in place of {name}/{later}")


@app.command()
def lineage(
    reference: Annotated[
        str, typer.Argument(metavar="NAME@ALIAS", help="Such as demo@champion, or demo/1.")
    ],
    storage: Storage = None,
) -> None:
    """Say where a student comes from: sweep, trial, teachers, lessons, corpus, commit."""
    rows = _registry(storage).lineage(reference)
    widest = max(len(what) for what, _ in rows)
    for what, which in rows:
        say(console, f"{what:<{widest}}  {which}")


@app.command()
def pull(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="STUDENT",
            help="NAME@ALIAS, such as demo@champion; NAME/VERSION; a folder; s3://BUCKET/PREFIX.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="An empty or new folder.")],
    storage: Storage = None,
    public_key: PublicKey = None,
) -> None:
    """Fetch a student and check its checksums, and its signature if a key is set."""
    from fckd.registry.pull import pull as fetch

    fetch(reference, out, _address(storage), public_key)
    say(console, f"{reference} is in {out}")


@app.command()
def predict(
    student: Folder,
    samples: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SAMPLE…",
            help="Videos, raw recordings, folders of pictures, .npy, or CORPUS/SAMPLE_ID.",
        ),
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option("--camera", metavar="N", help="Instead: a camera, a video file or rtsp://…"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="A table: .csv or .parquet.")
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="So many actions.")] = 5,
    window: Annotated[int, typer.Option("--window", min=1, help="Frames of a camera's clip.")] = 32,
    engine: EngineName = None,
    public_key: PublicKey = None,
    trust_plug_in: TrustPlugIn = False,
) -> None:
    """Name the action in recordings, or before a camera."""
    if bool(samples) == (camera is not None):
        raise UserError(
            "a camera and recordings" if samples else "no recording",
            "recordings, or --camera N",
            "name one of them",
        )
    if camera is not None and out is not None:
        raise UserError(
            "--camera and --out",
            "a table of recordings, or a camera whose actions are printed",
            "leave one of them out; what is printed can be kept with > FILE",
        )
    from fckd.cli.predict import predict_recordings, watch_camera

    asked = Asked(student, engine, public_key, trust_plug_in)
    if camera is not None:
        watch_camera(console, asked, camera, window=window, top=top)
    else:
        predict_recordings(console, asked, samples or [], out=out, top=top)


@app.command()
def evaluate(
    student: Folder,
    corpus: Annotated[
        str, typer.Argument(metavar="CORPUS", help="A folder, or its name in the storage.")
    ],
    split: Annotated[Split, typer.Option("--split")] = Split.TEST,
    protocol: Annotated[
        str | None, typer.Option("--protocol", help="Of the corpus; else the student's own.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.csv", help="The confusion table.")
    ] = None,
    storage: Storage = None,
    engine: EngineName = None,
    public_key: PublicKey = None,
    trust_plug_in: TrustPlugIn = False,
) -> None:
    """Measure a student on a corpus; the reading of a test split is recorded."""
    from fckd.cli.corpora import find_corpus
    from fckd.cli.evaluate import evaluate_student

    asked = Asked(student, engine, public_key, trust_plug_in)
    found = find_corpus(corpus, storage_of(storage))
    evaluate_student(console, asked, found, split.value, protocol, out)


def _registry(storage: str | None) -> "Registry":
    # MLflow takes seconds to import.
    from fckd.registry.store import Registry

    return Registry(_address(storage))


def _address(storage: str | None) -> str:
    return tracking_uri(storage_folder(storage_of(storage)))
