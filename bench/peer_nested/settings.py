"""The nested peer's own settings: a database of its own, its pool as the product's."""

from registry.settings import SECRET_KEY, _database

DATABASES = {"default": {**_database("owner", pool=True), "ATOMIC_REQUESTS": True}}
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "bench.peer_nested.urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "rest_framework.authtoken",
    "simple_history",
    "bench.peer_nested",
]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "simple_history.middleware.HistoryRequestMiddleware"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.DjangoModelPermissions"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
__all__ = ["SECRET_KEY"]
