"""The Celery app. The doors send tasks through it by name; a job's id and the request that caused it are on each log line."""

from importlib import import_module
from typing import Any

from celery import Celery, Task
from celery.signals import before_task_publish, setup_logging, task_postrun, task_prerun, worker_process_init, worker_ready, worker_shutdown
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from registry import broker_transport, environment
from registry.embedded.processes import die_with_parent

environment.export_default(DJANGO_SETTINGS_MODULE="registry.settings")

broker_transport.use()
app = Celery("registry")
app.config_from_object("django.conf:settings", namespace="CELERY")
# A new app is current in the thread that made it only; a web thread would send its tasks to a broker on localhost.
app.set_default()


@setup_logging.connect
def leave_logging_alone(**_: Any) -> None:
    """Keep Celery from replacing the settings' logging: a connected receiver is all it takes."""


@before_task_publish.connect
def send_request_id_along(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Put the request's id beside the task, so that the worker's lines name it too."""
    request_id = get_contextvars().get("request_id")
    if headers is not None and request_id:
        headers["request_id"] = request_id


@task_prerun.connect
def bind_job(task_id: str, task: Task[Any, Any], args: tuple[Any, ...], **_: Any) -> None:
    """Bind the job's id (a task's first argument) and the request's to every line the task logs."""
    clear_contextvars()
    context = {"task": task.name, "task_id": task_id, "request_id": getattr(task.request, "request_id", None)}
    if args and isinstance(args[0], int | str):
        context["job_id"] = args[0]
    bind_contextvars(**{key: value for key, value in context.items() if value is not None})


@task_postrun.connect
def forget_job(**_: Any) -> None:
    """Forget the job's id."""
    clear_contextvars()


@worker_process_init.connect
def end_with_the_worker(**_: Any) -> None:
    """Let a pool process die when its worker was killed: it would go on without anybody to report to."""
    die_with_parent()


@worker_ready.connect
def beat_at_once(sender: Any = None, **_: Any) -> None:
    """Write the first heartbeat now, the schedule's first one comes a whole interval later; and let the worker say that it lives."""
    app.send_task("registry.heartbeat", expires=60)
    _life_signs().begin(str(sender.hostname))


@worker_shutdown.connect
def say_goodbye(sender: Any = None, **_: Any) -> None:
    """Take a worker that ends in order off the list."""
    _life_signs().end(str(sender.hostname))


def _life_signs() -> Any:
    """Return what writes them; it needs Django's models, which are not there yet when this module is read."""
    return import_module("registry.life_signs")
