"""A corpus without recordings: figures of different people act before several cameras.

Every number is drawn from the seed and the sample's own identity, so that a sample is the same in
whatever order, and by whatever process, it is made.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from fckd.config.corpus import SyntheticSettings
from fckd.config.networks import Modality
from fckd.data.forms import Array, in_stored_form
from fckd.data.sources.base import Recording
from fckd.data.sources.synthetic_camera import (
    CLOTHES_TONES,
    EYE_LEVEL,
    Drawing,
    Field,
    colour_images,
    depth_images,
    draw,
    random_room,
    random_scene,
)
from fckd.data.sources.synthetic_figure import Body, Points, joints_of, random_body
from fckd.data.sources.synthetic_motion import ACTIONS, Beat, smooth, standing
from fckd.data.sources.synthetic_sensor import sensor_readings

NAME = "synthetic"

FRAME_RATE = 20.0
SENSOR_RATE = 50.0
CAMERA_YAW = (0.0, 35.0, -35.0, 60.0)
"""Degrees; camera 1 faces the performer."""
DISTANCE = 2.8
"""Metres from the camera to the performer."""
JOINT_NOISE = 0.015
"""Metres; of the tracked skeleton."""
LEFT_HANDED = 0.15
"""Share of performances in which the other side leads: the sensor then sees little."""

# what a stream of random numbers is for: one thing may change without the others
SUBJECT, ROOM, PERFORMANCE, TRACKER, SENSOR, DEPTH_CAMERA, COLOUR_CAMERA = range(7)


@dataclass(frozen=True)
class Person:
    """What a subject keeps from one performance to the next."""

    body: Body
    tempo: float
    amplitude: float
    posture: float
    mount: Rotation
    colours: Field


@dataclass(frozen=True)
class Performance:
    """What a performer does once. Times are shares of the duration."""

    action: int
    seconds: float
    start: float
    stop: float
    repetitions: int
    amplitude: float
    leads_right: bool
    heading: float
    aim: tuple[float, float]


class Synthetic:
    """The figures' actions as a source; tested on the subjects with even numbers."""

    name = NAME

    def __init__(self, settings: SyntheticSettings) -> None:
        self.settings = settings
        self.classes = tuple(action.name for action in ACTIONS[: settings.actions])

    def identity(self, modalities: Iterable[Modality]) -> dict[str, Any]:
        """Return the settings: everything follows from them."""
        del modalities
        return self.settings.model_dump(mode="json")

    def recordings(self, modalities: Iterable[Modality]) -> list[Recording]:
        """Return every recording, in the order of their ids; all have every modality."""
        del modalities
        settings = self.settings
        return [
            _recording(action, subject, camera, repetition)
            for action in range(settings.actions)
            for subject in range(1, settings.subjects + 1)
            for camera in range(1, settings.cameras + 1)
            for repetition in range(1, settings.repetitions + 1)
        ]

    def read(self, recording: Recording, modality: Modality) -> Array:
        """Return one modality of a recording in its stored form."""
        person = self._person(recording.subject)
        performance = self._performance(recording, person)
        if modality is Modality.INERTIAL:
            points = _perform(person, performance, SENSOR_RATE)
            random = self._random(SENSOR, recording)
            made: Array = sensor_readings(points, SENSOR_RATE, person.mount, random)
        else:
            points = _perform(person, performance, FRAME_RATE)
            points = _before_camera(points, recording.camera, performance.heading)
            made = self._seen(points, recording, performance, person, modality)
        return in_stored_form(made, modality, f"{NAME} {recording.sample_id}")

    def _seen(
        self,
        points: Points,
        recording: Recording,
        performance: Performance,
        person: Person,
        modality: Modality,
    ) -> Array:
        if modality is Modality.SKELETON:
            return points + JOINT_NOISE * self._random(TRACKER, recording).normal(size=points.shape)
        drawing: Drawing = draw(points, self.settings.size, performance.aim)
        if modality is Modality.DEPTH:
            return depth_images(drawing, self._random(DEPTH_CAMERA, recording))
        random = self._random(COLOUR_CAMERA, recording)
        scene = random_scene(person.colours, self._room(recording.camera), random)
        return colour_images(drawing, scene, random)

    def _room(self, camera: int) -> Field:
        random = np.random.default_rng([self.settings.seed, ROOM, camera])
        return random_room(self.settings.size, random)

    def _person(self, subject: int) -> Person:
        random = np.random.default_rng([self.settings.seed, SUBJECT, subject])
        return Person(
            body=random_body(random),
            tempo=random.uniform(0.85, 1.2),
            amplitude=random.uniform(0.8, 1.1),
            posture=random.normal(0.03, 0.04),
            mount=Rotation.from_rotvec(random.normal(0, 0.2, 3)),
            colours=random.uniform(*CLOTHES_TONES, (4, 3)).astype(np.float32),
        )

    def _performance(self, recording: Recording, person: Person) -> Performance:
        random = self._random(PERFORMANCE, recording)
        fewest, most = ACTIONS[recording.label].repetitions
        return Performance(
            action=recording.label,
            seconds=float(np.clip(2.5 / person.tempo * random.uniform(0.9, 1.1), 2.0, 3.0)),
            start=random.uniform(0.04, 0.18),
            stop=random.uniform(0.82, 0.96),
            repetitions=int(random.integers(fewest, most + 1)),
            amplitude=person.amplitude * random.uniform(0.9, 1.1),
            leads_right=bool(random.random() >= LEFT_HANDED),
            heading=random.normal(0, 8.0),
            aim=(random.normal(0, 0.08), EYE_LEVEL + random.normal(0, 0.05)),
        )

    def _random(self, purpose: int, recording: Recording) -> np.random.Generator:
        repetition = _repetition(recording.sample_id)
        who = [recording.label, recording.subject, recording.camera, repetition]
        return np.random.default_rng([self.settings.seed, purpose, *who])


def _recording(action: int, subject: int, camera: int, repetition: int) -> Recording:
    sample_id = _sample_id(action, subject, camera, repetition)
    return Recording(
        sample_id,
        label=action,
        subject=subject,
        camera=camera,
        group=sample_id,
        splits={"cross-subject": "train" if subject % 2 else "test"},
    )


def _sample_id(action: int, subject: int, camera: int, repetition: int) -> str:
    return f"a{action + 1:02d}_s{subject:02d}_c{camera}_r{repetition:02d}"


def _repetition(sample_id: str) -> int:
    return int(sample_id.rpartition("_r")[2])


def _perform(person: Person, performance: Performance, rate: float) -> Points:
    """Return the joints (T, 20, 3) in metres, `rate` instants a second, facing forward."""
    length = round(performance.seconds * rate)
    time = (np.arange(length) + 0.5) / length
    share = np.clip((time - performance.start) / (performance.stop - performance.start), 0, 1)
    beat = Beat(
        active=smooth(share / 0.2) * smooth((1 - share) / 0.2),
        phase=2 * np.pi * performance.repetitions * share,
        share=share,
        amplitude=performance.amplitude,
    )
    pose = standing(length)
    pose.lean += person.posture
    ACTIONS[performance.action].move(pose, beat)
    return joints_of(person.body, pose, performance.leads_right)


def _before_camera(points: Points, camera: int, heading: float) -> Points:
    """Return the joints as the camera has them: turned about the vertical, at its distance."""
    yaw = CAMERA_YAW[camera - 1] + heading
    turn = Rotation.from_rotvec([0, yaw, 0], degrees=True).as_matrix()
    turned: Points = points @ turn.T
    turned[..., 2] += DISTANCE
    return turned
