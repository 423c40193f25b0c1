"""Django settings. Only this module and registry.environment read the environment; the beat schedule is one table."""

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import pghistory
from csp.constants import NONE, SELF

from registry import environment, reachability
from registry.logs import logging_configuration

ROOT = environment.ROOT
VERSION = "0.1.0"
DATA = environment.data_directory()
EMBEDDED_SECRETS = environment.embedded_secrets()

# --- Databases: one cluster, four login roles (docs/decisions/0001) ---------------------------------------------

DB_ROLE = environment.text("RTMS_DB_ROLE", "worker")
EMBEDDED_DATABASE = not environment.is_set("DATABASE_URL")
EMBEDDED_BROKER = not environment.is_set("BROKER_URL")
DB_NAME = environment.text("RTMS_DB_NAME", "rtms")
# A machine that is silent for longer is taken as gone: its locks are freed and its jobs done elsewhere.
PEER_LOST_AFTER_S = environment.whole_number("RTMS_PEER_LOST_AFTER_S", 30)


def _address(role: str) -> environment.Address:
    """Return the address of one login role: embedded by socket, or from DATABASE_URL (web) and DATABASE_URL_<ROLE>."""
    if EMBEDDED_DATABASE:
        return environment.Address(
            host=str(environment.socket_directory(DATA)),
            port="",
            name=DB_NAME,
            user=f"rtms_{role}",
            password=EMBEDDED_SECRETS.get(f"database_{role}", ""),
            options={},
        )
    name = "DATABASE_URL" if role == "web" else f"DATABASE_URL_{role.upper()}"
    return environment.address(name, environment.text(name), environment.text(f"DATABASE_PASSWORD_{role.upper()}", ""))


def _database(role: str, *, pool: bool) -> dict[str, Any]:
    """Return Django's settings for one login role; the owner is never pooled."""
    at = _address(role)
    options = reachability.database_options(at.host, PEER_LOST_AFTER_S)
    if pool:
        # What is prepared there looks rows up by key, whatever the values: planning it each time took longer than running it.
        options["options"] = f"{options.get('options', '')} -c plan_cache_mode=force_generic_plan".strip()
    return {
        "ENGINE": "registry.postgresql",
        "HOST": at.host,
        "PORT": at.port,
        "NAME": at.name,
        "USER": at.user,
        "PASSWORD": at.password,
        "CONN_MAX_AGE": 0 if pool else 60,
        "CONN_HEALTH_CHECKS": not pool,  # a restarted server must not cost a request; for the pool the engine sees to it
        "DISABLE_SERVER_SIDE_CURSORS": False,
        "OPTIONS": {
            **options,
            **at.options,
            "application_name": f"rtms-{DB_ROLE}",
            # The driver prepares what asks for it (registry.postgresql.prepared); Django's own statements never do.
            "prepare_threshold": 1,
            **({"pool": {"min_size": 1, "max_size": 8, "timeout": 10}} if pool else {}),
        },
    }


