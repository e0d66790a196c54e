"""YAML documents: read, overridden field by field, validated with the exact place of an error."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError
from yaml.constructor import ConstructorError

from fckd.config.base import TAG, Configuration
from fckd.config.kind import Kind
from fckd.config.nearest import did_you_mean, nearest_field
from fckd.errors import UserError

Model = TypeVar("Model", bound=Configuration)
Document = dict[str, Any]

SMOKE = "smoke"
ARMS = "arms"
SPACES, COMPARISONS = "tune_spaces", "comparisons"
"""Folders of documents that are installed with fckd."""

_HAS = {Kind.SPACE: "search", Kind.COMPARISON: ARMS}
"""The section that only one kind has."""
_VERBS = {Kind.SPACE: "sweep", Kind.COMPARISON: "compare"}
_TOLD_WITH = {"Space": Kind.SPACE, "Comparison": Kind.COMPARISON, "Experiment": Kind.SPACE}
"""Of a model: the kind whose schema has its fields."""


def read_document(
    path: Path,
    *,
    smoke: bool = False,
    storage: str | None = None,
    overrides: Sequence[str] = (),
    folder: str = SPACES,
) -> Document:
    """Read a YAML mapping, merge its `smoke` section if asked, then apply `a.b=c` overrides.

    A storage that is given beats the document's own, and an override beats that.

    A path that does not exist but names an installed document (of `folder`, if it is a mere name)
    is read there.

    Raises:
        UserError: No such file, not YAML, not a mapping, no smoke section, or a bad override.
    """
    document = _parse(locate(path, folder), path)
    section = document.pop(SMOKE, None)
    if smoke:
        if not isinstance(section, dict):
            raise UserError(
                f"{path} has no smoke section",
                f"a mapping under `{SMOKE}:` that makes the space small",
                "run without --smoke, or add the section",
            )
        document = merge(document, section)
    if storage is not None:
        document["storage"] = storage
    for override in overrides:
        apply_override(document, override)
    return document


def locate(path: Path, folder: str = SPACES) -> Path:
    """Return `path`, or the installed document if `NAME.yaml` or `FOLDER/NAME.yaml` is absent.

    Raises:
        UserError: There is no such file.
    """
    if path.exists():
        return path
    place = folder if path.parent == Path() else str(path.parent)
    if place in (SPACES, COMPARISONS) and path.suffix == ".yaml":
        found = Path(str(files(place))) / path.name
        if found.exists():
            return found
    known, other = _installed(folder), COMPARISONS if folder == SPACES else SPACES
    shown = {name: f"{other}/{name}" for name in _installed(other)} | {name: name for name in known}
    raise UserError(
        f"no such file: {path}",
        f"a YAML file: your own, or one of {', '.join(known)}",
        f"check the path{did_you_mean(path.name, shown)}",
    )


def kind_of(document: Mapping[str, Any]) -> Kind:
    """Return what a document is by its sections; a space where they do not tell."""
    is_comparison = ARMS in document and _HAS[Kind.SPACE] not in document
    return Kind.COMPARISON if is_comparison else Kind.SPACE


def check_kind(document: Mapping[str, Any], kind: Kind, path: Path) -> None:
    """Return unless a document is plainly of another kind than `kind`.

    Raises:
        UserError: It is; names the verb that takes it.
    """
    found = kind_of(document)
    if found is not kind and _HAS[found] in document and _HAS[kind] not in document:
        raise UserError(
            f"{path} is a {found}",
            f"a {kind}, which has the section {_HAS[kind]}",
            f"fckd {_VERBS[found]} {path}",
        )


def validate(model: type[Model], document: Mapping[str, Any], place: str) -> Model:
    """Return `document` as `model`.

    Raises:
        UserError: Names every offending field with what was found and expected.
    """
    try:
        return model.model_validate(document)
    except ValidationError as refusal:
        name = model.__name__
        kind = _TOLD_WITH.get(name)
        told = f"that `fckd schema {kind} --markdown` tells of" if kind else f"of a {name.lower()}"
        lines = "\n".join(_lines(refusal, model))
        raise UserError(
            f"{place} is not a valid {name.lower()}:\n{lines}",
            f"the fields and ranges {told}",
            "mend the fields named above",
        ) from refusal


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> Document:
    """Return `base` with `changes` laid over it, mapping by mapping; lists are replaced."""
    merged = dict(base)
    for key, value in changes.items():
        below = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[key] = merge(below, value) if both else value  # type: ignore[arg-type]
    return merged


def apply_override(document: Document, override: str) -> None:
    """Set one field in place from `a.b=value`, the value read as YAML.

    Raises:
        UserError: There is no `=`, or the value is not YAML.
    """
    name, equals, text = override.partition("=")
    if not equals or not name.strip():
        raise UserError(
            f"--set {override}", "--set field.subfield=value", "write the field, =, and its value"
        )
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as refusal:
        raise UserError(
            f"--set {override}: the value is not YAML", "a number, word or list", "quote the value"
        ) from refusal
    set_field(document, name.strip(), value)


def set_field(document: Document, name: str, value: Any) -> None:
    """Set `a.b.c` in nested mappings, in place; missing mappings are made.

    Where a mapping has a key with dots, as the parameters of a search have, that key is meant. The
    fields of a comparison's arm are such keys, whether they are there or not.

    Raises:
        UserError: A name on the way holds a plain value.
    """
    place, rest = document, name.split(".")
    passed: list[str] = []
    while (count := _names_of_key(place, rest)) < len(rest):
        key, rest = ".".join(rest[:count]), rest[count:]
        if place.get(key) is None:
            place[key] = {}
        if not isinstance(place[key], dict):
            raise UserError(
                f"{name}: {key} holds {place[key]!r}", "a mapping there", "check the name"
            )
        place, passed = place[key], [*passed, key]
        if passed[0] == ARMS and len(passed) == 2:
            rest = [".".join(rest)]
    place[".".join(rest)] = value


def _names_of_key(place: Document, names: Sequence[str]) -> int:
    """Return how many of the `names` make up the longest key that is there; 1 if there is none."""
    counts = range(len(names), 0, -1)
    return next((count for count in counts if ".".join(names[:count]) in place), 1)


def with_fields(model: Model, fields: Mapping[str, Any], place: str) -> Model:
    """Return a copy of `model` with dotted `fields` set, validated again.

    Raises:
        UserError: A field does not exist or its value is out of range.
    """
    document = model.model_dump(mode="json")
    for name, value in fields.items():
        set_field(document, name, value)
    return validate(type(model), document, place)


class _Loader(yaml.SafeLoader):
    """Refuses a name that is given twice: YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    problem = f"{key.value} is given twice"
                    raise ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _parse(path: Path, given: Path) -> Document:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506, a SafeLoader
    except (OSError, UnicodeDecodeError) as refusal:
        raise UserError(
            f"cannot read {given}: {refusal}", "a readable text file", "check the path"
        ) from refusal
    except yaml.YAMLError as refusal:
        raise UserError(
            f"{given} is not YAML: {' '.join(str(refusal).split())}",
            "a YAML mapping",
            "mend the line named above",
        ) from refusal
    if not isinstance(document, dict):
        raise UserError(
            f"{given} holds {type(document).__name__}, not a mapping",
            "a YAML mapping with name, experiment and search",
            "compare it with tune_spaces/demo.yaml",
        )
    return document


def _installed(folder: str) -> list[str]:
    return sorted(file.name for file in Path(str(files(folder))).glob("*.yaml"))


def _lines(refusal: ValidationError, model: type[Configuration]) -> Iterable[str]:
    for error in refusal.errors(include_url=False):
        names = [name for name in map(str, error["loc"]) if not name.startswith(TAG)]
        place = ".".join(names) or "(whole document)"
        message = error["msg"].removeprefix("Value error, ")
        given = "" if isinstance(error["input"], dict) else f" (given: {error['input']!r})"
        meant = nearest_field(names, model) if error["type"] == "extra_forbidden" else ""
        yield f"  {place}: {message}{given}{meant}"
