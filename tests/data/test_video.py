import random
import struct
import time
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from fckd.data import video as video_module
from fckd.data.video import read_video
from fckd.errors import UserError
from tests.data.videos import (
    CODECS,
    moving_square,
    write_turned_video,
    write_video,
    write_video_with_sound,
)

CLIP = moving_square()
ODD_NAMES = [
    "a #1 (b) & c; [d]! +.avi",
    "%03d.AVI",
    "http:x",
    "file:y.mp4",
    "ünï\n.avi",
    "-i",
    "*?",
]


@pytest.mark.parametrize("container", CODECS)
def test_frames_come_back_as_they_were_filmed(tmp_path, container):
    read = read_video(write_video(tmp_path / "clip", CLIP, container), 48)
    assert read.shape == CLIP.shape
    assert read.dtype == np.uint8
    assert np.abs(read.astype(int) - CLIP).mean() < 4


@pytest.mark.parametrize("name", ODD_NAMES)
def test_no_character_of_a_name_means_anything(tmp_path, name):
    assert len(read_video(write_video(tmp_path / name, CLIP), 48)) == len(CLIP)


@pytest.mark.parametrize(("container", "suffix"), [("mp4", ".avi"), ("avi", ".MP4"), ("avi", "")])
def test_a_wrong_suffix_is_no_matter(tmp_path, container, suffix):
    path = write_video(tmp_path / f"clip{suffix}", CLIP, container)
    assert len(read_video(path, 48)) == len(CLIP)


def test_frames_are_made_small_by_the_mean_over_areas(tmp_path):
    read = read_video(write_video(tmp_path / "clip.avi", CLIP), 12)
    assert read.shape == (12, 12, 16, 3)
    expected = CLIP.reshape(12, 12, 4, 16, 4, 3).mean(axis=(2, 4))
    assert np.abs(read - expected).mean() < 4


def test_a_smaller_clip_is_never_enlarged(tmp_path):
    assert read_video(write_video(tmp_path / "clip.avi", CLIP), 500).shape == CLIP.shape


def test_without_colour_brightness_is_read(tmp_path):
    read = read_video(write_video(tmp_path / "clip.avi", CLIP), 48, colour=False)
    assert read.shape == CLIP.shape[:3]
    assert np.abs(read - (CLIP @ [0.299, 0.587, 0.114])).mean() < 4


def test_a_clip_of_variable_frame_rate_is_read_at_even_instants(tmp_path):
    brightness = np.arange(10) * 25
    clip = np.ones((10, 48, 64, 3), np.uint8) * brightness[:, None, None, None].astype(np.uint8)
    shown = [0, 1, 2, 3, 4, 15, 16, 17, 18, 19]  # the fifth frame stands for eleven units
    path = write_video(tmp_path / "clip.mkv", clip, "matroska", times=shown)
    read = read_video(path, 48).mean(axis=(1, 2, 3)) / 25
    instants = (np.arange(10) + 0.5) * 19 / 9
    expected = np.searchsorted(shown, instants, side="right") - 1
    assert list(np.rint(read).astype(int)) == list(expected)
    assert (np.rint(read) == 4).sum() > 3


LOPSIDED = np.roll(CLIP, 10, axis=1)
"""Every turn and every mirror shows another clip."""
QUARTER_TURNS = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


