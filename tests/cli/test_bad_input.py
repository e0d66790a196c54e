"""Bad input: exit code 2, one message of three parts, no traceback, nothing half-written."""

import json
import os
import shutil

import numpy as np
import optuna
import pytest
import yaml
from scipy.io import savemat

from fckd.cli.main import app
from fckd.config.documents import read_document
from fckd.sweep.ledger_places import open_ledger
from tests.cli.command import fckd, refusal
from tests.cli.conftest import DEMO, FLOW, UTD
from tests.registry.students import packed

SMOKE = (DEMO, "--smoke")
INERTIAL = "Inertial/a1_s1_t1_inertial.mat"


def setting(field, value):
    return ("prepare", *SMOKE, "--set", f"{field}={value}")


# The space


def test_a_file_that_does_not_exist(place):
    message = refusal(place, "prepare", "absent.yaml")
    assert "no such file: absent.yaml" in message
    assert "demo.yaml" in message


def test_a_folder_instead_of_a_file(place):
    assert "cannot read ." in refusal(place, "prepare", ".")


def test_a_file_that_is_no_text(place):
    (place / "space.yaml").write_bytes(b"\xff\xfe\x00\x80")
    assert "cannot read space.yaml" in refusal(place, "prepare", "space.yaml")


def test_broken_yaml_names_the_line(place, written):
    message = refusal(place, "prepare", written("name: a\nexperiment: {corpus: [\n"))
    assert "is not YAML" in message
    assert "line 3" in message


def test_an_empty_file(place, written):
    assert "not a mapping" in refusal(place, "prepare", written(""))


def test_a_list_instead_of_a_mapping(place, written):
    assert "holds list, not a mapping" in refusal(place, "prepare", written("- name: a\n"))


def test_a_space_without_its_sections_names_every_one(place, written):
    message = refusal(place, "prepare", written("name: a\n"))
    assert "experiment: Field required" in message
    assert "search: Field required" in message


@pytest.mark.parametrize("verb", ["sweep", "plan", "teach"])
def test_a_comparison_where_a_space_is_needed_names_the_verb_that_takes_it(place, verb):
    message = refusal(place, verb, FLOW, "--smoke")
    assert f"{FLOW} is a comparison" in message
    assert f"to do:    fckd compare {FLOW}" in message


def test_a_space_where_a_comparison_is_needed_names_the_verb_that_takes_it(place):
    message = refusal(place, "compare", *SMOKE)
    assert f"{DEMO} is a space" in message
    assert f"to do:    fckd sweep {DEMO}" in message


@pytest.mark.parametrize(
    ("verb", "given", "meant"),
    [
        ("sweep", "demo.yml", "demo.yaml"),
        ("compare", "hmdb51.yml", "hmdb51.yaml"),
        ("sweep", "demo_flow.yaml", "comparisons/demo_flow.yaml"),
        ("compare", "demo.yaml", "tune_spaces/demo.yaml"),
    ],
)
def test_a_misspelt_name_of_a_shipped_file_is_answered_with_the_nearest(place, verb, given, meant):
    assert f"did you mean {meant}?" in refusal(place, verb, given)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("experiment.objective.correlation.wieght", "1", "wieght: Extra inputs"),
        ("experiment.focal.ratio", "0", "focal.ratio: Input should be greater than 0 (given: 0)"),
        ("experiment.focal.ratio", "1.5", "less than or equal to 1 (given: 1.5)"),
        ("experiment.objective.correlation.weight", ".nan", "finite number (given: nan)"),
        ("experiment.objective.logits.weight", ".inf", "finite number (given: inf)"),
        ("experiment.objective.logits.weight", "-1", "logits.weight: Input should be greater"),
        ("experiment.objective.logits.temperature", "0", "logits.temperature: Input should be"),
        ("experiment.student.modality", "thermal", "student.modality: Input should be 'skeleton'"),
        (
            "experiment.student.modality",
            "inertial",
            "inertial is not read by 'video', but",
        ),
        ("experiment.corpus.source", "ntu", "corpus.source: Input should be 'synthetic'"),
        ("experiment.corpus.validation_subjects", "[]", "validation_subjects"),
        ("experiment.teachers", "{}", "weight > 0, but there is no teacher"),
        ("experiment.training.epochs", "0", "training.epochs"),
        ("experiment.training.epochs", "many", "training.epochs"),
        ("search.parameters", "{}", "search.parameters"),
        ("search.parameters.focal\\.ratio", "{low: 1}", "search.parameters"),
        ("budget.trials", "0", "budget.trials"),
        ("execution.workers", "3", "must be a multiple of execution.workers (3)"),
        ("name", "../demo", "name: String should match pattern"),
    ],
)
def test_a_field_out_of_range_is_named_with_what_was_given(place, field, value, says):
    assert says in refusal(place, *setting(field, value))


