"""What to install is told as it can be done: fckd is on no package index, only in its checkout."""

import re
from pathlib import Path

import pytest

from fckd.cli.packages import needs_more

ROOT = Path(__file__).parents[2]
TOLD = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("fckd/**/*.py")]


@pytest.mark.parametrize(("module", "extra"), [("av", "student"), ("optuna", "service")])
def test_a_verb_that_needs_more_names_the_extra_and_where_it_comes_from(monkeypatch, module, extra):
    monkeypatch.setattr("fckd.cli.packages.packages_distributions", dict)  # nothing is installed
    told = needs_more(ModuleNotFoundError(name=f"{module}.below"))
    assert told.given == f"this needs {module}, which is not installed"
    assert told.remedy == f"in fckd's checkout: pip install '.[{extra}]'"


def test_nothing_tells_to_fetch_fckd_from_a_package_index():
    wrong = re.compile(r"pip install [^\n]*\bfckd\b(?!')")
    found = [path.name for path in TOLD if wrong.search(path.read_text())]
    assert found == []