@pytest.mark.parametrize("turn", QUARTER_TURNS)
def test_a_clip_filmed_on_its_side_is_read_upright(tmp_path, turn):
    """The matrix of an mp4 says how a player turns the picture, clockwise."""
    read = read_video(write_displayed(tmp_path / "clip.mp4", QUARTER_TURNS[turn]), 48)
    expected = np.rot90(LOPSIDED, -turn // 90, axes=(1, 2))
    assert read.shape == expected.shape
    assert np.abs(read.astype(int) - expected).mean() < 4


MIRRORS = {
    "left and right": ((-1, 0, 0, 1), LOPSIDED[:, :, ::-1]),
    "up and down": ((1, 0, 0, -1), LOPSIDED[:, ::-1]),
    "rows and columns": ((0, 1, 1, 0), LOPSIDED.swapaxes(1, 2)),
    "rows and columns, half turned": ((0, -1, -1, 0), LOPSIDED.swapaxes(1, 2)[:, ::-1, ::-1]),
}


@pytest.mark.parametrize("mirror", MIRRORS)
def test_a_clip_that_a_player_mirrors_is_read_mirrored(tmp_path, mirror):
    """As the front camera of a telephone films it, on its side or not."""
    matrix, expected = MIRRORS[mirror]
    read = read_video(write_displayed(tmp_path / "clip.mp4", matrix), 48)
    assert read.shape == expected.shape
    assert np.abs(read.astype(int) - expected).mean() < 4


def write_displayed(path, matrix):
    """Write an mp4 that shows a pixel (x, y) at (x, y) times a matrix of two rows, up to a shift.

    y is counted downwards.
    """
    content = write_video(path, LOPSIDED, "mp4").read_bytes()
    one = 1 << 16
    upright = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    a, b, c, d = (one * entry for entry in matrix)
    place = content.index(upright, content.index(b"tkhd"))
    turned = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content[:place] + turned + content[place + 36 :])
    return path


def test_a_motion_jpeg_with_camera_notes_in_its_pictures_is_read(tmp_path):
    """FFmpeg hands such notes over beside each frame, as what PyAV has no name for."""
    notes = Image.Exif()
    notes[0x010F] = "a maker"
    picture = BytesIO()
    Image.fromarray(CLIP[0]).save(picture, "jpeg", exif=notes)
    with av.open(str(tmp_path / "clip.avi"), "w") as container:
        video = container.add_stream("mjpeg", rate=30)
        video.width, video.height, video.pix_fmt = 64, 48, "yuvj420p"
        for time in range(5):
            packet = av.Packet(picture.getvalue())
            packet.stream, packet.time_base = video, Fraction(1, 30)
            packet.pts = packet.dts = time
            packet.is_keyframe = True
            container.mux(packet)
    assert read_video(tmp_path / "clip.avi", 48).shape == (5, 48, 64, 3)


@pytest.mark.parametrize(
    ("container", "codec"), [("mpegts", "mpeg2video"), ("matroska", "mpeg2video"), ("flv", "flv1")]
)
def test_a_clip_whose_pictures_change_their_size_is_an_error_that_says_where(
    tmp_path, container, codec
):
    path = write_turned_video(tmp_path / "clip", container, codec)
    with pytest.raises(UserError, match=r"clip: its pictures change their size at frame [67]"):
        read_video(path, 48)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a video",
        b"#EXTM3U\n#EXTINF:1,\nhttp://localhost/x.ts\n",
        b"ffconcat version 1.0\nfile clip.avi\n",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
    ],
)
def test_what_is_no_video_is_an_error_that_names_the_file(tmp_path, content):
    write_video(tmp_path / "clip.avi", CLIP)
    (tmp_path / "bad.avi").write_bytes(content)
    with pytest.raises(UserError, match=r"bad\.avi"):
        read_video(tmp_path / "bad.avi", 48)


def test_an_absent_file_and_a_folder_are_errors(tmp_path):
    for path in (tmp_path / "absent.avi", tmp_path):
        with pytest.raises(UserError, match="no such file"):
            read_video(path, 48)


def test_a_sound_without_pictures_is_an_error(tmp_path):
    with av.open(str(tmp_path / "sound.mkv"), "w") as container:
        sound = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.sample_rate = 8000
        container.mux(sound.encode(frame))
    with pytest.raises(UserError, match="no pictures"):
        read_video(tmp_path / "sound.mkv", 48)


@pytest.mark.parametrize("container", ["avi", "mp4", "matroska"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.85])
def test_a_file_that_is_cut_off_is_an_error(tmp_path, container, kept):
    path = write_video(tmp_path / "clip", moving_square(20), container)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(UserError, match="cannot read the video"):
        read_video(path, 48)


NOISE = np.random.default_rng(0).integers(0, 255, (48, 48, 64, 3)).astype(np.uint8)
"""Whose file is much longer than its header."""


def write_with_dropped_frames(path):
    """Write an AVI of which every second picture was dropped, and is counted all the same."""
    return write_video(path, NOISE, "avi", times=range(0, 2 * len(NOISE), 2))