def test_every_wrong_field_is_named_at_once(place):
    message = refusal(place, *setting("experiment.focal.ratio", "7"), "--set", "budget.trials=0")
    assert "experiment.focal.ratio" in message
    assert "budget.trials" in message


@pytest.mark.parametrize(
    ("point", "says"),
    [
        ({"focal.ratio": 7}, "focal.ratio = 7"),
        ({"objective.correlation.weight": -1}, "objective.correlation.weight = -1"),
        ({"training.epochs": 3}, "fixes training.epochs, which is not searched"),
    ],
)
def test_a_point_outside_the_space(place, demo, point, says):
    search = read_document(DEMO, smoke=True)["search"]
    assert says in refusal(place, "prepare", demo(search={**search, "points": [point]}))


@pytest.mark.parametrize("verb", ["plan", "sweep"])
@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("objective.correlation.wieght", {"low": 0.1, "high": 1.0}),
        ("focal.ratio", {"low": 0.1, "high": 2.0}),
    ],
)
def test_a_searched_parameter_that_the_experiment_does_not_know_or_take(
    place, demo, verb, name, parameter
):
    space = demo(search={"parameters": {name: parameter}})
    assert f"search.parameters.{name} = " in refusal(place, verb, space)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("experiment.focal.ratio", "--set field.subfield=value"),
        ("=1", "--set field.subfield=value"),
        ("experiment.focal.ratio=[", "the value is not YAML"),
        ("name.first=x", "name holds 'demo'"),
    ],
)
def test_a_bad_override(place, override, says):
    assert says in refusal(place, "prepare", *SMOKE, "--set", override)


def test_smoke_without_a_smoke_section(place, written):
    document = read_document(DEMO)
    space = written(yaml.safe_dump(document))
    assert "has no smoke section" in refusal(place, "prepare", space, "--smoke")


# The storage


def test_a_storage_that_cannot_be_written(place):
    (place / "file").write_text("in the way")
    message = refusal(place, *setting("storage", "file/storage"))
    assert "cannot write to" in message
    assert "choose another place" in message


def test_a_relative_storage_inside_a_submitted_job(place, monkeypatch):
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    assert "fckd-storage, in a submitted job" in refusal(place, "sweep", *SMOKE)


# The recordings


def test_utd_mhad_without_a_data_folder(place):
    message = refusal(place, "prepare", UTD)
    assert "no data folder was named" in message
    assert "--data FOLDER or FCKD_DATA" in message


def test_an_empty_data_folder(place):
    (place / "data").mkdir()
    assert "no folder data/utd-mhad" in refusal(place, "prepare", UTD, "--data", "data")


def test_a_file_instead_of_a_data_folder(place):
    (place / "data").write_text("in the way")
    assert "no folder data/utd-mhad" in refusal(place, "prepare", UTD, "--data", "data")


def test_an_empty_folder_of_the_benchmark(place):
    (place / "data" / "utd-mhad").mkdir(parents=True)
    assert "lacks 861 of 861" in refusal(place, "prepare", UTD, "--data", "data")


def test_a_teachers_modality_that_is_missing_in_the_data_folder(place, utd):
    shutil.rmtree(utd / "utd-mhad" / "Skeleton")
    message = refusal(place, "prepare", UTD, "--data", utd)
    assert "Skeleton lacks 861 of 861" in message


