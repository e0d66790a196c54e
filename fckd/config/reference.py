"""Everything that a space or comparison may say: Markdown for people, made of its schema."""

import re
from collections.abc import Iterable, Iterator, Sequence

from fckd.config.kind import Kind
from fckd.config.schema import schema_of
from fckd.config.schema_words import Fields, Schema, default, fields_of, references, values


def reference(kind: Kind) -> str:
    """Return a section for each group of fields, in the order in which a document has them.

    A group that may stand in several places is told of in the least deep of them.
    """
    return "\n\n".join(_Reference(schema_of(kind)).parts(f"A {kind}"))


class _Reference:
    """Groups are definitions with fields; the home of one is the place of its section."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.definitions: dict[str, Schema] = {
            f"#/$defs/{name}": group for name, group in schema["$defs"].items()
        }
        self.groups = list(self._below("", schema))
        self.homes: dict[str, str] = {}
        for place, group in sorted(self.groups, key=lambda told: told[0].count(".")):
            self.homes.setdefault(group, place)

    def parts(self, title: str) -> Iterator[str]:
        """Yield titles, paragraphs and tables."""
        yield from self._section(title, self.schema)
        for place, group in self.groups:
            if self.homes[group] == place:
                yield from self._section(self._title(group), self.definitions[group])

    def _below(self, place: str, group: Schema) -> Iterator[tuple[str, str]]:
        """Yield place and definition of every group whose section comes after another's."""
        if self._shared(group):
            return
        for name, field in fields_of(group).items():
            for where, definition in references(f"{place}.{name}".lstrip("."), field):
                if fields_of(self.definitions[definition]):
                    yield where, definition
                    yield from self._below(where, self.definitions[definition])

    def _section(self, title: str, group: Schema) -> Iterator[str]:
        fields, shared, base = fields_of(group), self._shared(group), self._base(group)
        yield f"### {title}"
        yield group["description"]
        if shared:
            yield "Each of them has:"
        if base:
            yield f"What {self._link(base)} has, and:"
            fields = _without(fields, fields_of(self.definitions[base]))
        yield self._table(shared or fields, group.get("required", ()))
        if shared:
            yield from self._differences(fields, shared)

    def _differences(self, groups: Fields, shared: Fields) -> Iterator[str]:
        """Yield what each of some groups is, and what it has beside the shared fields."""
        rows: list[tuple[str, ...]] = []
        owners: dict[tuple[str, ...], list[str]] = {}
        for name, group in groups.items():
            own = _without(fields_of(self._target(group)), shared)
            listed = ", ".join(f"`{field}` {default(schema)}" for field, schema in own.items())
            rows.append((f"`{name}`", self._meaning(group), listed))
            for field, schema in own.items():
                told = (f"`{field}`", self._values(schema), self._meaning(schema))
                owners.setdefault(told, []).append(f"`{name}`")
        yield _table(("term", "what it is", "its own fields, with defaults"), rows)
        told_once = ((*told, ", ".join(names)) for told, names in owners.items())
        yield _table(("field", "values", "meaning", "of"), told_once)

    def _table(self, fields: Fields, required: Sequence[str]) -> str:
        defaults = {n: "required" if n in required else default(fields[n]) for n in fields}
        rows = (
            (f"`{name}`", self._values(field), defaults[name], self._meaning(field))
            for name, field in fields.items()
        )
        return _table(("field", "values", "default", "meaning"), rows)

    def _shared(self, group: Schema) -> Fields:
        """Return the fields that all members of a group have, if all are groups themselves."""
        members = [fields_of(self._target(field)) for field in fields_of(group).values()]
        first = members[0] if members else {}
        return {n: field for n, field in first.items() if all(m.get(n) == field for m in members)}

    def _base(self, group: Schema) -> str | None:
        """Return another group all of whose fields this one has too."""
        fields = fields_of(group)
        for name in self.homes:
            known = fields_of(self.definitions[name])
            if len(known) < len(fields) and not _without(known, fields):
                return name
        return None

    def _target(self, field: Schema) -> Schema:
        return self.definitions.get(field.get("$ref", ""), {})

    def _values(self, field: Schema) -> str:
        return values(field, self._refer)

    def _refer(self, definition: str) -> str:
        known = definition in self.homes
        return self._link(definition) if known else self._values(self.definitions[definition])

    def _meaning(self, field: Schema) -> str:
        """Return what is said of a field, else how the description of its group begins."""
        told: str = field.get("description", self._target(field).get("description", ""))
        return told.partition("\n\n")[0]

    def _title(self, group: str) -> str:
        """Return its home; where that is another's too, with what must be given there."""
        home, needed = self.homes[group], self.definitions[group].get("required", ())
        alone = list(self.homes.values()).count(home) == 1
        return f"`{home}`" if alone else f"`{home}` with `{'`, `'.join(needed)}`"

    def _link(self, group: str) -> str:
        title = self._title(group)
        anchor = re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        return f"[{title}](#{anchor})"


def _without(fields: Fields, known: Fields) -> Fields:
    return {name: field for name, field in fields.items() if known.get(name) != field}


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(map(_row, (head, ("---",) * len(head), *rows)))


def _row(cells: tuple[str, ...]) -> str:
    one_line = (" ".join(cell.split()).replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(one_line)} |"
