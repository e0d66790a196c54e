import hashlib
import json
import subprocess

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from fckd.config.corpus import RawSettings
from fckd.config.networks import NetworkSettings
from fckd.errors import UserError
from fckd.models.table import build_network
from fckd.registry.model_card import model_card
from fckd.registry.packing import pack_student
from fckd.registry.student import load_student
from fckd.registry.sums import SUMS, write_sums
from tests.registry.students import CLASSES, NETWORK, SHAPE, card, packed, readings, weights


@pytest.fixture
def folder(tmp_path):
    return packed(tmp_path / "student")


def test_a_student_answers_as_the_network_that_was_packed(folder):
    network = build_network(NETWORK, SHAPE, len(CLASSES))
    network.load_state_dict(weights())
    with torch.inference_mode():
        expected = network.eval()(torch.from_numpy(readings())).logits.softmax(1).numpy()
    found = load_student(folder).probabilities(readings())
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.dtype == np.float32


def test_probabilities_of_many_readings_sum_to_one(folder):
    found = load_student(folder).probabilities(readings(150))
    assert found.shape == (150, len(CLASSES))
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)


def test_no_readings_give_no_probabilities(folder):
    assert load_student(folder).probabilities(readings(0)).shape == (0, len(CLASSES))


def test_readings_of_another_shape_are_refused(folder):
    with pytest.raises(UserError, match=r"readings of shape \(2, 6, 13\)"):
        load_student(folder).probabilities(np.zeros((2, 6, 13), np.float32))


def test_the_card_comes_back_as_it_was(folder):
    assert load_student(folder).card == card()


def test_loading_leaves_the_random_numbers_of_the_caller_alone(folder):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    load_student(folder)
    assert torch.equal(before, torch.get_rng_state())


def test_sha256sum_agrees(folder):
    subprocess.run(["sha256sum", "--check", "--strict", SUMS], cwd=folder, check=True)


def test_packing_twice_gives_the_same_bytes(tmp_path):
    first, second = packed(tmp_path / "first"), packed(tmp_path / "second")
    assert (first / SUMS).read_bytes() == (second / SUMS).read_bytes()


def test_nothing_in_the_folder_is_a_pickle(folder):
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        SUMS,
        "card.json",
        "model.safetensors",
    ]


def test_the_model_card_states_synthetic_data_and_the_interval(folder):
    page = (folder / "README.md").read_text()
    assert "**Synthetic**" in page
    assert "| distilled | 90.0 % | 87.0 % to 93.0 % | 5 |" in page


def test_the_model_card_names_a_real_benchmark(tmp_path):
    page = (packed(tmp_path / "student", source="utd-mhad") / "README.md").read_text()
    assert "Synthetic" not in page
    assert "12 time steps" in page
    assert "the terms under which `utd-mhad` was obtained apply" in page
    assert "`utd-mhad`" in page


def page(**changes):
    return model_card(card(**changes))


def test_the_model_card_says_what_all_seeds_share():
    once = "The teachers were trained once, for all of these seeds."
    assert once in page()
    assert once not in page(lessons={})
    assert once not in page(teachers={"skeleton": "learns with the student"}, lessons={})


def images(modality, size=32):
    return NetworkSettings(modality=modality, network="video", width=8, frames=4, size=size)


@pytest.mark.parametrize("modality", ["depth", "flow"])
def test_the_model_card_says_that_depth_of_utd_mhad_is_cropped_to_the_person(modality):
    raw = RawSettings(flow_of="depth")
    found = page(source="utd-mhad", network=images(modality), raw=raw)
    assert "cropped to the person, stored at 48 by 48 pixels and read at 32 by 32 pixels" in found
    assert "112" not in found


def test_the_model_card_says_how_small_the_images_of_a_benchmark_are_made():
    found = page(source="utd-mhad", network=images("rgb"))
    assert "stored with a shorter side of at most 112 pixels and read at 32 by 32 pixels" in found


def test_the_model_card_names_no_stored_size_of_images_that_were_drawn():
    found = page(network=images("rgb"))
    assert "Images are read at 32 by 32 pixels." in found
    assert "112" not in found


def test_the_model_card_says_that_arrays_of_a_table_stay_as_they_are():
    found = page(source="table", network=images("depth"), protocols=("own",))
    assert "Videos and pictures are stored with a shorter side of at most 112 pixels" in found
    assert "arrays as they are" in found


@pytest.mark.parametrize("source", ["synthetic", "utd-mhad", "table"])
def test_the_model_card_says_whose_recordings_were_left_out(source):
    found = page(source=source, training_subjects=(1, 3))
    assert "Of the training part only these subjects were used: 1, 3." in found
    assert "only these subjects" not in page(source=source)


