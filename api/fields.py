"""Fields of the records, taken from the tables of the trial folder: same names, units, words and limits at both doors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from api.formats import number
from registry.rules.tables.cells import read_cell, value_of
from registry.rules.tables.columns import Column, Kind, Table
from registry.rules.tables.problems import BadCell
from registry.vocabulary import Word

PATTERNS = {
    Kind.PATIENT: r"^[A-Z0-9-]{1,20}$",
    Kind.CODE: r"^[A-Za-z0-9_.-]{1,40}$",
    Kind.SLUG: r"^[a-z0-9][a-z0-9_-]{0,39}$",
    Kind.KIT: r"^[A-Z0-9-]{3,20}$",
    Kind.PARTIAL_DATE: r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$",
    Kind.ICD_10: r"^[A-Z][0-9][0-9A-Z](\.[0-9A-Z-]{1,4})?$",
    Kind.ICD_11: r"^[0-9A-WYZ][A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,2})?$",
    Kind.PAIN: r"^(overall|[1-9][0-9]?)$",
}
JSON_TYPES: dict[Kind, str] = {Kind.INTEGER: "integer", Kind.DECIMAL: "number", Kind.YES_NO: "boolean"}
FORMATS = {Kind.DATE: "date", Kind.INSTANT: "date-time"}
# Kinds whose absence is null; of the others it is an empty text.
NULLABLE = (Kind.INTEGER, Kind.DECIMAL, Kind.DATE, Kind.INSTANT, Kind.WORDS)


class CellField(serializers.Field):  # type: ignore[type-arg]  # not subscriptable at run time
    """A value of one column, read by the rules that read the cells of a trial folder."""

    default_error_messages: ClassVar[dict[str, Any]] = {"type": "Send {wanted}."}

    def __init__(self, column: Column, **options: Any) -> None:
        self.column = column
        if not options.get("read_only"):
            options.setdefault("required", column.required)
        if not options.get("required") and not options.get("read_only"):
            depends = column.words is not None and not column.default
            options.setdefault("default", None if depends else value_of(column, column.default))
        super().__init__(allow_null=may_be_null(column) and not options.get("required"), help_text=column.doc, **options)
        # What stands for a value nobody sent; `empty` where that is for DRF to say. No shape here is partial, nor its default a function.
        self.absent_is = serializers.empty if self.required or self.read_only else self.default

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Do what a field without validators does, without what DRF does around it for those that have some."""
        if data is serializers.empty and self.absent_is is not serializers.empty:
            return self.absent_is
        if data is None or data is serializers.empty or self.read_only:
            return super().run_validation(data)
        return self.to_internal_value(data)

    def to_internal_value(self, data: Any) -> Any:
        """Return the value as services take it; raise ValidationError saying what would be right."""
        text = self._text(data)
        if not text and not self.required and self.column.kind not in NULLABLE and self.column.words is None:
            return ""
        try:
            return value_of(self.column, read_cell(self.column, text))
        except BadCell as bad:
            raise ValidationError([ErrorDetail(f"{bad.wrong[:1].upper()}{bad.wrong[1:]}. {bad.right}.", code="invalid")]) from bad

    def _text(self, data: Any) -> str:
        """Return the text a cell would hold; raise ValidationError for another JSON type, or blanks that a reader would drop."""
        kind = self.column.kind
        if kind is Kind.YES_NO and isinstance(data, bool):
            return "yes" if data else "no"
        if kind is Kind.WORDS:
            return self._words(data)
        if kind in JSON_TYPES:
            allowed: tuple[type, ...] = (int, Decimal) if kind is Kind.DECIMAL else (int,)
            if kind is Kind.YES_NO or isinstance(data, bool) or not isinstance(data, allowed):
                self.fail("type", wanted=f"a {JSON_TYPES[kind]}")
            return digits(data)
        if not isinstance(data, str):
            self.fail("type", wanted="a text")
        if data != data.strip() or (kind is Kind.INSTANT and " " in data) or len(data) > 10 * self.column.longest:
            self.fail("type", wanted="it without blanks before and after")
        return data

    def _words(self, data: Any) -> str:
        """Return a list of words as a cell holds them."""
        if not isinstance(data, list) or not all(isinstance(word, str) and word.isidentifier() for word in data):
            self.fail("type", wanted="a list of words")
        if len(set(data)) < len(data):
            self.fail("type", wanted="each word once")
        return " ".join(data) or self.column.nothing

    def to_representation(self, value: Any) -> Any:
        """Return the value for JSON."""
        return number(value) if isinstance(value, Decimal) else value