def test_a_modality_that_the_benchmark_is_not_read_as(place, utd):
    words = ("--set", "experiment.student={modality: infrared, network: video}")
    assert "is not read as infrared" in refusal(place, "prepare", UTD, "--data", utd, *words)


def test_missing_sample_files_are_listed_by_name(place, utd):
    for name in ("a1_s1_t1_inertial.mat", "a5_s2_t3_inertial.mat"):
        (utd / "utd-mhad" / "Inertial" / name).unlink()
    message = refusal(place, "prepare", UTD, "--data", utd)
    assert "a1_s1_t1_inertial.mat, a5_s2_t3_inertial.mat" in message


def test_two_files_of_one_sample(place, utd):
    folder = utd / "utd-mhad" / "Inertial"
    os.link(folder / "a1_s1_t1_inertial.mat", folder / "a01_s01_t01_inertial.mat")
    assert "name the same sample" in refusal(place, "prepare", UTD, "--data", utd)


@pytest.fixture
def one_by_one(monkeypatch):
    """Read in this process: starting a pool takes longer than the test."""
    monkeypatch.setattr("fckd.data.workers.WORTH_A_POOL", 10_000)


@pytest.fixture
def elsewhere(tmp_path):
    """Options: what was read before a refusal is kept, but not in the place."""
    return "--set", f"storage={tmp_path / 'elsewhere'}"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"d_skel": np.ones((30, 6))}, "no array of real numbers named d_iner"),
        ({"d_iner": np.ones((6, 30))}, "an array (6, 30) of float64"),
        ({"d_iner": np.full((30, 6), np.nan)}, "180 values are NaN or infinite"),
    ],
    ids=["wrong key", "wrong shape", "NaN"],
)
def test_a_recording_of_wrong_content_is_named(place, utd, elsewhere, one_by_one, content, says):
    path = utd / "utd-mhad" / INERTIAL
    path.unlink()
    savemat(path, content)
    message = refusal(place, "prepare", UTD, "--data", utd, *elsewhere)
    assert str(path) in message
    assert says in message


def test_a_truncated_recording_is_named_although_another_process_read_it(place, utd, elsewhere):
    path = utd / "utd-mhad" / INERTIAL
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(whole[:200])
    assert f"cannot read {path}" in refusal(place, "prepare", UTD, "--data", utd, *elsewhere)


# The division


def subjects(numbers):
    return ("distill", *SMOKE, "--set", f"experiment.corpus.validation_subjects={numbers}")


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ("[2]", "validation_subjects [2]: [2] are test subjects"),
        ("[9]", "validation_subjects [9]: there are no such subjects"),
        ("[1, 3]", "validation_subjects [1, 3] are all the training subjects"),
    ],
)
def test_validation_subjects_that_may_not_validate(place, made, numbers, says):
    assert says in refusal(place, *subjects(numbers))


# What was made before


def only(found):
    (one,) = found
    return one


