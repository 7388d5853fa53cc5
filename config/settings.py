"""Django settings. What a person may change comes from config/env.py; the rest is the house's own."""

import os
import socket
from pathlib import Path
from urllib.parse import unquote, urlsplit

from celery.schedules import crontab
from csp.constants import NONE, SELF

from config.env import env
from config.logs import logging_settings
from config.sign_on import providers, read_sign_on
from config.smtp import smtp_server
from local.home import room

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = env.debug
SECRET_KEY = env.secret_key
ALLOWED_HOSTS = env.hosts or ["localhost", "127.0.0.1", "[::1]"]
PUBLIC_URL = env.public_url
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PUBLIC_URL.startswith("https://") else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_AGE = 14 * 24 * 3600
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "ninja",
    "local",
    "workspaces",
    "workspaces.sso",
    "analysis",
]
SIGN_ON = read_sign_on(env.home, os.environ)
if SIGN_ON.saml:
    INSTALLED_APPS.append("allauth.socialaccount.providers.saml")
SITE_ID = 1

MIDDLEWARE = [
    "config.watch.watched",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "workspaces.language.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "workspaces.audit.origin.OriginMiddleware",
    "analysis.egress.SenderMiddleware",
    "workspaces.second_factor.SecondFactorMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "workspaces.context.workspaces",
                "workspaces.context.accounts",
            ],
        },
    }
]


def _postgres(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "lectern",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        # A pool, because an ASGI process serves each request on a thread of its own.
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 12, "timeout": 20}, "application_name": "lectern"},
    }


