"""Weights of others, put into a fresh network."""

import hashlib

import pytest
import torch
from safetensors.torch import save_file
from torch.testing import assert_close

from fckd.config.networks import Modality
from fckd.errors import UserError
from fckd.models.pretrained import load_pretrained, pretrained_file
from tests.models.toys import CLASSES, Toy

TSM = Toy("tsm", Modality.RGB)
WIDTH = 32


def published(classes=CLASSES, wrapper=""):
    """Weights as torchvision would name them."""
    state = {name.removeprefix("body."): value for name, value in TSM.build().state_dict().items()}
    state.pop("head.weight")
    state.pop("head.bias")
    head = {"fc.weight": torch.randn(classes, WIDTH), "fc.bias": torch.randn(classes)}
    return {wrapper + name: value.clone() for name, value in (state | head).items()}


def saved(place, state, name="weights.safetensors"):
    file = place / name
    if name.endswith("safetensors"):
        save_file(state, file)
    else:
        torch.save(state, file)
    return file


def body(network):
    return {
        name.removeprefix("body."): value
        for name, value in network.state_dict().items()
        if name.startswith("body.")
    }


def assert_body_is(network, state, wrapper=""):
    for name, value in body(network).items():
        assert torch.equal(value, state[wrapper + name]), name


def test_published_weights_fill_the_body_and_a_head_of_as_many_classes(tmp_path):
    state, network = published(), TSM.build()
    load_pretrained(network, saved(tmp_path, state))
    assert_body_is(network, state)
    assert torch.equal(network.head.weight, state["fc.weight"])


@pytest.mark.parametrize("head", ["another number of classes", "absent"])
def test_a_head_that_does_not_fit_stays_fresh(tmp_path, head):
    state, network = published(classes=400), TSM.build()
    if head == "absent":
        state = {name: value for name, value in state.items() if not name.startswith("fc.")}
    before = network.head.weight.detach().clone()
    load_pretrained(network, saved(tmp_path, state))
    assert_body_is(network, state)
    assert torch.equal(network.head.weight, before)


@pytest.mark.parametrize("wrapper", ["module.", "backbone.", "module.backbone."])
@pytest.mark.parametrize("nested", [None, "state_dict", "model"])
def test_wrapped_and_nested_weights_are_found(tmp_path, wrapper, nested):
    state, network = published(wrapper=wrapper), TSM.build()
    checkpoint = state if nested is None else {nested: state, "epoch": 3}
    load_pretrained(network, saved(tmp_path, checkpoint, "checkpoint.pth"))
    assert_body_is(network, state, wrapper)


def test_a_head_outside_the_wrapper_hides_nothing(tmp_path):
    state = {f"backbone.{name}": value for name, value in published().items() if "fc." not in name}
    state["cls_head.fc_cls.weight"] = torch.zeros(CLASSES, WIDTH)
    network = TSM.build()
    load_pretrained(network, saved(tmp_path, state))
    assert_body_is(network, state, "backbone.")


@pytest.mark.parametrize("tap", ["last", "body.layer3"])
def test_our_own_weights_fit_wherever_they_are_tapped(tmp_path, tap):
    source, network = TSM.build(), TSM.build(tap=tap)
    load_pretrained(network, saved(tmp_path, source.state_dict()))
    batch = TSM.readings()
    assert torch.equal(network.eval()(batch).logits, source.eval()(batch).logits)


def test_both_streams_of_a_student_begin_alike(tmp_path):
    state, network = published(), TSM.build(hallucination=True)
    load_pretrained(network, saved(tmp_path, state))
    assert_body_is(network.own, state)
    assert_body_is(network.hallucination, state)


def test_old_files_without_counters_are_read(tmp_path):
    state = {name: value for name, value in published().items() if "num_batches" not in name}
    network = TSM.build()
    load_pretrained(network, saved(tmp_path, state))
    assert torch.equal(network.body.conv1.weight, state["conv1.weight"])


def test_half_precision_is_widened(tmp_path):
    state, network = published(), TSM.build()
    halves = {
        name: value.half() if value.is_floating_point() else value for name, value in state.items()
    }
    load_pretrained(network, saved(tmp_path, halves))
    assert network.body.conv1.weight.dtype == torch.float32


COLOURLESS = [
    (Toy("tsm", Modality.DEPTH), "conv1"),
    (Toy("tsm", Modality.FLOW, {"layers": 50, "width": 64}), "conv1"),
    (Toy("r2plus1d", Modality.INFRARED), "stem.0"),
    (Toy("x3d", Modality.FLOW), "stem.within"),
]
"""Networks on images without colours, and their first convolutions."""


