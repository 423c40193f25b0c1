"""The product's settings with a fast password hasher, a cache in memory and no broker; tests of services use the real ones."""

from pathlib import Path

from registry.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
CELERY_BROKER_URL = "memory://"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
WHITENOISE_AUTOREFRESH = True  # nothing is collected for tests
# A database thrown away and cloned again can keep a pool waiting longer than a person would.
DATABASES["default"]["OPTIONS"].get("pool", {})["timeout"] = 60  # noqa: F405
# WhiteNoise warns where there is nothing to serve, and warnings are errors here.
Path(STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # noqa: F405
