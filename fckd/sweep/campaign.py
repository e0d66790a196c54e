"""What a sweep and a comparison have in common: corpus, cluster, teachers and lessons."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from optuna.storages import RDBStorage

from fckd.config.campaign import Campaign
from fckd.config.experiment import Experiment
from fckd.data.prepare import prepare
from fckd.data.protocols import divide
from fckd.errors import UserError
from fckd.events import Event, Listener, Progress, SweepStarted
from fckd.files import fingerprint, is_full, make_folder
from fckd.storage.address import Address
from fckd.storage.shelf import open_shelf, storage_folder
from fckd.sweep.attendance import Attendance, attended, ending
from fckd.sweep.cluster import cluster
from fckd.sweep.companion import SUBMITTED
from fckd.sweep.control import CAMPAIGN, STORAGE, Control, campaigns_called
from fckd.sweep.given import who_makes_blocks
from fckd.sweep.leader import halted
from fckd.sweep.lease import Lease
from fckd.sweep.ledger import REASON
from fckd.sweep.ledger_places import is_shared, reason, shown
from fckd.sweep.phases import Phase
from fckd.sweep.preparation import Preparation
from fckd.train.workshop import READER_VERSION, Workshop

Track = Callable[[Path], Listener]
"""Given a campaign's folder, returns who keeps its events."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Opened:
    """A campaign whose runs can start.

    Attributes:
        identity: The campaign's name and a fingerprint of what is compared in what.
        folder: Its files.
        workshop: With corpus, teachers and lessons.
        listener: Who hears of every event.
        attendance: Whom other terminals can ask to stop, to pause, or for more groups.
    """

    identity: str
    folder: Path
    workshop: Workshop
    listener: Listener
    attendance: Attendance


