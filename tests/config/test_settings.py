"""Settings: the environment beats the profile, and secrets are in neither file nor message."""

from pathlib import Path

import pytest

from fckd.config.settings import read_settings
from fckd.errors import UserError

SECRET = "canary-4711"
LEDGER = f"postgresql://me:{SECRET}@db.example/fckd"


@pytest.fixture
def profile(tmp_path):
    def write(text):
        path = tmp_path / "team.yaml"
        path.write_text(text)
        return path

    return write


def test_without_anything_everything_is_local():
    settings = read_settings({})
    assert set(settings.model_dump().values()) == {None}


def test_a_profile_says_where_services_are(profile):
    file = profile("storage: s3://team/fckd\nledger_url: postgresql://db.example/fckd\n")
    for settings in (read_settings({}, file), read_settings({"FCKD_PROFILE": str(file)})):
        assert settings.storage == "s3://team/fckd"
        assert settings.ledger_url.get_secret_value() == "postgresql://db.example/fckd"


def test_the_environment_beats_the_profile(profile):
    file = profile("storage: s3://team/fckd\nray_address: head:6379\n")
    settings = read_settings({"FCKD_STORAGE": "mine", "RAY_ADDRESS": ""}, file)
    assert (settings.storage, settings.ray_address) == ("mine", "head:6379")


def test_secrets_are_not_shown():
    given = {
        "FCKD_LEDGER_URL": LEDGER,
        "MLFLOW_TRACKING_URI": f"https://me:{SECRET}@mlflow.example",
        "MLFLOW_TRACKING_USERNAME": "me",
        "MLFLOW_TRACKING_PASSWORD": SECRET,
    }
    settings = read_settings(given)
    assert settings.tracking_password.get_secret_value() == SECRET
    assert SECRET not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    "line",
    [
        f"ledger_url: {LEDGER}",
        f"ledger_url: postgresql://db.example/fckd?user=me&password={SECRET}",
        f"ledger_url: postgresql://db.example/fckd?sslpassword={SECRET}",
        f"tracking_uri: https://me:{SECRET}@mlflow.example",
        f"tracking_password: {SECRET}",
        f"storage: [{SECRET}]",
    ],
)
def test_a_profile_with_a_secret_is_refused_without_repeating_it(profile, line):
    with pytest.raises(UserError) as refusal:
        read_settings({}, profile(line))
    assert line.partition(":")[0] in str(refusal.value)
    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize("name", ["MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"])
def test_a_user_without_a_password_is_refused_and_the_other_way_round(name):
    with pytest.raises(UserError, match=f"{name} without"):
        read_settings({name: SECRET})


@pytest.mark.parametrize(
    "address", ["http://[::1:5000", f"http://me:{SECRET}@[::1:5000", f"http://me:{SECRET}℀@host"]
)
def test_an_address_that_cannot_be_read_is_refused_without_repeating_it(profile, address):
    with pytest.raises(UserError, match="tracking_uri is no address") as refusal:
        read_settings({}, profile(f"tracking_uri: {address}\n"))
    assert SECRET not in str(refusal.value)


def test_a_profile_that_is_absent_is_not_looked_for_among_the_installed_spaces():
    with pytest.raises(UserError) as refusal:
        read_settings({}, Path("demo.yaml"))
    assert refusal.value.given == "no such file: demo.yaml"
    assert "tracking_uri" in refusal.value.expected


@pytest.mark.parametrize("text", ["", "# storage: s3://team/fckd\n", "- storage\n", "storage: {\n"])
def test_a_profile_that_is_no_mapping_is_told_what_profiles_hold(profile, text):
    with pytest.raises(UserError) as refusal:
        read_settings({}, profile(text))
    assert "ledger_url" in refusal.value.expected
    assert "demo.yaml" not in str(refusal.value)
