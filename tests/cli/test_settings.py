"""One command, one set of files; where they go is said by profile, environment, command line."""

import pytest

from tests.cli.command import fckd, refusal


@pytest.fixture
def profile(written):
    return written("storage: from-profile\n", "team.yaml")


def stored(place, *words):
    """Return the folder in which a command put its corpus."""
    ran = fckd(*words)
    assert ran.code == 0, ran.err
    (made,) = [path.parent.name for path in place.glob("*/corpora")]
    return made


def test_the_profile_beats_the_document(place, profile, demo):
    path = demo(storage="from-document")
    assert stored(place, "--profile", profile, "prepare", path) == "from-profile"


def test_the_environment_beats_the_profile(place, profile, demo, monkeypatch):
    monkeypatch.setenv("FCKD_STORAGE", "from-environment")
    assert stored(place, "--profile", profile, "prepare", demo()) == "from-environment"


def test_the_command_line_beats_the_environment(place, demo, monkeypatch):
    monkeypatch.setenv("FCKD_STORAGE", "from-environment")
    words = ("prepare", demo(), "--set", "storage=from-command-line")
    assert stored(place, *words) == "from-command-line"


def test_a_profile_from_the_environment_is_for_every_verb(place, profile, demo, monkeypatch):
    monkeypatch.setenv("FCKD_PROFILE", str(profile))
    stored(place, "prepare", demo())
    (manifest,) = (place / "from-profile" / "corpora").glob("*/manifest.json")
    assert "synthetic" in fckd("inspect", manifest.parent.name).out


def test_a_profile_that_is_not_there_is_refused(place, demo):
    assert "no such file: absent" in refusal(place, "--profile", "absent", "prepare", demo())
