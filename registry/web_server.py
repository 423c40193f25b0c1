"""Gunicorn's settings: `gunicorn -c python:registry.web_server`. Threads, so that a slow download does not stop the others."""

from registry import environment
from registry.logs import logging_configuration

wsgi_app = "registry.wsgi:application"
worker_class = "gthread"
workers = environment.whole_number("WEB_WORKERS", 2)
threads = environment.whole_number("WEB_THREADS", 4)
timeout = 60
graceful_timeout = 10
keepalive = 5
# It would lie in the home directory and be shared by every registry of the account.
control_socket_disable = True
logconfig_dict = logging_configuration(environment.text("LOG_LEVEL", "INFO"))
