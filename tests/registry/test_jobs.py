from celery import current_app
from kombu.exceptions import OperationalError

from registry.models import Job, StaleMark
from registry.services import jobs
from registry.services.auditing import audited


def test_one_waiting_refresh_serves_all_who_write(trial, alice, enrolment):
    with audited(by=alice):
        jobs.mark_stale(trial, by=alice, enrolment_ids=[enrolment.pk])
        jobs.mark_stale(trial, by=alice)
    assert Job.objects.filter(trial=trial, state="queued").count() == 1
    assert list(StaleMark.objects.order_by("pk").values_list("enrolment_id", flat=True)) == [enrolment.pk, None]


def test_message_carries_the_id_after_commit_only(trial, alice, monkeypatch, django_capture_on_commit_callbacks):
    sent = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **options: sent.append((name, args)))
    with django_capture_on_commit_callbacks(execute=False) as callbacks, audited(by=alice):
        jobs.mark_stale(trial, by=alice)
    assert sent == []
    for callback in callbacks:
        callback()
    assert sent == [("registry.run_job", [Job.objects.get().pk])]


def test_broker_that_is_away_loses_nothing(trial, alice, monkeypatch):
    def refuse(*args, **options):
        raise OperationalError("no broker")

    monkeypatch.setattr(current_app, "send_task", refuse)
    with audited(by=alice):
        jobs.mark_stale(trial, by=alice)
    jobs.announce(Job.objects.get().pk)
    assert jobs.unfinished_jobs() == [Job.objects.get().pk]