def write_with_long_sound(container, codecs):
    def write(path):
        return write_video_with_sound(path, NOISE, 2 * len(NOISE) / 30, container, codecs)

    return write


HEADERS_THAT_PROMISE_MORE = {
    "avi, dropped frames": write_with_dropped_frames,
    "matroska, long sound": write_with_long_sound("matroska", ("libx264", "pcm_s16le")),
    "flv, long sound": write_with_long_sound("flv", ("flv1", "aac")),
}
"""Than the pictures that are there."""


@pytest.mark.parametrize("written", HEADERS_THAT_PROMISE_MORE)
def test_a_whole_file_is_read_though_its_header_promises_more_than_its_pictures(tmp_path, written):
    path = HEADERS_THAT_PROMISE_MORE[written](tmp_path / "clip")
    assert len(read_video(path, 48)) == len(NOISE)


@pytest.mark.parametrize("kept", [0.3, 0.5, 0.85])
@pytest.mark.parametrize("written", HEADERS_THAT_PROMISE_MORE)
def test_such_a_file_that_is_cut_off_is_an_error(tmp_path, written, kept):
    path = HEADERS_THAT_PROMISE_MORE[written](tmp_path / "clip")
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(UserError, match="it is cut off"):
        read_video(path, 48)


def test_a_header_that_claims_a_huge_picture_is_an_error_and_takes_no_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(video_module, "MAXIMUM_PIXELS", 48 * 64 - 1)
    with pytest.raises(UserError, match="cannot read"):
        read_video(write_video(tmp_path / "clip.avi", CLIP), 48)


def test_a_clip_too_large_for_memory_is_an_error_that_says_to_cut_it(tmp_path, monkeypatch):
    monkeypatch.setattr(video_module, "MAXIMUM_BYTES", 5 * CLIP[0].nbytes)
    with pytest.raises(UserError, match="cut it into clips"):
        read_video(write_video(tmp_path / "clip.avi", CLIP), 48)


def test_a_long_clip_never_has_all_its_large_frames_in_memory(tmp_path):
    large = np.zeros((1, 720, 1280, 3), np.uint8)
    path = write_video(tmp_path / "clip.avi", np.broadcast_to(large, (150, *large.shape[1:])))
    # Linux forgets the most that earlier tests have taken.
    Path("/proc/self/clear_refs").write_text("5")
    before = most_memory()
    assert read_video(path, 36).shape == (150, 36, 64, 3)
    assert most_memory() - before < 150 * large.nbytes / 4


def most_memory():
    """Return the most memory that this process has had, in bytes."""
    (line,) = (
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    return int(line.split()[1]) * 1024


def altered(content, chance):
    """Return `content` with a few bytes changed, or a piece cut out, doubled, or cut off."""
    changed = bytearray(content)
    place = chance.randrange(len(changed))
    length = chance.randrange(1, 200)
    match chance.randrange(4):
        case 0:
            for _ in range(chance.randint(1, 12)):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
        case 1:
            del changed[place : place + length]
        case 2:
            changed[place:place] = changed[place : place + length]
        case 3:
            header = chance.randrange(min(len(changed), 2000))
            changed[header] = chance.choice([0, 255, 127, 128])
    return bytes(changed)


def read_altered(tmp_path, container, count):
    """Read `count` altered videos; each gives a clip of the right form, or a UserError, soon."""
    path = write_video(tmp_path / "clip", CLIP, container)
    content, chance, refused = path.read_bytes(), random.Random(0), 0
    for number in range(count):
        path.write_bytes(altered(content, chance))
        begin = time.monotonic()
        try:
            read = read_video(path, 16)
        except UserError:
            refused += 1
        else:
            assert read.dtype == np.uint8, number
            assert read.ndim == 4, number
            assert read.shape[-1] == 3, number
            assert read.size, number
        assert time.monotonic() - begin < 5, number
    return refused


@pytest.mark.parametrize("container", CODECS)
def test_altered_bytes_are_read_or_refused_but_never_a_crash_or_a_hang(tmp_path, container):
    assert 0 < read_altered(tmp_path, container, 60) < 60


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("container", CODECS)
def test_ten_thousand_altered_videos_are_read_or_refused(tmp_path, container):
    assert 0 < read_altered(tmp_path, container, 10_000) < 10_000
