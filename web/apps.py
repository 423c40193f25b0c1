"""The browser door: pages for clinicians, coordinators and readers."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "web"
    verbose_name = "Pages"
