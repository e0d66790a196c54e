"""A skeleton's graph, partitioned by direction (Yan et al., ST-GCN, AAAI 2018)."""

import torch

from fckd.config.skeletons import SkeletonLayout

PARTITIONS = 3
"""The joint itself, its neighbours away from the root, its neighbour towards the root."""


def partitioned_adjacency(layout: SkeletonLayout) -> torch.Tensor:
    """Return (3, V, V) float32: in partition k, joint w takes `[k, v, w]` of joint v.

    What a joint takes in a partition adds up to 1, or to 0 where it has no neighbour there.
    """
    joints = len(layout.joints)
    children, parents = (list(ends) for ends in zip(*layout.bones, strict=True))
    adjacency = torch.zeros(PARTITIONS, joints, joints)
    adjacency[0] = torch.eye(joints)
    adjacency[1, children, parents] = 1
    adjacency[2, parents, children] = 1
    return adjacency / adjacency.sum(dim=1, keepdim=True).clamp(min=1)
