"""The API's description as pages for people, made from the same schema that scripts read; and one page for each kind of problem."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from api.problems import KINDS
from api.schema import description

METHODS = ("get", "post", "patch")
JSON = "application/json"


@dataclass(frozen=True)
class FieldWords:
    """One parameter, header or field in words."""

    name: str
    kind: str
    required: bool
    text: str


@dataclass(frozen=True)
class OperationWords:
    """One operation in words, with a line to try it."""

    name: str
    method: str
    path: str
    summary: str
    parameters: list[FieldWords]
    body: list[FieldWords]
    answer: list[FieldWords]
    statuses: list[tuple[str, str]]
    curl: str


@dataclass(frozen=True)
class SectionWords:
    """The operations of one collection."""

    name: str
    text: str
    operations: list[OperationWords]


@require_safe
def documentation(request: HttpRequest) -> HttpResponse:
    """Show every operation of the API."""
    address = request.build_absolute_uri("/").rstrip("/")
    return render(request, "api/documentation.html", {"sections": list(sections(address)), "problems": list(KINDS.values())})


@require_safe
@login_not_required
def problem(request: HttpRequest, code: str) -> HttpResponse:
    """Show what a kind of problem means and what helps."""
    if code not in KINDS:
        raise Http404
    return render(request, "api/problem.html", {"kind": KINDS[code]})


def sections(address: str) -> Iterator[SectionWords]:
    """Yield the collections in the order of the schema."""
    found: dict[str, list[OperationWords]] = {}
    texts: dict[str, str] = {}
    for path, methods in description()["paths"].items():
        for method in METHODS:
            if method in methods:
                [tag] = methods[method]["tags"]
                found.setdefault(tag, []).append(operation_words(path, method, methods[method], address))
                texts.setdefault(tag, methods[method].get("description", ""))
    for tag, operations in found.items():
        yield SectionWords(tag, texts[tag], operations)


def operation_words(path: str, method: str, operation: dict[str, Any], address: str) -> OperationWords:
    """Return one operation in words."""
    body = schema_at(operation.get("requestBody", {}))
    good = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
    return OperationWords(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        parameters=[parameter_words(one) for one in operation.get("parameters", [])],
        body=fields_of(body),
        answer=fields_of(row_of(schema_at(good))),
        statuses=[(status, answer.get("description", "")) for status, answer in operation["responses"].items()],
        curl=curl(path, method, operation, body, address),
    )


def schema_at(holder: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a JSON body, its reference followed."""
    return resolved(holder.get("content", {}).get(JSON, {}).get("schema", {}))


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference into the components."""
    reference = schema.get("$ref", "")
    found: dict[str, Any] = description()["components"]["schemas"][reference.rsplit("/", 1)[-1]] if reference else schema
    return found


def row_of(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the shape of a page's rows, or the record itself."""
    results = schema.get("properties", {}).get("results")
    return resolved(results["items"]) if results else schema


def fields_of(schema: dict[str, Any]) -> list[FieldWords]:
    """Return the fields of an object in words."""
    required = schema.get("required", [])
    return [field_words(name, one, required=name in required) for name, one in schema.get("properties", {}).items()]


def parameter_words(parameter: dict[str, Any]) -> FieldWords:
    """Return a parameter in words."""
    schema = {**parameter.get("schema", {}), "description": parameter.get("description", "")}
    return field_words(parameter["name"], schema, required=parameter.get("required", False))


def field_words(name: str, schema: dict[str, Any], *, required: bool) -> FieldWords:
    """Return a field in words."""
    return FieldWords(name, kind_words(schema), required, schema.get("description", ""))


def kind_words(schema: dict[str, Any]) -> str:
    """Return what values a schema takes: the words themselves, else its type, format and unit."""
    if "enum" in schema:
        return ", ".join("null" if word is None else str(word) for word in schema["enum"])
    if "$ref" in schema or "allOf" in schema:
        return "object"
    kinds = schema.get("type", "any")
    parts = [" or ".join(kinds) if isinstance(kinds, list) else kinds, schema.get("format", ""), schema.get("x-unit", "")]
    return ", ".join(part for part in parts if part)


def curl(path: str, method: str, operation: dict[str, Any], body: dict[str, Any], address: str) -> str:
    """Return a command line that tries the operation."""
    lines = [f'curl -H "Authorization: Bearer $RTMS_TOKEN" {address}{path.replace("{id}", "$ID").replace("{trial}", "calm-m1")}']
    if method != "get":
        lines.append(f"-X {method.upper()} -H 'Content-Type: application/json'")
    if any(one["name"] == "If-Match" for one in operation.get("parameters", [])):
        lines.append('-H "If-Match: $ETAG"')
    if body:
        lines.append(f"-d '{json.dumps(example(body))}'")
    return " \\\n  ".join(lines)


def example(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body with the required fields."""
    return {name: example_value(name, body["properties"][name]) for name in body.get("required", [])}


def example_value(name: str, schema: dict[str, Any]) -> Any:
    """Return a value that fits a field."""
    known = {"trial": "calm-m1", "patient": "P-0001", "for_date": "2026-11-19"}
    if name in known:
        return known[name]
    if "enum" in schema:
        return schema["enum"][0]
    return {"integer": 1, "number": 4, "boolean": True}.get(str(schema.get("type")), "...")
