"""The environment, read once and typed. Every setting a person can change has its line here."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from local.home import home, read_endpoints, secret


def _flag(name: str, default: bool = False) -> bool:
    return os.environ.get(name, str(int(default))).lower() in {"1", "true", "yes", "on"}


def _number(name: str, default: int) -> int:
    return int(os.environ.get(name, default))


def _list(name: str) -> list[str]:
    return [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]


@dataclass
class Env:
    """Settings from the environment; an engine without a URL falls back to the embedded one.

    Read-only: tests alone assign to it.
    """

    home: Path = field(default_factory=home)
    debug: bool = field(default_factory=lambda: _flag("LECTERN_DEBUG"))
    hosts: list[str] = field(default_factory=lambda: _list("LECTERN_HOSTS"))
    public_url: str = field(default_factory=lambda: os.environ.get("LECTERN_PUBLIC_URL", ""))
    secret_key: str = field(default_factory=lambda: os.environ.get("LECTERN_SECRET_KEY") or secret("django"))

    database_url: str = field(
        default_factory=lambda: os.environ.get("DATABASE_URL") or read_endpoints().get("database_url", "")
    )
    redis_url: str = field(default_factory=lambda: os.environ.get("REDIS_URL") or read_endpoints().get("redis_url", ""))

    llm_url: str = field(
        default_factory=lambda: os.environ.get("LECTERN_LLM_URL") or read_endpoints().get("llm_url", "")
    )
    llm_key: str = field(
        default_factory=lambda: (
            os.environ.get("LECTERN_LLM_KEY")
            or ("" if os.environ.get("LECTERN_LLM_URL") else read_endpoints().get("llm_key", ""))
        )
    )
    llm_model: str = field(default_factory=lambda: os.environ.get("LECTERN_LLM_MODEL", ""))
    llm_window_tokens: int = field(default_factory=lambda: _number("LECTERN_LLM_WINDOW", 32768))
    vision_llm: str = field(default_factory=lambda: os.environ.get("LECTERN_VISION_LLM", ""))
    audio_llm: str = field(default_factory=lambda: os.environ.get("LECTERN_AUDIO_LLM", ""))
    read_ahead_tokens: int = field(default_factory=lambda: _number("LECTERN_READ_AHEAD_TOKENS", 16000))
    slots_max_bytes: int = field(default_factory=lambda: _number("LECTERN_SLOTS_MAX_MIB", 4096) * 2**20)
    slots_max_days: int = field(default_factory=lambda: _number("LECTERN_SLOTS_MAX_DAYS", 30))
    embedder_self_hosted: bool = field(default_factory=lambda: _flag("LECTERN_EMBEDDER_SELF_HOSTED"))
    embedder: str = field(default_factory=lambda: os.environ.get("LECTERN_EMBEDDER", "all-MiniLM-L6-v2"))

    upload_max_bytes: int = field(default_factory=lambda: _number("LECTERN_UPLOAD_MAX_MIB", 200) * 2**20)
    request_max_bytes: int = field(default_factory=lambda: _number("LECTERN_REQUEST_MAX_MIB", 2048) * 2**20)
    repository_max_bytes: int = field(default_factory=lambda: _number("LECTERN_REPOSITORY_MAX_MIB", 2048) * 2**20)
    repository_max_files: int = field(default_factory=lambda: _number("LECTERN_REPOSITORY_MAX_FILES", 100_000))
    snapshots_kept: int = field(default_factory=lambda: _number("LECTERN_SNAPSHOTS_KEPT", 10))
    git_private: bool = field(default_factory=lambda: _flag("LECTERN_GIT_PRIVATE"))
    hooks_private: bool = field(default_factory=lambda: _flag("LECTERN_HOOKS_PRIVATE"))
    git_http: bool = field(default_factory=lambda: _flag("LECTERN_GIT_HTTP"))
    git_timeout_seconds: int = field(default_factory=lambda: _number("LECTERN_GIT_TIMEOUT_SECONDS", 900))
    page_limit: int = field(default_factory=lambda: _number("LECTERN_PAGE_LIMIT", 5000))
    recording_limit_minutes: int = field(default_factory=lambda: _number("LECTERN_RECORDING_LIMIT_MINUTES", 600))
    parse_memory_bytes: int = field(default_factory=lambda: _number("LECTERN_PARSE_MEMORY_MIB", 4096) * 2**20)
    parse_stall_seconds: int = field(default_factory=lambda: _number("LECTERN_PARSE_STALL_SECONDS", 90))
    lease_seconds: int = field(default_factory=lambda: _number("LECTERN_LEASE_SECONDS", 60))
    patience_seconds: int = field(default_factory=lambda: _number("LECTERN_PATIENCE_SECONDS", 45))
    sweep_patience_seconds: int = field(default_factory=lambda: _number("LECTERN_SWEEP_PATIENCE_SECONDS", 600))
    signup_open: bool = field(default_factory=lambda: _flag("LECTERN_SIGNUP", True))
    workspace_grace_days: int = field(default_factory=lambda: _number("LECTERN_WORKSPACE_GRACE_DAYS", 14))
    api_requests_per_minute: int = field(default_factory=lambda: _number("LECTERN_API_REQUESTS_PER_MINUTE", 1200))
    syslog: str = field(default_factory=lambda: os.environ.get("LECTERN_SYSLOG", ""))
    email_url: str = field(default_factory=lambda: os.environ.get("LECTERN_SMTP_URL", ""))
    email_from: str = field(default_factory=lambda: os.environ.get("LECTERN_EMAIL_FROM", "lectern@localhost"))
    email_confirmed: bool = field(
        default_factory=lambda: _flag("LECTERN_EMAIL_CONFIRMED", bool(os.environ.get("LECTERN_SMTP_URL")))
    )
    second_factor: bool = field(default_factory=lambda: _flag("LECTERN_SECOND_FACTOR"))

    log: str = field(default_factory=lambda: os.environ.get("LECTERN_LOG", "text"))
    metrics_token: str = field(default_factory=lambda: os.environ.get("LECTERN_METRICS_TOKEN", ""))
    traces_url: str = field(default_factory=lambda: os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""))


env = Env()
