"""The registry app: the domain and its tables."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "registry"
    verbose_name = "rTMS Pain Registry"

    def ready(self) -> None:
        """Load our Celery app, so that every process sends its tasks through our broker."""
        import registry.celery  # noqa: F401
