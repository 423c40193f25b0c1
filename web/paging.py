"""Which slice of a long table is shown, and the addresses of the slices beside it; filters stay in the address."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, QueryDict


@dataclass(frozen=True)
class Pager:
    """What the pager under a table says; an empty query means there is nothing that way."""

    first_row: int
    last_row: int
    count_total: int
    previous_query: str
    next_query: str


def asked_page(request: HttpRequest) -> int:
    """Return the page number of the address, 1 where it is none."""
    text = request.GET.get("page", "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def pager(query: QueryDict, *, page: int, size: int, total: int) -> Pager:
    """Return the pager for one page of `total` rows."""
    last_page = max(1, -(-total // size))
    return Pager(
        first_row=(page - 1) * size + 1 if total else 0,
        last_row=min(page * size, total),
        count_total=total,
        previous_query=_query(query, page - 1) if page > 1 else "",
        next_query=_query(query, page + 1) if page < last_page else "",
    )


def _query(query: QueryDict, page: int) -> str:
    """Return the address's query with another page number; the empty answers of a filter form are left out."""
    changed = QueryDict(mutable=True)
    for name, values in query.lists():
        if name != "page" and values[-1]:
            changed[name] = values[-1]
    changed["page"] = str(page)
    return changed.urlencode()
