"""A JSON Schema read for people: its fields, what they refer to, and their values in few words."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
Fields = Mapping[str, Schema]

KINDS = {"string": "text", "boolean": "yes/no", "object": "mapping"}
LOWEST = {"minimum": ("≥", "≤"), "exclusiveMinimum": (">", "<")}
"""Keyword -> its sign, and that before the value where there is a highest one too."""
HIGHEST = {"maximum": "≤", "exclusiveMaximum": "<"}
COUNTS = {"minItems": "least", "minProperties": "least", "maxProperties": "most"}


def fields_of(group: Schema) -> Fields:
    """Return the fields of a group; first those that must be given."""
    fields: Fields = group.get("properties", {})
    required = group.get("required", ())
    return dict(sorted(fields.items(), key=lambda field: field[0] not in required))


def references(place: str, field: Schema) -> Iterator[tuple[str, str]]:
    """Yield the definitions that a field refers to, each with the place where it stands."""
    if "$ref" in field:
        yield place, field["$ref"]
    for option in (*field.get("anyOf", ()), *field.get("oneOf", ())):
        yield from references(place, option)
    for key, value in _entries(field):
        yield from references(f"{place}.{key}", value)


def values(field: Schema, refer: Callable[[str], str]) -> str:
    """Return which values a field may have; `refer` tells of a definition."""
    match field:
        case {"$ref": definition}:
            return refer(definition)
        case {"anyOf": options} | {"oneOf": options}:
            found = [values(option, refer) for option in options if option.get("type") != "null"]
            # A number may be an integer.
            return " or ".join(one for one in found if one != "integer" or "number" not in found)
        case {"enum": listed}:
            return f"one of {', '.join(listed)}"
        case {"items": item}:
            return f"list of {values(item, refer)}{_count(field)}"
    held = [f"{key}: {values(value, refer)}" for key, value in _entries(field)]
    return f"{{{', '.join(held)}}}{_count(field)}" if held else _bounded(field)


def default(field: Schema) -> str:
    """Return what a field is that is not given; nothing of a group, whose fields have their own."""
    match field.get("default", []):
        case None:
            return "not set"
        case bool(given):
            return "yes" if given else "no"
        case list(items):
            return ", ".join(items) or "none"
        case {}:
            return ""
        case given:
            return str(given)


def _entries(field: Schema) -> list[tuple[str, Schema]]:
    """Return what a mapping holds, under NAME (a name of the user's own) or FIELD."""
    held = [("NAME", value) for value in field.get("patternProperties", {}).values()]
    if other := field.get("additionalProperties"):
        held.append(("FIELD", {} if other is True else other))
    return held


def _bounded(field: Schema) -> str:
    named: str = field.get("type", "anything")
    kind = KINDS.get(named, named)
    highest = "".join(f" {sign} {field[key]}" for key, sign in HIGHEST.items() if key in field)
    for key, (sign, mirrored) in LOWEST.items():
        if key in field:
            bound = field[key]
            return f"{bound} {mirrored} {kind}{highest}" if highest else f"{kind} {sign} {bound}"
    return kind + highest


def _count(field: Schema) -> str:
    told = (f", at {word} {field[key]}" for key, word in COUNTS.items() if key in field)
    return "".join(told)