def test_a_damaged_corpus_shard(place, made):
    shard = min(made.glob("corpora/*/shard-*.arrow"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    message = refusal(place, "prepare", *SMOKE)
    assert f"{shard} is damaged: its content has changed" in message


def test_a_corpus_shard_that_was_cut_off(place, made):
    shard = min(made.glob("corpora/*/shard-*.arrow"))
    shard.write_bytes(shard.read_bytes()[:-9])
    assert "is damaged" in refusal(place, "prepare", *SMOKE)


def test_a_corpus_whose_manifest_is_no_json(place, made):
    only(made.glob("corpora/*/manifest.json")).write_text("{")
    assert "manifest.json is damaged" in refusal(place, "prepare", *SMOKE)


def test_stale_lessons(place, made):
    for manifest in made.glob("lessons/*/manifest.json"):
        content = json.loads(manifest.read_text())
        content["key"]["criterion"] = "magnitude"
        manifest.write_text(json.dumps(content))
    assert "made from something else" in refusal(place, "lessons", *SMOKE)


def test_damaged_lessons(place, made):
    for shard in made.glob("lessons/*/*.arrow"):
        shard.write_bytes(shard.read_bytes()[:-1])
    assert "checksum" in refusal(place, "lessons", *SMOKE)


def test_damaged_teacher_weights(place, made):
    for weights in made.glob("teachers/*/model.safetensors"):
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)
    shutil.rmtree(made / "lessons")
    message = refusal(place, "lessons", *SMOKE)
    assert "has the SHA-256" in message
    assert "delete the folder and run again" in message


def test_a_teachers_record_that_is_no_json(place, made):
    for record in made.glob("teachers/*/teacher.json"):
        record.write_text("")
    assert "no readable teacher" in refusal(place, "teach", *SMOKE)


# Reports


def test_the_report_of_an_unknown_sweep_lists_the_known_ones(place):
    (place / "fckd-storage" / "sweeps" / "demo-12345678").mkdir(parents=True)
    message = refusal(place, "report", "dmeo")
    assert "no sweep is called dmeo" in message
    assert "one of: demo-12345678" in message


def test_the_report_of_a_name_that_two_sweeps_share_is_that_of_the_newest(place):
    for name, touched in (("demo-1", 2_000_000_000), ("demo-2", 1_000_000_000)):
        folder = place / "fckd-storage" / "sweeps" / name
        folder.mkdir(parents=True)
        os.utime(folder, (touched, touched))
    assert "demo-1/leaderboard.json: not there yet" in refusal(place, "report", "demo")


def test_a_report_without_a_storage(place):
    assert "no sweep is called demo" in refusal(place, "report", "demo")


def test_the_report_of_a_sweep_that_has_not_ended(place):
    (place / "fckd-storage" / "sweeps" / "demo-1").mkdir(parents=True)
    assert "leaderboard.json: not there yet" in refusal(place, "report", "demo")


def test_the_report_of_a_sweep_whose_leaderboard_is_no_json(place):
    folder = place / "fckd-storage" / "sweeps" / "demo-1"
    folder.mkdir(parents=True)
    (folder / "leaderboard.json").write_text("{")
    assert "leaderboard.json" in refusal(place, "report", "demo")


@pytest.fixture
def ended(place):
    """The files of a sweep that has ended, but for its ledger."""
    folder = place / "fckd-storage" / "sweeps" / "demo-1"
    folder.mkdir(parents=True)
    for name in ("leaderboard.json", "facts.json"):
        (folder / name).write_text("{}")


def test_the_report_of_a_sweep_whose_ledger_is_gone(place, ended):
    assert "there is no ledger" in refusal(place, "report", "demo")


def test_the_report_of_a_sweep_that_the_ledger_does_not_know(place, ended):
    optuna.create_study(storage=open_ledger(place / "fckd-storage"), study_name="other")
    assert "demo-1 is not in the ledger" in refusal(place, "report", "demo")


# Registered students


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("ankle", "one of: wrist"),
        ("wrist", "wrist has no champion"),
        ("wrist@champion", "one of: wrist@candidate"),
        ("wrist/7", "wrist has no version 7"),
        ("wrist/0", "NAME, NAME@ALIAS or NAME/VERSION"),
        ("wrist@", "NAME, NAME@ALIAS or NAME/VERSION"),
        ("../wrist", "NAME, NAME@ALIAS or NAME/VERSION"),
        ("wrist' OR '1'='1", "NAME, NAME@ALIAS or NAME/VERSION"),
        ("", "NAME, NAME@ALIAS or NAME/VERSION"),
    ],
)
def test_pulling_what_is_not_registered_or_not_a_reference(place, registry, reference, says):
    assert says in refusal(place, "pull", reference, "--out", "student", "--storage", registry)


def test_pulling_into_a_folder_that_holds_something(place, registry):
    (place / "student").mkdir()
    (place / "student" / "thesis.txt").write_text("years of work")
    words = ("pull", "wrist@candidate", "--out", "student", "--storage", registry)
    assert "holds something already" in refusal(place, *words)


def test_pulling_onto_a_file(place, registry):
    (place / "student").write_text("years of work")
    words = ("pull", "wrist@candidate", "--out", "student", "--storage", registry)
    assert "holds something already" in refusal(place, *words)


