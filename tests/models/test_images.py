"""What is particular to networks over images: shifts, the pixels' scale, published sizes."""

import pytest
import torch

from fckd.config.networks import NetworkSettings
from fckd.models.frames import folded, frame_by_frame, unfolded
from fckd.models.pixels import IMAGENET, standardized
from fckd.models.table import build_network
from fckd.models.tsm import shifted

CLIP = (3, 16, 112, 112)


def published(classes, shape=CLIP, modality="rgb", **settings):
    with torch.device("meta"):
        return build_network(NetworkSettings(modality=modality, **settings), shape, classes)


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("settings", "classes", "count"),
    [
        ({"network": "r2plus1d", "width": 512}, 400, 31_505_325),
        ({"network": "tsm", "width": 512}, 1000, 11_689_512),
        ({"network": "tsm", "width": 2048, "layers": 50}, 1000, 25_557_032),
    ],
    ids=["r2plus1d_18", "resnet18", "resnet50"],
)
def test_a_published_network_has_as_many_parameters_as_in_torchvision(settings, classes, count):
    assert parameters(published(classes, **settings)) == count


@pytest.mark.parametrize(
    ("shape", "settings", "millions"),
    [
        ((3, 64, 50), {"network": "graph", "width": 256}, 1.39),
        ((3, 48, 25), {"network": "heatmap3d", "width": 512, "size": 56}, 2.04),
    ],
    ids=["ST-GCN++", "PoseConv3D"],
)
def test_a_published_skeleton_network_is_as_large_as_in_pyskl(shape, settings, millions):
    network = published(60, shape, "skeleton", **settings)
    assert parameters(network) / 1e6 == pytest.approx(millions, abs=0.01)


@pytest.mark.parametrize(
    ("settings", "tensors", "names"),
    [
        (
            {"network": "r2plus1d", "width": 512},
            224,
            {
                "stem.0.weight": (45, 3, 1, 7, 7),
                "stem.4.running_mean": (64,),
                "layer1.0.conv1.0.0.weight": (144, 64, 1, 3, 3),
                "layer1.0.conv1.0.3.weight": (64, 144, 3, 1, 1),
                "layer2.0.conv1.0.0.weight": (230, 64, 1, 3, 3),
                "layer2.0.conv2.0.1.num_batches_tracked": (),
                "layer2.0.downsample.0.weight": (128, 64, 1, 1, 1),
                "layer4.1.conv2.1.bias": (512,),
            },
        ),
        (
            {"network": "tsm", "width": 512},
            122,
            {
                "conv1.weight": (64, 3, 7, 7),
                "bn1.running_var": (64,),
                "layer1.0.conv1.weight": (64, 64, 3, 3),
                "layer2.0.downsample.1.weight": (128,),
                "layer4.1.bn2.bias": (512,),
            },
        ),
        (
            {"network": "tsm", "width": 2048, "layers": 50},
            320,
            {
                "layer1.0.downsample.0.weight": (256, 64, 1, 1),
                "layer1.2.conv3.weight": (256, 64, 1, 1),
                "layer3.5.conv2.weight": (256, 256, 3, 3),
                "layer4.0.conv1.weight": (512, 1024, 1, 1),
                "layer4.2.bn3.running_mean": (2048,),
            },
        ),
    ],
    ids=["r2plus1d_18", "resnet18", "resnet50"],
)
def test_a_published_network_names_its_weights_as_torchvision_does(settings, tensors, names):
    state = published(10, **settings).state_dict()
    found = {name.removeprefix("body."): tuple(value.shape) for name, value in state.items()}
    assert {name: found.get(name) for name in names} == names
    # all of torchvision's, with head.weight and head.bias for its fc.weight and fc.bias
    assert len(found) == tensors


def test_a_shift_brings_channels_of_the_next_and_of_the_last_frame():
    clips = torch.arange(1.0, 4)[None, :, None].expand(1, 3, 8)
    moved = shifted(clips.reshape(3, 8, 1, 1), time=3).reshape(3, 8)
    assert moved[:, 0].tolist() == [2, 3, 0]
    assert moved[:, 1].tolist() == [0, 1, 2]
    assert (moved[:, 2:] == clips[0, :, 2:]).all()


def test_a_shift_does_not_leave_its_clip():
    frames = torch.rand(6, 8, 2, 2)
    moved = shifted(frames, time=3)
    assert torch.equal(moved[:3], shifted(frames[:3], time=3))


def test_frames_are_put_together_again():
    clips = torch.rand(2, 3, 4, 5, 5)
    assert torch.equal(unfolded(folded(clips), 4), clips)
    assert torch.equal(frame_by_frame(clips), clips)


def test_folding_clips_that_are_laid_out_frame_by_frame_copies_nothing():
    clips = frame_by_frame(torch.rand(2, 3, 4, 5, 5))
    assert folded(clips).data_ptr() == clips.data_ptr()
    assert folded(clips).is_contiguous(memory_format=torch.channels_last)


def test_colours_are_standardised_each_by_its_own_statistics():
    grey = torch.tensor(IMAGENET.mean).reshape(1, 3, 1, 1, 1)
    assert standardized(grey, IMAGENET).abs().max() == 0


def test_depth_is_standardised_by_the_average_of_the_colours():
    middle = torch.full((1, 1, 1, 1, 1), sum(IMAGENET.mean) / 3)
    assert standardized(middle, IMAGENET).abs().max() < 1e-6