def open_workshop(
    campaign: Campaign, variants: Iterable[Experiment], data: Path | None, watch: Listener
) -> Workshop:
    """Prepare the corpus of all variants if it is missing, and check that each can be divided.

    Args:
        campaign: Whose experiment says what the corpus is made from; variants may divide it in
            their own way.
        variants: Every experiment that runs.
        data: Folder of the raw benchmarks; None where the source needs none.
        watch: Hears how far that is.

    Raises:
        UserError: The storage or the raw data are not what they should be.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage, shelf = resolve_storage(campaign), open_shelf(campaign.storage)
    described = list(variants)
    modalities = {modality for variant in described for modality in variant.modalities}

    def advance(done: int, total: int) -> None:
        watch(Progress("prepare", done, total))

    corpus = prepare(
        campaign.experiment.corpus,
        sorted(modalities),
        data,
        storage,
        advance,
        shelf=shelf,
        make=who_makes_blocks(shared=shelf is None),
    )
    watch(Progress("prepare", len(corpus), len(corpus)))
    workshop = Workshop(storage, corpus.folder, shelf=shelf)
    for settings in dict.fromkeys(each.corpus for each in (campaign.experiment, *described)):
        divide(workshop.corpus, settings)
    for variant in described:
        workshop.share_weights(variant)
    return workshop


@contextmanager
def opened(
    campaign: Campaign,
    workshop: Workshop,
    ledger: RDBStorage,
    described: Mapping[str, Any],
    preparation: Preparation,
    listeners: tuple[Listener, Track],
    device_hours: float | None = None,
) -> Iterator[Opened]:
    """Open the campaign: one driver, a cluster, every teacher and lesson made.

    Args:
        campaign: For its name and execution.
        workshop: With the corpus.
        ledger: Where its trials are kept.
        described: What makes another campaign if it changes; the corpus counts by its content.
        preparation: What runs need.
        listeners: Who watches, and who keeps events.
        device_hours: That may be spent.

    Raises:
        UserError: Another process runs it, the machine does not allow it, or the ledger is gone.
        Stopped: It was asked to end meanwhile.
    """
    identity = _identity(campaign.name, described, workshop.corpus.fingerprint)
    folder = make_folder(workshop.storage / "sweeps" / identity)
    sole = (_sole_driver(folder), Lease(ledger, identity))
    with _machine_trouble(folder), sole[0], sole[1] as lease, cluster(campaign.execution):
        _check_place(ledger, identity, workshop.address)
        _tell_of_earlier(ledger, identity, campaign.name)
        watch, track = listeners
        place = workshop.address
        with attended(campaign, identity, place, lease, ledger, watch, device_hours) as attendance:
            listener = _all(watch, track(folder), attendance)
            with ending(identity, listener):
                listener(_started(campaign, identity, workshop))
                preparation.make_teachers(workshop, listener, attendance)
                preparation.make_lessons(workshop, listener, attendance)
                yield Opened(identity, folder, workshop, listener, attendance)


def _identity(name: str, described: Mapping[str, Any], corpus: str) -> str:
    # Of other teachers and lessons the same student learns something else.
    content = {**described, "corpus": corpus, "reader": READER_VERSION}
    return f"{name}-{fingerprint(content)[:8]}"


def resolve_storage(campaign: Campaign) -> Path:
    """Return the absolute storage folder of this machine.

    Raises:
        UserError: A submitted job names a relative folder, which would vanish with the job.
    """
    folder = storage_folder(campaign.storage)
    here = Address.parse(campaign.storage) is None
    if SUBMITTED in os.environ and here and not Path(campaign.storage).is_absolute():
        raise UserError(
            f"storage: {campaign.storage}, in a submitted job",
            "an absolute folder: a job's working directory is deleted with it",
            "add --set storage=/a/shared/folder",
        )
    return folder


def _check_place(ledger: RDBStorage, identity: str, address: str) -> None:
    """Of what has ended only the ledger's part would be found in another storage.

    Raises:
        UserError: The campaign was begun in another one.
    """
    try:
        described = Control(ledger, identity).read().get(CAMPAIGN, {})
    except KeyError:  # nobody has begun it yet
        return
    begun = described.get(STORAGE, address)
    if is_shared(ledger) and begun != address:
        raise UserError(
            f"storage: {address}, for {identity} in the ledger {shown(ledger)}",
            f"{begun}, where its runs are",
            "use that storage, or give the campaign another name",
        )


def _tell_of_earlier(ledger: RDBStorage, identity: str, name: str) -> None:
    """Say before anything is trained that a campaign of this name which has trials is another one.

    Whoever only meant to go on, after an upgrade say, would else see it begin anew without a word.
    """
    found, _ = campaigns_called(name, ledger)
    if identity in found:
        return
    begun = [earlier for earlier in found if _has_trials(ledger, earlier)]
    if begun:
        _log.warning(
            "%s is another one than %s, for what describes it differs (space or experiment, data, "
            "or version of fckd): no trial of that one is reused",
            identity,
            begun[-1],
        )


def _has_trials(ledger: RDBStorage, campaign: str) -> bool:
    phases = (
        study
        for study in optuna.get_all_study_names(ledger)
        if study == campaign or study.startswith(f"{campaign}-")
    )
    return any(_has_trial(ledger, study) for study in phases)


def _has_trial(ledger: RDBStorage, study: str) -> bool:
    try:
        ledger.get_trial_id_from_study_id_trial_number(ledger.get_study_id_from_name(study), 0)
    except KeyError:
        return False
    return True


def reasons(phase: Phase) -> str:
    """Return why runs of a phase failed, in words; nothing if none did."""
    found = [trial.user_attrs.get(REASON) for trial in phase.ledger.ended]
    return "; ".join(sorted({reason for reason in found if reason}))


@contextmanager
def _sole_driver(folder: Path) -> Iterator[None]:
    """Two drivers of one campaign would take each other's running trials for stale ones."""
    lock = FileLock(folder / "driver.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as held:
        raise UserError(
            f"another process is running the sweep in {folder}",
            "one driver for each sweep",
            "wait until it has ended, or end it",
        ) from held
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _machine_trouble(folder: Path) -> Iterator[None]:
    """Say of a full disk or a ledger that does not answer what it is, whoever met it first."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise
        raise halted(f"cannot write to {folder}: {error.strerror}") from error
    except optuna.exceptions.StorageInternalError as error:
        raise halted(f"the ledger does not answer: {reason(error)}") from error


def _all(*listeners: Listener) -> Listener:
    def listen(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return listen


def _started(campaign: Campaign, identity: str, workshop: Workshop) -> SweepStarted:
    experiment = campaign.experiment
    counts = workshop.counts(experiment)
    parameters = {
        "source": workshop.corpus.source,
        "student": f"{experiment.student.network} on {experiment.student.modality}",
        "teachers": ", ".join(experiment.teachers),
        "isolation": campaign.execution.isolation,
        "workers": campaign.execution.workers,
        **{f"samples {part}": count for part, count in counts.items()},
    }
    return SweepStarted(identity, {"fckd.corpus": workshop.corpus.fingerprint}, parameters)