def test_pulling_to_a_place_that_cannot_be_written(place, registry):
    (place / "file").write_text("in the way")
    words = ("pull", "wrist@candidate", "--out", "file/student", "--storage", registry)
    assert "cannot write to" in refusal(place, *words)


def test_pulling_without_a_store(place):
    message = refusal(place, "pull", "wrist@candidate", "--out", "student")
    assert "no such database" in message


def test_pulling_from_a_server_that_does_not_answer(place, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    message = refusal(place, "pull", "wrist@candidate", "--out", "student")
    assert "cannot reach http://127.0.0.1:9" in message
    assert "secret" not in message


def test_pulling_from_an_address_whose_port_is_no_number(place, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://HOST:PORT")
    message = refusal(place, "pull", "wrist@candidate", "--out", "student")
    assert "the tracking address http://HOST:PORT" in message


# Predictions


@pytest.fixture
def own(place, student):
    """A student of one's own, which a test may damage."""
    return shutil.copytree(student, place / "student")


@pytest.fixture
def recording(place):
    path = place / "wave.npy"
    np.save(path, np.random.default_rng(0).normal(size=(30, 6)).astype(np.float32))
    return path


def test_predicting_with_tampered_weights(place, own, recording):
    weights = own / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    message = refusal(place, "predict", own, recording)
    assert "the content of model.safetensors is not what SHA256SUMS says" in message


def test_predicting_with_weights_of_another_network(place, own, recording, tmp_path):
    other = packed(tmp_path / "other", classes=("wave", "clap", "sit", "stand", "jump", "draw"))
    shutil.copy(other / "card.json", own)
    assert "card.json is not what SHA256SUMS says" in refusal(place, "predict", own, recording)


def test_predicting_with_a_folder_that_is_no_student(place, recording):
    (place / "empty").mkdir()
    assert "is not a student" in refusal(place, "predict", "empty", recording)


def test_predicting_with_a_student_that_does_not_exist(place, recording):
    assert "is not a student" in refusal(place, "predict", "absent", recording)


def test_predicting_a_recording_that_does_not_exist(place, own):
    assert "no such recording: absent.npy" in refusal(place, "predict", own, "absent.npy")


def test_predicting_a_file_that_is_no_recording(place, own):
    (place / "wave.npy").write_text("no array")
    assert "cannot read wave.npy" in refusal(place, "predict", own, "wave.npy")


def test_predicting_a_file_of_a_benchmark_that_has_no_files(place, own):
    (place / "wave.mat").write_text("no array")
    assert "synthetic has no raw files" in refusal(place, "predict", own, "wave.mat")


def test_predicting_a_recording_of_another_modality(place, own):
    np.save(place / "wave.npy", np.ones((30, 20, 3), np.float32))
    message = refusal(place, "predict", own, "wave.npy")
    assert "inertial: an array (T, 6) of float32" in message


def test_predicting_a_sample_that_the_corpus_does_not_know(place, own, made):
    corpus = only(path for path in made.glob("corpora/*") if path.is_dir())
    assert "no sample 'a99'" in refusal(place, "predict", own, corpus / "a99")


def test_predicting_a_sample_of_a_corpus_without_the_students_modality(place, own, made):
    corpus = only(path for path in made.glob("corpora/*") if path.is_dir())
    message = refusal(place, "predict", own, corpus / "a01_s01_c1_r01")
    assert "does not hold inertial" in message


# The words themselves


def commands():
    return sorted(command.name or command.callback.__name__ for command in app.registered_commands)


@pytest.mark.parametrize("verb", commands())
def test_an_option_that_a_verb_does_not_know_ends_with_2_and_a_hint(place, verb):
    ran = fckd(verb, "--nonsense")
    assert ran.code == 2
    assert "--nonsense" in ran.err
    assert "Traceback" not in ran.err


def test_a_verb_that_does_not_exist_ends_with_2(place):
    ran = fckd("destil")
    assert ran.code == 2
    assert "No such command 'destil'" in ran.err