DATABASES = {
    "default": _database(DB_ROLE, pool=DB_ROLE == "web"),
    # The closed room: opened only by registry.closed_room after a right was checked.
    "closed": _database("unmasked", pool=False),
}
DATABASE_ROUTERS = ["registry.closed_room.ClosedRoomRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Secrets -----------------------------------------------------------------------------------------------------


def _minted(key: str) -> str:
    """Return an embedded secret; before the first start there is nothing yet that a passing one could open."""
    return EMBEDDED_SECRETS.get(key) or secrets.token_hex(32)


SECRET_KEY = _minted("secret_key") if EMBEDDED_DATABASE else environment.secret("SECRET_KEY")
# Wraps the key of each patient's identity; losing it loses the identities, never the pseudonymous data.
IDENTITY_KEY = _minted("identity_key") if EMBEDDED_DATABASE else environment.key("IDENTITY_KEY")

# --- Web -----------------------------------------------------------------------------------------------------------

DEBUG = False
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS", "")
HTTPS = environment.flag("RTMS_HTTPS", not EMBEDDED_DATABASE)
# Where people reach the registry: what links in mails begin with.
PUBLIC_URL = environment.text("RTMS_PUBLIC_URL", next(iter(CSRF_TRUSTED_ORIGINS), "http://localhost:8000"))
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # a load balancer asks by plain HTTP
# A browser that was told so never asks by plain HTTP again, nor lets anybody past a certificate it does not trust.
SECURE_HSTS_SECONDS = environment.whole_number("RTMS_HSTS_SECONDS", 31_536_000 if HTTPS else 0)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if environment.flag("RTMS_BEHIND_PROXY", False) else None
# Behind a proxy the rate limits count the caller, not the proxy.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if SECURE_PROXY_SSL_HEADER else 0
SECURE_REFERRER_POLICY = "same-origin"
# A tablet left on a ward signs out after half an hour without use; web.sliding_sign_in moves the end on.
SESSION_COOKIE_AGE = 30 * 60
SESSION_COOKIE_NAME = "rtms_session"
CSRF_COOKIE_NAME = "rtms_csrf"
CSRF_FAILURE_VIEW = "web.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"
ROOT_URLCONF = "registry.urls"
WSGI_APPLICATION = "registry.wsgi.application"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5_000_000
# A trial folder brought by the browser, as a zip; the proxy's own limit has to be above it.
LARGEST_UPLOAD_BYTES = environment.whole_number("RTMS_LARGEST_UPLOAD_MB", 190) * 1_000_000

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "csp",
    "pgtrigger",
    "pghistory",
    "allauth",
    "allauth.account",
    "knox",
    "registry",
    "web",
    "api",
]

MIDDLEWARE = [
    "registry.logs.RequestContextMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "web.policy.SamePolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "web.sliding_sign_in.SlidingSignIn",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "web.kept_pages.KeptPages",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "web.demonstration.DemonstrationEnds",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "web.requests.RequestManners",
    "allauth.account.middleware.AccountMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "web.context.page",
            ],
            "builtins": ["web.templatetags.registry_tags"],
        },
    }
]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- REST door (docs/how-to/use-the-api.md) ---------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.authentication.PersonalToken", "api.authentication.BrowserSession"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated", "api.authentication.WithinScope"],
    "DEFAULT_THROTTLE_CLASSES": ["api.limits.RequestsOfPerson"],
    "DEFAULT_RENDERER_CLASSES": ["api.formats.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.formats.JsonParser"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "api.schema.OperationSchema",
    "EXCEPTION_HANDLER": "api.problems.problem_response",
    "COERCE_DECIMAL_TO_STRING": False,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "rTMS Pain Registry",
    "DESCRIPTION": "Trials, patients, scores and stimulation sessions for scripts. Names, units and words are those of the trial folder.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,
    "POSTPROCESSING_HOOKS": ["api.schema.close_bodies"],
    "AUTHENTICATION_WHITELIST": ["api.authentication.PersonalToken"],
}
# One person's requests a minute, from all machines together; a runaway script waits, everybody else goes on.
API_REQUESTS_PER_MINUTE = environment.whole_number("RTMS_API_REQUESTS_PER_MINUTE", 6000)
# Wrong tokens a minute from one address.
API_REFUSALS_PER_MINUTE = 60
REST_KNOX = {"AUTH_TOKEN_CHARACTER_LENGTH": 32, "AUTH_HEADER_PREFIX": "Bearer"}
KNOX_TOKEN_MODEL = "registry.ApiToken"  # noqa: S105  (a model, no secret)
# The package brings header and hashing; the table is ours, so its own must not come to be.
MIGRATION_MODULES = {"knox": None}

# --- Accounts --------------------------------------------------------------------------------------------------------

# History is read by record and by change; an index on each foreign key would only slow the writing.
PGHISTORY_FOREIGN_KEY_FIELD = pghistory.ForeignKey(db_index=False)

AUTH_USER_MODEL = "registry.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
# Memory-hard, in Django and Python themselves.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "web.accounts.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # accounts are made by an administrator, never by sign-up
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # no mail to addresses of strangers who never had an account here
ACCOUNT_FORMS = {
    "login": "web.account_forms.SignInForm",
    "change_password": "web.account_forms.ChangePasswordForm",
    "reset_password": "web.account_forms.ForgottenPasswordForm",
    "reset_password_from_key": "web.account_forms.NewPasswordForm",
}
# Ten wrong passwords for one account lock it for a quarter of an hour, wherever they come from.
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/15m/key,50/15m/ip", "reset_password": "20/m/ip,5/m/key"}
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "trial_choice"

