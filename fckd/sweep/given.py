"""The Ray cluster that is there already, if any. Imports no Ray: most who ask have none."""

import os

from fckd.data.workers import MakeBlocks, make_blocks


def cluster_is_given() -> bool:
    """Return whether there is a cluster to connect to; Ray sets RAY_ADDRESS in submitted jobs."""
    return bool(os.environ.get("RAY_ADDRESS"))


def who_makes_blocks(*, shared: bool) -> MakeBlocks:
    """Return what makes blocks: the cluster that was given, else this machine's cores.

    Args:
        shared: Whether other nodes may see the folder of the corpus. A machine's own copy of what
            lies in S3 they do not.
    """
    if not (shared and cluster_is_given()):
        return make_blocks
    from fckd.sweep.blocks_on_ray import make_blocks_on_ray

    return make_blocks_on_ray