def may_be_null(column: Column) -> bool:
    """Tell whether null stands for a value nobody gave: of texts that is the empty text, of yes and no with a default that default."""
    depends = column.words is not None and not column.default
    return column.kind in NULLABLE or depends or (column.kind is Kind.YES_NO and not column.default)


def digits(data: Any) -> str:
    """Return a number's digits; one with an exponent of its own is written out only where that is short."""
    if isinstance(data, Decimal) and not (data.is_finite() and -30 < data.adjusted() < 30):
        return "out of range"
    return f"{data:f}" if isinstance(data, Decimal) else str(data)[:40]


class CellFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Describes such a field in the schema."""

    target_class = "api.fields.CellField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        """Return the JSON schema of a column."""
        schema = schema_of(self.target.column, optional=not self.target.required)
        if self.target.allow_null and "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
        return schema


def schema_of(column: Column, *, optional: bool) -> dict[str, Any]:
    """Return the JSON schema of a column's values."""
    if column.kind is Kind.WORDS:
        return {"type": "array", "items": {"type": "string", "enum": words_of(column)}, "uniqueItems": True}
    if column.many:
        return {"type": "array", "items": schema_of(replace(column, many=False), optional=False)}
    schema: dict[str, Any] = {"type": JSON_TYPES.get(column.kind, "string")}
    if column.kind in FORMATS:
        schema["format"] = FORMATS[column.kind]
    if column.words is not None:
        schema["enum"] = words_of(column)
    if column.kind in PATTERNS:
        schema["pattern"] = optional_pattern(PATTERNS[column.kind]) if optional else PATTERNS[column.kind]
    if schema["type"] == "string" and column.kind not in FORMATS and column.words is None:
        schema["maxLength"] = column.longest
    limits = {"minimum": column.least, "maximum": column.most, "x-unit": column.unit or None}
    schema |= {name: limit for name, limit in limits.items() if limit is not None}
    return schema


def words_of(column: Column) -> list[str]:
    """Return the words a column takes."""
    return [str(word) for word in column.words or ()]


def optional_pattern(pattern: str) -> str:
    """Return a pattern that an empty text fits too."""
    return f"^({pattern.removeprefix('^').removesuffix('$')})?$"


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses names that cannot be sent: a misspelt one would be left out without a word."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Refuse unknown names, then do as always."""
        if isinstance(data, Mapping):
            taken = {name for name, field in self.fields.items() if not field.read_only}
            if unknown := [str(name) for name in data if name not in taken]:
                wrong = [ErrorDetail("There is no such field to send here.", code="unknown")]
                raise ValidationError(dict.fromkeys(unknown, wrong))
        return super().run_validation(data)


class RowSerializer(StrictSerializer):
    """The shape of one record: the few fields beside its table, then the columns of the table.

    `only` keeps some columns; `needed` makes more of them required than in a file, where a row may lean on its neighbours;
    `optional` makes every column optional without a default, as in a correction that names what changes; `reading` takes none;
    those in `writing` are taken and not shown.
    """

    table: ClassVar[Table]
    only: ClassVar[tuple[str, ...]] = ()
    needed: ClassVar[tuple[str, ...]] = ()
    without: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[bool] = False
    reading: ClassVar[bool] = False
    writing: ClassVar[tuple[str, ...]] = ()

    def get_fields(self) -> dict[str, Any]:
        """Return the declared fields, then the table's."""
        found: dict[str, Any] = super().get_fields()
        for column in self.table.columns:
            if column.name not in self.without and (not self.only or column.name in self.only):
                found.setdefault(column.name, CellField(column, **self._options(column)))
        return found

    def _options(self, column: Column) -> dict[str, Any]:
        if self.reading:
            return {"read_only": True}
        if column.name in self.writing:
            return {"write_only": True}
        if self.optional:
            return {"required": False, "default": serializers.empty}
        return {"required": True} if column.name in self.needed else {}


class WordField(serializers.ChoiceField):
    """One word of a vocabulary, stored and sent as it is."""

    def __init__(self, words: type[Word], **options: Any) -> None:
        self.words = words
        super().__init__(choices=words.choices(), **options)

    def to_internal_value(self, data: Any) -> Any:
        """Return the word itself; only a text names one."""
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return self.words(super().to_internal_value(data))