# --- Cache, broker, jobs ---------------------------------------------------------------------------------------------

if EMBEDDED_BROKER:
    BROKER_URL = f"redis+socket://{environment.socket_directory(DATA) / 'valkey.sock'}"
else:
    BROKER_URL = environment.broker_url(environment.text("BROKER_URL"), environment.text("BROKER_PASSWORD", ""))
_CACHE_URL = BROKER_URL.replace("redis+socket://", "unix://", 1)
CACHES = {"default": {"BACKEND": "registry.broker_cache.BrokerCache", "LOCATION": _CACHE_URL, "KEY_PREFIX": DB_NAME}}

CELERY_BROKER_URL = BROKER_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    **reachability.broker_options(PEER_LOST_AFTER_S),
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_TIME_LIMIT = environment.whole_number("RTMS_TASK_TIME_LIMIT_S", 3600)
CELERY_TIMEZONE = "UTC"
CELERY_IMPORTS = ["registry.tasks"]
SWEEP_INTERVAL_S = environment.whole_number("RTMS_SWEEP_INTERVAL_S", 10)
REPORT_INTERVAL_S = environment.whole_number("RTMS_REPORT_INTERVAL_S", 120)
CELERY_BEAT_SCHEDULE = {
    "heartbeat": {"task": "registry.heartbeat", "schedule": timedelta(seconds=15), "options": {"expires": 15}},
    "sweep": {"task": "registry.sweep", "schedule": timedelta(seconds=SWEEP_INTERVAL_S), "options": {"expires": SWEEP_INTERVAL_S}},
    "reports": {
        "task": "registry.schedule_reports",
        "schedule": timedelta(seconds=REPORT_INTERVAL_S),
        "options": {"expires": REPORT_INTERVAL_S},
    },
}
HEARTBEAT_STALE_AFTER_S = 90

# --- Operation: the status page and /metrics (docs/how-to/deploy.md) ---------------------------------------------------

METRICS_TOKEN = environment.secret("METRICS_TOKEN") if environment.is_set("METRICS_TOKEN") else ""
DISK_LOW_BYTES = environment.whole_number("RTMS_DISK_LOW_MB", 2000) * 1_000_000
QUEUE_OLD_AFTER_S = environment.whole_number("RTMS_QUEUE_OLD_AFTER_S", 300)
JOBS_KEPT_FOR = timedelta(days=environment.whole_number("RTMS_JOBS_KEPT_DAYS", 90))
# A failure that nobody has seen to.
FAILED_JOBS_KEPT_FOR = timedelta(days=environment.whole_number("RTMS_FAILED_JOBS_KEPT_DAYS", 365))
BACKUP_OLD_AFTER_S = environment.whole_number("RTMS_BACKUP_OLD_AFTER_HOURS", 26) * 3600

# --- Mail: to files in the data directory until an SMTP server is named ---------------------------------------------

EMAIL_HOST = environment.text("EMAIL_HOST", "")
EMAIL_PORT = environment.whole_number("EMAIL_PORT", 587)
EMAIL_HOST_USER = environment.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = environment.text("EMAIL_HOST_PASSWORD", "")
EMAIL_TIMEOUT = 30  # seconds, so that a server that does not answer holds up no worker
EMAIL_USE_TLS = environment.flag("EMAIL_USE_TLS", True)
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend" if EMAIL_HOST else "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = str(DATA / "mail")
DEFAULT_FROM_EMAIL = environment.text("DEFAULT_FROM_EMAIL", "registry@localhost")

# --- Time, language, files, logs -------------------------------------------------------------------------------------

TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English")]
FORMAT_MODULE_PATH = ["web.formats"]
STATIC_URL = "/static/"
STATICFILES_DIRS = [ROOT / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "web.static_packages.PlotlyFinder",
]
STATIC_ROOT = Path(environment.text("STATIC_ROOT", str(DATA / "static")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
LOGGING = logging_configuration(environment.text("LOG_LEVEL", "INFO"))
# Both ask to bind names that are not the registry's own, for the domain's owner to decide: its subdomains, and the browsers' preload list.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