def test_the_model_card_does_not_call_own_recordings_a_benchmark():
    found = page(source="table", protocols=("own",))
    assert "Own recordings, listed in a table" in found
    assert "the terms under which these were obtained apply" in found
    assert "enchmark" not in found
    assert "`table`" not in found
    assert "`own`" not in found


@pytest.mark.parametrize("name", ["model.safetensors", "card.json", "README.md"])
def test_one_changed_byte_is_found(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=f"the content of {name}"):
        load_student(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "card.json", "README.md"])
def test_a_missing_file_is_found(folder, name):
    (folder / name).unlink()
    with pytest.raises(UserError, match=f"{name} cannot be read"):
        load_student(folder)


def test_a_file_that_is_not_listed_is_found(folder):
    lines = (folder / SUMS).read_text().splitlines(keepends=True)
    (folder / SUMS).write_text("".join(line for line in lines if "card.json" not in line))
    with pytest.raises(UserError, match=r"does not list card\.json"):
        load_student(folder)


def test_a_file_that_is_listed_in_excess_is_found(folder):
    with (folder / SUMS).open("a") as sums:
        sums.write(f"{'0' * 64}  extra.bin\n")
    with pytest.raises(UserError, match=r"extra\.bin cannot be read"):
        load_student(folder)


@pytest.mark.parametrize("name", ["../secret", "sub/secret", "/etc/hostname", "..", "."])
def test_a_path_that_leaves_the_folder_is_refused(folder, name):
    (folder.parent / "secret").write_text("x")
    with (folder / SUMS).open("a") as sums:
        sums.write(f"{hashlib.sha256(b'x').hexdigest()}  {name}\n")
    with pytest.raises(UserError, match="not a plain file of the folder"):
        load_student(folder)


def test_a_link_is_refused(folder):
    content = (folder / "README.md").read_bytes()
    (folder / "README.md").unlink()
    (folder.parent / "elsewhere").write_bytes(content)
    (folder / "README.md").symlink_to(folder.parent / "elsewhere")
    with pytest.raises(UserError, match="not a plain file of the folder"):
        load_student(folder)


def test_sums_that_are_none_are_refused(folder):
    (folder / SUMS).write_text("hello\n")
    with pytest.raises(UserError, match="has the line 'hello'"):
        load_student(folder)


def test_any_other_folder_is_no_student(tmp_path):
    with pytest.raises(UserError, match="is not a student"):
        load_student(tmp_path)


def rewritten(folder, name, content):
    (folder / name).write_bytes(content)
    write_sums(folder)
    return folder


def test_weights_that_are_not_safetensors_are_refused(folder):
    rewritten(folder, "model.safetensors", b"\x80\x04pickle")
    with pytest.raises(UserError, match="is not a safetensors file"):
        load_student(folder)


def test_weights_of_another_shape_are_refused(folder):
    changed = {**weights(), "head.weight": torch.zeros(6, 9)}
    save_file(changed, folder / "model.safetensors")
    write_sums(folder)
    with pytest.raises(UserError, match=r"head\.weight: \(6, 9\) float32"):
        load_student(folder)


def test_weights_with_a_foreign_name_are_refused_when_packed(tmp_path):
    with pytest.raises(UserError, match=r"embedding\.weight"):
        pack_student(tmp_path / "student", {**weights(), "embedding.weight": torch.ones(1)}, card())
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_schema_is_refused(folder):
    document = json.loads((folder / "card.json").read_text())
    rewritten(folder, "card.json", json.dumps({**document, "schema_version": 4}).encode())
    with pytest.raises(UserError, match="has the schema version 4"):
        load_student(folder)


def test_a_card_of_an_earlier_release_is_read(folder):
    document = json.loads((folder / "card.json").read_text())
    earlier = {**document, "schema_version": 2}
    for later in ("onnx", "without_onnx", "sweep", "trial", "teachers", "training_subjects"):
        del earlier[later]
    rewritten(folder, "card.json", json.dumps(earlier).encode())
    assert load_student(folder).card.classes == CLASSES


def test_a_card_that_does_not_know_the_training_subjects_is_read(folder):
    document = json.loads((folder / "card.json").read_text())
    del document["training_subjects"]
    rewritten(folder, "card.json", json.dumps(document).encode())
    assert load_student(folder).card.training_subjects is None


@pytest.mark.parametrize("content", [b"[]", b"not json", b"\xff"])
def test_a_card_that_is_none_is_refused(folder, content):
    rewritten(folder, "card.json", content)
    with pytest.raises(UserError, match=r"schema version None|is not JSON"):
        load_student(folder)


def test_an_unknown_field_of_the_card_is_named(folder):
    document = json.loads((folder / "card.json").read_text())
    rewritten(folder, "card.json", json.dumps({**document, "colour": "red"}).encode())
    with pytest.raises(UserError, match="colour"):
        load_student(folder)
