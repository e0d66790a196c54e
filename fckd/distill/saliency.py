"""Saliency: how much a teacher's channel says about a sample.

Focal channel knowledge distillation (Gan et al., IEEE Access 2023) transfers only a teacher's
focal channels; its abstract does not give the criterion. `magnitude` follows the channel attention
of FGD (Yang et al., CVPR 2022), `cam` the class activation map (Zhou et al., CVPR 2016), `gradient`
Grad-CAM (Selvaraju et al., ICCV 2017).
"""

from dataclasses import dataclass

from torch import Generator, Tensor, rand

from fckd.config.experiment import Criterion


@dataclass(frozen=True)
class Evidence:
    """What a criterion may ask for beside the feature map.

    Attributes:
        labels: (N,) int64, the true classes.
        class_weights: (classes, C), of the linear classifier on the map's means; None if the
            network has none.
        gradient: (N, C, P), of the true class's logit with respect to the map; None if not made.
        generator: Source of the `random` control; None for that of the map's device.
    """

    labels: Tensor
    class_weights: Tensor | None
    gradient: Tensor | None
    generator: Generator | None


def saliency(criterion: Criterion, features: Tensor, evidence: Evidence) -> Tensor:
    """Rank the channels of a frozen teacher's feature map, sample by sample.

    Args:
        criterion: `magnitude`: mean over positions of |F|. `variance`: variance over positions.
            `cam`: relu(weight of the true class × mean over positions of F).
            `gradient`: |mean over positions of the true logit's gradient| × mean of |F|.
            `random`: uniform noise, and `all`: no order at all; the controls.
        features: (N, C, P), any floating dtype.
        evidence: What the criterion needs.

    Returns:
        (N, C) float32, not negative.

    Raises:
        ValueError: The evidence that the criterion needs is missing.
    """
    features = features.float()
    match criterion:
        case Criterion.MAGNITUDE:
            return features.abs().mean(dim=2)
        case Criterion.VARIANCE:
            return features.var(dim=2, correction=0)
        case Criterion.CAM:
            if evidence.class_weights is None:
                raise ValueError("cam needs a linear classifier on the feature map's means")
            return (evidence.class_weights.float()[evidence.labels] * features.mean(dim=2)).relu()
        case Criterion.GRADIENT:
            if evidence.gradient is None:
                raise ValueError("gradient needs the gradient of the true class's logit")
            return evidence.gradient.float().mean(dim=2).abs() * features.abs().mean(dim=2)
        case Criterion.RANDOM:
            if evidence.generator is None:
                return rand(features.shape[:2], device=features.device)
            return rand(features.shape[:2], generator=evidence.generator).to(features.device)
        case Criterion.ALL:
            return features.new_ones(features.shape[:2])
