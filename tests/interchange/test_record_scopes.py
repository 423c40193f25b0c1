"""All of a trial is read by plans that do not depend on statistics of tables just filled."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from registry.interchange.record_scopes import reading_all


def setting() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_nestloop")
        (value,) = cursor.fetchone()
    return str(value)


@pytest.mark.django_db
def test_no_row_is_looked_at_for_each_of_another_table_and_only_there() -> None:
    with transaction.atomic():
        before = setting()
        with reading_all("default") as cursor:
            cursor.execute("SHOW enable_nestloop")
            assert cursor.fetchone() == ("off",)
        assert setting() == before == "on"
