"""The peer's own settings: the same database, its pool as the product's, nothing else of it."""

from registry.settings import SECRET_KEY, _database

DATABASES = {"default": _database("owner", pool=True)}
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "bench.peer.urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "simple_history", "bench.peer"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "simple_history.middleware.HistoryRequestMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
__all__ = ["SECRET_KEY"]
