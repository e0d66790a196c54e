"""Saliency: how much a teacher's channel says about a sample.

Focal channel knowledge distillation (Gan et al., IEEE Access 2023) transfers only a teacher's
focal channels; its abstract does not give the criterion. `magnitude` follows the channel attention
of FGD (Yang et al., CVPR 2022), `cam` the class activation map (Zhou et al., CVPR 2016).
"""

from torch import Generator, Tensor, rand

from fckd.config.experiment import Criterion


def saliency(
    criterion: Criterion,
    features: Tensor,
    labels: Tensor,
    head: Tensor,
    generator: Generator,
) -> Tensor:
    """Rank the channels of a frozen teacher's feature map, sample by sample.

    Args:
        criterion: `magnitude`: mean over positions of |F|. `variance`: variance over positions.
            `cam`: relu(weight of the true class) × mean over positions of F.
            `random`: uniform noise, the control.
        features: (N, C, P), any floating dtype.
        labels: (N,) int64, the true classes.
        head: (classes, C), the weight of the teacher's linear classifier.
        generator: Source of the `random` control.

    Returns:
        (N, C) float32; only the order within a row matters.
    """
    features = features.float()
    match criterion:
        case Criterion.MAGNITUDE:
            return features.abs().mean(dim=2)
        case Criterion.VARIANCE:
            return features.var(dim=2, correction=0)
        case Criterion.CAM:
            return head.float()[labels].relu() * features.mean(dim=2)
        case Criterion.RANDOM:
            return rand(features.shape[:2], generator=generator).to(features.device)
