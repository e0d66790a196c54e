"""Pretrained weights that a campaign names, fetched before anything starts."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fckd.cli.inputs import storage_folder, tracking_uri

if TYPE_CHECKING:
    from fckd.config.campaign import Campaign

FIELD = "weights"
FETCHED = "sha256:"

Kind = TypeVar("Kind", bound="Campaign")


def with_fetched_weights(campaign: Kind) -> Kind:
    """Return `campaign` with every network's `weights` copied into its storage.

    What is trained is then known by what it began with, and every worker finds it.

    Raises:
        UserError: Weights cannot be found or read, or have seen what the campaign measures on.
    """
    document = campaign.model_dump(mode="json")
    fetched = _fetched(document, storage_folder(campaign.storage), campaign)
    return campaign if fetched == document else type(campaign).model_validate(fetched)


def _fetched(value: Any, storage: Path, campaign: "Campaign") -> Any:
    if not isinstance(value, dict):
        return value
    return {
        name: _reference(below, storage, campaign)
        if name.rpartition(".")[2] == FIELD and isinstance(below, str)
        else _fetched(below, storage, campaign)
        for name, below in value.items()
    }


def _reference(given: str, storage: Path, campaign: "Campaign") -> str:
    if given.startswith(FETCHED):
        return given
    # MLflow takes seconds to import, which only weights of a registered student need.
    from fckd.registry.pretrained import fetch_pretrained

    return fetch_pretrained(given, storage, tracking_uri(storage), campaign)
