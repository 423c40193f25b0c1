"""The WSGI door: what gunicorn serves."""

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver, reverse

from registry import environment

environment.export_default(DJANGO_SETTINGS_MODULE="registry.settings", RTMS_DB_ROLE="web")

application = get_wsgi_application()
# Everything that answers is loaded now: the first requests come several at once, and would wait for one another's imports and for
# the table of addresses.
_loaded = get_resolver().url_patterns, reverse("healthz")
