"""Routes that give an arm away, each in another manner: the blinding test must catch every one. Never part of the product."""

from __future__ import annotations

from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

ARMS = """SELECT e.patient_code, r.code FROM closed.allocation a
          JOIN registry_enrolment e ON e.id = a.enrolment_id JOIN closed.arm r ON r.id = a.arm_id ORDER BY 1"""


def arms() -> list[tuple[str, str]]:
    with connections["closed"].cursor() as cursor:
        cursor.execute(ARMS)
        return cursor.fetchall()


def printed(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{arms()[0][1]}")


def sorted_by(request: HttpRequest) -> HttpResponse:
    return HttpResponse(" ".join(code for code, _ in sorted(arms(), key=lambda row: (row[1], row[0]))))


def coloured(request: HttpRequest) -> HttpResponse:
    return HttpResponse(" ".join(f"<i class='c{arm.endswith('active'):d}'>{code}</i>" for code, arm in arms()))


def in_a_header(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nothing to see", headers={"ETag": f'"{hash(tuple(arms())) % 1000}"'})


def in_a_cookie(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("nothing to see")
    response.set_cookie("seen", str(sum(len(arm) for _, arm in arms()[:5])))
    return response


def by_status(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=200 if arms()[0][1].endswith("active") else 204)


def by_length(request: HttpRequest) -> HttpResponse:
    return HttpResponse(" " * len(arms()[1][1]))


def who_shares_an_arm(request: HttpRequest) -> HttpResponse:
    first = arms()[0][1]
    return HttpResponse(" ".join(code for code, arm in arms() if arm == first))


LEAKS = (printed, sorted_by, coloured, in_a_header, in_a_cookie, by_status, by_length, who_shares_an_arm)
urlpatterns = [*(path(f"leak/{leak.__name__}/", leak, name=leak.__name__) for leak in LEAKS), path("", include("registry.urls"))]
