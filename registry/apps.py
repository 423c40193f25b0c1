"""The registry app: the domain and its tables."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "registry"
    verbose_name = "rTMS Pain Registry"
