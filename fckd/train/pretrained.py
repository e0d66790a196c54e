"""The pretrained weights of an experiment: found, tried in their networks, and shared."""

from pathlib import Path

from fckd.config.experiment import Experiment
from fckd.config.fusion import AnyNetwork, FusionSettings
from fckd.data.corpus import Corpus
from fckd.data.readings import reading_shape
from fckd.errors import UserError
from fckd.models.fusion.table import build_any_network
from fckd.models.pretrained import FOLDER, SCHEME, load_pretrained, pretrained_file
from fckd.storage.copies import Copies
from fckd.train.study import teacher_network


class Pretrained:
    """The pretrained weights in one storage.

    Args:
        storage: The folder that holds every artefact.
        copies: Of its files on the shelf, if there is one.
    """

    def __init__(self, storage: Path, copies: Copies | None) -> None:
        self._storage, self._copies = storage, copies
        self._fitted: list[AnyNetwork] = []
        """Whose weights were found to fit; the variants of a campaign share many."""
        self._shared: set[str] = set()

    def file(self, network: AnyNetwork) -> Path | None:
        """Return the file of the weights that a network begins with, None if it has none.

        It is brought from the shelf if it is only there; nothing is put there.

        Raises:
            UserError: They were not fetched, or are damaged.
            StorageLost: The shelf does not answer.
        """
        reference = _reference(network)
        if reference is None:
            return None
        try:
            return pretrained_file(self._storage, reference)
        except UserError:
            if self._copies is None:
                raise
        # The content gives the name: only what is absent or damaged here is asked for.
        self._copies.take_all(self._storage / FOLDER, reference.removeprefix(SCHEME))
        return pretrained_file(self._storage, reference)

    def require_fit(self, experiment: Experiment, corpus: Corpus) -> None:
        """Put the weights of every network of an experiment into it once, and change nothing.

        Raises:
            UserError: They were not fetched, are damaged, or do not fit their network.
            StorageLost: The shelf does not answer.
        """
        for place, network in _networks(experiment).items():
            if network not in self._fitted and (file := self.file(network)):
                _require_fit(place, network, file, corpus)
                self._fitted.append(network)

    def share(self, experiment: Experiment) -> None:
        """Put the weights of an experiment, which are here, on the shelf, if there is one.

        Raises:
            UserError: They are not here, or damaged.
            StorageLost: The shelf does not answer.
        """
        for reference in map(_reference, _networks(experiment).values()):
            if self._copies and reference is not None and reference not in self._shared:
                self._copies.bring(pretrained_file(self._storage, reference))
                self._shared.add(reference)


def _networks(experiment: Experiment) -> dict[str, AnyNetwork]:
    """Return student and teachers by their place in the experiment."""
    networks: dict[str, AnyNetwork] = {"student": experiment.student}
    for name, teacher in experiment.teachers.items():
        networks[f"teachers.{name}"] = teacher_network(teacher)
    return networks


def _reference(network: AnyNetwork) -> str | None:
    return None if isinstance(network, FusionSettings) else network.weights


def _require_fit(place: str, network: AnyNetwork, file: Path, corpus: Corpus) -> None:
    shapes = tuple(reading_shape(part, corpus.joints) for part in network.inputs)
    try:
        fresh = build_any_network(network, shapes, len(corpus.classes))
        load_pretrained(fresh, file)
    except UserError as refusal:
        given = f"{place}: {refusal.given}"
        raise UserError(given, refusal.expected, refusal.remedy) from refusal
