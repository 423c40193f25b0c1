"""Model serializers and viewsets as the framework's tutorial has them, a page of 1 KB, and a dashboard that asks the tables."""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from rest_framework import serializers, viewsets
from rest_framework.pagination import CursorPagination

from bench import live_sql
from bench.peer.models import Score, Session

PAGE = b"<!doctype html><title>hello</title>" + b"x" * (1024 - 35)
TABLE = Template(
    "<!doctype html><table>{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table>"
)


class ScoreSerializer(serializers.ModelSerializer):
    """A score, every column."""

    class Meta:
        model = Score
        fields = "__all__"


class SessionSerializer(serializers.ModelSerializer):
    """A session, every column."""

    class Meta:
        model = Session
        fields = "__all__"


class Pages(CursorPagination):
    """Pages by key."""

    page_size_query_param = "page_size"
    max_page_size = 1000
    ordering = "id"


class Scores(viewsets.ModelViewSet):
    """The scores."""

    queryset = Score.objects.all()
    serializer_class = ScoreSerializer
    pagination_class = Pages


class Sessions(viewsets.ModelViewSet):
    """The sessions."""

    queryset = Session.objects.all()
    serializer_class = SessionSerializer
    pagination_class = Pages


def hello(request: HttpRequest) -> HttpResponse:
    """Send 1 KB."""
    return HttpResponse(PAGE)


def live(request: HttpRequest) -> HttpResponse:
    """Compute the responder table from the records and lay it out."""
    with connection.cursor() as cursor:
        cursor.execute(live_sql.FROM_RECORDS)
        rows = cursor.fetchall()
    return HttpResponse(TABLE.render(Context({"rows": rows})))