DATABASES = {"default": _postgres(env.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.redis_url
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL or "redis://127.0.0.1:1",
        "KEY_PREFIX": "lectern",
    }
}

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "ingest"
CELERY_TASK_ROUTES = {
    "analysis.tasks.ingest_version": {"queue": "ingest"},
    "analysis.tasks.ingest_snapshot": {"queue": "ingest"},
    "analysis.tasks.embed_snapshots": {"queue": "ingest"},
    "analysis.tasks.reembed": {"queue": "ingest"},
    "analysis.tasks.understand_again": {"queue": "ingest"},
    "analysis.tasks.reindex": {"queue": "ingest"},
    "analysis.tasks.run_answer": {"queue": "answers"},
    "analysis.tasks.read_parts": {"queue": "sweep"},
    "analysis.tasks.review_clauses": {"queue": "sweep"},
    "analysis.tasks.read_version": {"queue": "reading"},
    "analysis.tasks.render_pages": {"queue": "reading"},
    "analysis.tasks.fetch_tokenizer": {"queue": "reading"},
    "analysis.tasks.requeue_expired": {"queue": "answers"},
    "analysis.tasks.tidy": {"queue": "answers"},
    # Behind documents that are read in, what is told would be late by as much.
    "workspaces.tasks.deliver_hook": {"queue": "answers"},
    "workspaces.tasks.send_due_hooks": {"queue": "answers"},
}
# soft < hard < visibility timeout: a task that outlives its limits is dead before the broker hands it out again.
CELERY_TASK_SOFT_TIME_LIMIT = 2 * 3600
CELERY_TASK_TIME_LIMIT = 2 * 3600 + 60
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 4 * 3600, "global_keyprefix": "lectern:celery:"}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = {
    "requeue-expired": {"task": "analysis.tasks.requeue_expired", "schedule": 15.0},
    # Sent while the one before is at work: it then goes on at once. What nobody took is of no use later.
    "reembed": {"task": "analysis.tasks.reembed", "schedule": 10.0, "options": {"expires": 10}},
    "embed-snapshots": {"task": "analysis.tasks.embed_snapshots", "schedule": 10.0, "options": {"expires": 10}},
    "understand-again": {"task": "analysis.tasks.understand_again", "schedule": 30.0, "options": {"expires": 30}},
    "reindex": {"task": "analysis.tasks.reindex", "schedule": 30.0, "options": {"expires": 30}},
    "tidy": {"task": "analysis.tasks.tidy", "schedule": 3600.0},
    "seal-audit": {"task": "workspaces.tasks.seal_audit", "schedule": 60.0, "options": {"expires": 60}},
    "keep-to-policies": {"task": "workspaces.tasks.keep_to_policies", "schedule": 3600.0},
    # Each round sends what waits; rounds that nobody took are made good by the next.
    "mail-at-once": {"task": "workspaces.tasks.mail_at_once", "schedule": 60.0, "options": {"expires": 60}},
    "mail-digests": {"task": "workspaces.tasks.mail_digests", "schedule": crontab(hour="6", minute="0")},
    "send-due-hooks": {"task": "workspaces.tasks.send_due_hooks", "schedule": 5.0, "options": {"expires": 5}},
    "forget-old-deliveries": {"task": "workspaces.tasks.forget_old_deliveries", "schedule": 3600.0},
    "clear-abandoned": {"task": "workspaces.tasks.clear_abandoned", "schedule": 3600.0},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(room("run") / "beat")

# Accounts
AUTH_USER_MODEL = "workspaces.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "workspaces.accounts.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if env.email_confirmed else "optional"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_MAX_EMAIL_ADDRESSES = 3
ACCOUNT_FORMS = {"signup": "workspaces.forms.NewAccountForm", "add_email": "workspaces.forms.AddAddressForm"}
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Lectern: "
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
SIGNUP_OPEN = env.signup_open
WORKSPACE_GRACE_DAYS = env.workspace_grace_days

# The second factor
MFA_ADAPTER = "workspaces.accounts.SecondFactorAdapter"
MFA_FORMS = {"add_webauthn": "workspaces.forms.PasskeyForm"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Lectern"
# Who cannot be sent a message cannot confirm an address either.
MFA_ALLOW_UNVERIFIED_EMAIL = not env.email_confirmed
SECOND_FACTOR_REQUIRED = env.second_factor

# Single sign-on
SOCIALACCOUNT_ADAPTER = "workspaces.sso.adapter.SignOnAdapter"
SOCIALACCOUNT_PROVIDERS = providers(SIGN_ON)
# The button is a link: from a form, the content security policy would let nobody leave for the provider.
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True

# E-mail goes to a folder until an SMTP server is named.
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.email_from
EMAIL_TIMEOUT = 20
if env.email_url:
    _smtp = smtp_server(env.email_url)
    EMAIL_HOST, EMAIL_PORT = _smtp.host, _smtp.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _smtp.user, _smtp.password
    EMAIL_USE_SSL, EMAIL_USE_TLS = _smtp.tls, _smtp.starttls
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(room("mail"))

# Files
MEDIA_ROOT = room("files")
STATIC_URL = "static/"
STATIC_ROOT = room("static")
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 2**20
FILE_UPLOAD_TEMP_DIR = room("uploads")
FILE_UPLOAD_HANDLERS = [
    "config.uploads.OversizeCut",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
DATA_UPLOAD_MAX_NUMBER_FILES = 1000
UPLOAD_MAX_BYTES = env.upload_max_bytes
REQUEST_MAX_BYTES = env.request_max_bytes  # all files of one request
API_REQUESTS_PER_MINUTE = env.api_requests_per_minute  # for each token; 0 is without limit

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "config.formats"
TIME_ZONE = "UTC"
USE_TZ = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "media-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
        "manifest-src": [SELF],
    }
}

LOGGING = logging_settings(json_lines=env.log == "json")
# The audit log is in the database; its lines go to a syslog server, or to whoever collects JSON, and to no terminal.
LOGGING["loggers"]["lectern.audit"] = {"level": "INFO" if env.log == "json" else "WARNING"}
if env.syslog:
    _syslog = urlsplit(env.syslog if "://" in env.syslog else f"udp://{env.syslog}")
    LOGGING["handlers"]["syslog"] = {
        "class": "logging.handlers.SysLogHandler",
        "address": (_syslog.hostname or "localhost", _syslog.port or 514),
        "socktype": socket.SOCK_STREAM if _syslog.scheme == "tcp" else socket.SOCK_DGRAM,
    }
    LOGGING["loggers"]["lectern.audit"] = {"handlers": ["syslog"], "level": "INFO", "propagate": False}
