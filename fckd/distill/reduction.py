"""What the sum of a channel loss is divided by: the three reductions in use."""

from fckd.config.objective import Reduction


def divisor(reduction: Reduction, samples: int, channels: int) -> int:
    """Return what a sample's sum over K channels is divided by before the mean over N samples.

    Args:
        reduction: `per_channel` makes the loss Σ/(N·K), as ICKD's CIFAR code and CWD have it;
            `per_sample_and_channel` Σ/(N²·K), as ICKD's ImageNet code and torchdistill have it;
            `per_entry` Σ/(N·K²), the mean over a K×K matrix.
        samples: N.
        channels: K.
    """
    divisors = {
        "per_channel": channels,
        "per_sample_and_channel": samples * channels,
        "per_entry": channels**2,
    }
    return divisors[reduction]
