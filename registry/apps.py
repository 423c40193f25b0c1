"""The registry app: the domain and its tables."""

from django.apps import AppConfig
from django.utils.translation import gettext

from registry.wording import translate_with


class RegistryConfig(AppConfig):
    name = "registry"
    verbose_name = "rTMS Pain Registry"

    def ready(self) -> None:
        """Load our Celery app, so that every process sends its tasks through our broker, and let rules speak the reader's language."""
        import registry.celery  # noqa: F401

        translate_with(gettext)
