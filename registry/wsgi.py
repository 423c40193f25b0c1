"""The WSGI door: what gunicorn serves."""

from django.core.wsgi import get_wsgi_application

from registry import environment

environment.export_default(DJANGO_SETTINGS_MODULE="registry.settings", RTMS_DB_ROLE="web")

application = get_wsgi_application()