def convolved(network, name, images):
    """Return what the convolution `name` makes of images (N, C, T, H, W), or of their first."""
    convolution = network.body.get_submodule(name)
    return convolution(images if convolution.weight.ndim == images.ndim else images[:, :, 0])


@pytest.mark.parametrize(("toy", "first"), COLOURLESS, ids=str)
def test_every_channel_of_a_colourless_network_is_read_by_the_mean_of_the_colours(
    tmp_path, toy, first
):
    colours = Toy(toy.network, Modality.RGB, toy.changes).build()
    network = toy.build()
    load_pretrained(network, saved(tmp_path, colours.state_dict()))
    images = toy.readings()
    grey = (images.sum(dim=1, keepdim=True) / 3).expand(-1, 3, -1, -1, -1)
    said, expected = convolved(network, first, images), convolved(colours, first, grey)
    assert_close(said, expected, rtol=1e-4, atol=1e-4)
    found, others = body(network), without(body(colours), f"{first}.weight")
    assert len(found) == len(others) + 1
    assert all(torch.equal(found[name], value) for name, value in others.items())


def test_colours_are_not_made_of_depth(tmp_path):
    depth = Toy("tsm", Modality.DEPTH).build()
    with pytest.raises(UserError, match=r"conv1\.weight is \(4, 1, 7, 7\) in place(?s:.)*modality"):
        load_pretrained(TSM.build(), saved(tmp_path, depth.state_dict()))


def test_colours_excuse_nothing_else(tmp_path):
    state = published() | {"bn1.weight": torch.zeros(9)}
    with pytest.raises(UserError, match=r"1 of another shape; first bn1\.weight"):
        load_pretrained(Toy("tsm", Modality.DEPTH).build(), saved(tmp_path, state))


def without(state, *names):
    return {name: value for name, value in state.items() if name not in names}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: without(s, "conv1.weight"),
            r"1 weights are absent, 0 in.*conv1\.weight is nothing",
        ),
        (lambda s: s | {"layer5.weight": torch.zeros(1)}, r"1 in excess.*layer5\.weight is \(1,\)"),
        (
            lambda s: s | {"bn1.weight": torch.zeros(9)},
            r"1 of another shape.*is \(9,\) in place of",
        ),
        (lambda _: {"fc.weight": torch.zeros(1, 1)}, "weights are absent"),
    ],
    ids=["absent", "excess", "shape", "head alone"],
)
def test_weights_of_another_network_are_refused(tmp_path, change, message):
    network = TSM.build()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(UserError, match=message):
        load_pretrained(network, saved(tmp_path, change(published())))
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


class Code:
    def __reduce__(self):
        return (print, ("executed",))


def test_code_in_a_file_is_not_executed(tmp_path, capsys):
    with pytest.raises(UserError, match="cannot be read as weights"):
        load_pretrained(TSM.build(), saved(tmp_path, {"model": Code()}, "evil.pt"))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pt"])
@pytest.mark.parametrize("content", [b"", b"no weights at all", b"PK\x03\x04 half an archive"])
def test_a_file_that_holds_no_weights_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match="cannot be read as weights"):
        load_pretrained(TSM.build(), tmp_path / name)


def test_something_other_than_tensors_is_refused(tmp_path):
    with pytest.raises(UserError, match="no dictionary of tensors"):
        load_pretrained(TSM.build(), saved(tmp_path, {"epoch": 3}, "state.pt"))


def kept(storage, content=b"weights"):
    digest = hashlib.sha256(content).hexdigest()
    (storage / "pretrained").mkdir()
    (storage / "pretrained" / f"{digest}.pt").write_bytes(content)
    return f"sha256:{digest}"


def test_fetched_weights_are_found_by_their_content(tmp_path):
    reference = kept(tmp_path)
    assert pretrained_file(tmp_path, reference).read_bytes() == b"weights"


def test_changed_weights_are_refused(tmp_path):
    reference = kept(tmp_path)
    pretrained_file(tmp_path, reference).write_bytes(b"other weights")
    with pytest.raises(UserError, match="no weights with the SHA-256"):
        pretrained_file(tmp_path, reference)


def test_weights_that_were_not_fetched_are_refused(tmp_path):
    with pytest.raises(UserError, match="no weights with the SHA-256"):
        pretrained_file(tmp_path, f"sha256:{'0' * 64}")


@pytest.mark.parametrize("reference", ["weights.pt", "sha256:../../secret", "sha256:12"])
def test_what_is_no_fetched_reference_is_refused(tmp_path, reference):
    with pytest.raises(UserError, match="64 hexadecimal digits"):
        pretrained_file(tmp_path, reference)
