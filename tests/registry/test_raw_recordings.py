"""A raw recording is read as the student's corpus was: the same answer, to the last digit."""

import csv

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file
from scipy.io import savemat

from fckd.config.corpus import RawSettings
from fckd.config.experiment import Experiment
from fckd.config.networks import Modality
from fckd.data.flow import optical_flow
from fckd.data.prepare import prepare
from fckd.data.raw_file import read_raw
from fckd.data.sources import read_recording_file
from fckd.errors import UserError
from fckd.registry.folder import read_student
from fckd.registry.packing import pack_student
from fckd.train.task import WEIGHTS, Task, run_task
from fckd.train.workshop import Workshop
from tests.data.conftest import silent
from tests.data.hmdb51 import THREE_FILMS, clip_name, write_hmdb51
from tests.data.videos import moving_square, write_video
from tests.registry.students import card, predicted

SIDE = 40
"""Neither the default of a corpus nor the size of the clips: a clip read otherwise looks other."""
OWN = {"source": "table", "table": "own.csv", "validation_subjects": [4, 6], "image_side": SIDE}


def clip_of(number):
    """Return (12, 96, 128, 3): a square on coloured noise, of another colour for each number."""
    random = np.random.default_rng(number)
    clip = moving_square(12, 96, 128) // 2
    clip += random.integers(0, 60, clip.shape, np.uint8)
    clip[..., number % 3] //= 2
    return clip


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A table of videos and folders of pictures, half of each."""
    folder = tmp_path_factory.mktemp("own")
    rows = []
    for number in range(12):
        name = f"clip{number:02d}"
        if number % 2:
            write_video(folder / f"{name}.avi", clip_of(number))
        else:
            (folder / name).mkdir()
            for time, frame in enumerate(clip_of(number)):
                Image.fromarray(frame).save(folder / name / f"frame_{time}.png")
        rows.append(
            {
                "sample_id": name,
                "label": ("across", "over")[number // 2 % 2],
                "subject": number,
                "split": "test" if number > 7 else "train",
                "rgb": f"{name}.avi" if number % 2 else name,
            }
        )
    with (folder / "own.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder


def trained(corpus_settings, modality, data, folder):
    """Return a student that learnt for one epoch, packed, and its corpus."""
    experiment = Experiment.model_validate(
        {
            "corpus": corpus_settings,
            "views": {"count": 1},
            "student": {"modality": modality, "network": "video", "width": 8, "frames": 4},
            "training": {"epochs": 1, "batch_size": 4},
        }
    )
    corpus = prepare(experiment.corpus, experiment.modalities, data, folder / "storage", silent)
    workshop = Workshop(folder / "storage", corpus.folder)
    task = Task("run", experiment.model_dump(mode="json"), "train", str(folder / "run"))
    run_task(task, workshop, lambda _epoch, _metrics: True)
    known = card(
        source=corpus.source,
        network=experiment.student,
        input_shape=workshop.readings(experiment.student, experiment.views).shapes[0],
        classes=corpus.classes,
        raw=experiment.corpus.raw,
    )
    pack_student(folder / "student", load_file(folder / "run" / WEIGHTS), known)
    return folder / "student", corpus


@pytest.fixture(scope="module", params=["rgb", "flow"])
def student(request, own, tmp_path_factory):
    return trained(OWN, request.param, own, tmp_path_factory.mktemp(request.param))


@pytest.mark.parametrize("name", ["clip01.avi", "clip02", "clip09.avi", "clip10"])
def test_a_video_or_folder_of_pictures_is_named_as_its_sample_in_the_corpus(student, own, name):
    folder, corpus = student
    of_corpus = predicted(folder, corpus.folder / name.removesuffix(".avi"))
    assert predicted(folder, own / name).top == of_corpus.top


def test_the_side_of_the_images_matters(own, tmp_path):
    folder, corpus = trained({**OWN, "frame_coding": {"rgb": "raw"}}, "rgb", own, tmp_path)
    other = tmp_path / "other"
    weights = load_file(folder / WEIGHTS)
    known, _ = read_student(folder)
    wrong = known.raw.model_copy(update={"image_side": 96})
    pack_student(other, weights, known.model_copy(update={"raw": wrong}))
    of_corpus = predicted(folder, corpus.folder / "clip01")
    assert predicted(folder, own / "clip01.avi").top == of_corpus.top
    assert predicted(other, own / "clip01.avi").top != of_corpus.top


def test_a_clip_of_hmdb51_and_its_flow_and_its_frames_taken_apart(tmp_path):
    write_hmdb51(tmp_path / "data" / "hmdb51", films=THREE_FILMS)
    settings = {"source": "hmdb51", "validation_share": 0.1, "image_side": 32}
    folder, corpus = trained(settings, "flow", tmp_path / "data", tmp_path)
    name = clip_name("West", "wave")
    clip = tmp_path / "data" / "hmdb51" / "wave" / f"{name}.avi"
    assert predicted(folder, clip).top == predicted(folder, corpus.folder / name).top
    frames = tmp_path / "frames"
    frames.mkdir()
    for time, frame in enumerate(moving_square(10, 32, 40)):
        Image.fromarray(frame).save(frames / f"{time}.png")
    assert len(predicted(folder, frames).top) == 5


@pytest.mark.parametrize("source", ["utd-mhad", "table"])
def test_flow_is_computed_of_an_array_of_images(tmp_path, source):
    frames, path = np.zeros((6, 40, 40), np.uint8), tmp_path / "clip.npy"
    for time, frame in enumerate(frames):
        frame[10:30, 8 + time : 20 + time] = 200
    np.save(path, frames)
    flow = read_raw(source, Modality.FLOW, path, RawSettings(flow_of="depth"))
    np.testing.assert_array_equal(flow, optical_flow(frames, "clip"))


def test_flow_is_computed_of_raw_depth_of_utd_mhad(tmp_path):
    millimetres = np.zeros((24, 32, 10), np.uint16)
    for time in range(10):
        millimetres[4:20, 8 + time : 18 + time, time] = 2200
    savemat(tmp_path / "a1_s1_t1_depth.mat", {"d_depth": millimetres})
    path, raw = tmp_path / "a1_s1_t1_depth.mat", RawSettings(flow_of="depth")
    images = read_recording_file("utd-mhad", Modality.DEPTH, path)
    flow = read_raw("utd-mhad", Modality.FLOW, path, raw)
    np.testing.assert_array_equal(flow, optical_flow(images, "clip"))


@pytest.mark.parametrize(
    ("source", "suffix"), [("utd-mhad", ".npy"), ("table", ".npy"), ("table", ".mat")]
)
def test_an_array_of_flow_is_read_as_it_is(tmp_path, source, suffix):
    flow, path = np.full((6, 40, 48, 2), -7, np.int8), tmp_path / f"clip{suffix}"
    if suffix == ".npy":
        np.save(path, flow)
    else:
        savemat(path, {"flow": flow})
    np.testing.assert_array_equal(read_raw(source, Modality.FLOW, path, RawSettings()), flow)


def test_a_corpus_without_a_sample_is_no_recording(student):
    folder, corpus = student
    with pytest.raises(UserError, match="is a whole corpus"):
        predicted(folder, corpus.folder)


def test_a_folder_without_pictures_is_refused(student, tmp_path):
    with pytest.raises(UserError, match="holds no frame"):
        predicted(student[0], tmp_path)
