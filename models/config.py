"""Every environment variable Poort reads, parsed loudly: nonsense stops the start with a sentence that says what is wrong."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import ipaddress
import os
import re
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

_SECRET_MIN = 32  # characters: 32 of base64url are 192 bits


class ConfigError(SystemExit):
    """A setting that cannot be used; ends the process with its message and exit status 2."""

    def __init__(self, message: str) -> None:
        super().__init__(2)
        self.message = message

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Setting:
    """One line of the README's table: its name, default and meaning."""

    name: str
    default: str
    meaning: str


SETTINGS = (
    Setting("DATABASE_URL", "sqlite:///var/poort.db", "or `postgresql://user:password@host/name`"),
    Setting("QUEUE_URL", "sqlite:///var/queue.db", "or `redis://host:6379/0`"),
    Setting("STORAGE_URL", "file:var/files", "a folder, or `s3://bucket?endpoint=…&region=…`"),
    Setting(
        "SMTP_URL",
        "",
        "`smtp://user:pass@host:587?starttls=1`, `smtps://…`; without it messages become files in `var/mail`",
    ),
    Setting(
        "SECRET_KEY",
        "",
        "signs sessions and links, encrypts secrets; comma-separated to rotate: first writes, all read",
    ),
    Setting(
        "FILES_KEY",
        "",
        "encrypts the stored files; comma-separated to rotate: first writes, all read (then `encrypt-files`)",
    ),
    Setting("BASE_URL", "http://127.0.0.1:8000", "the address people use; links in mails start with it"),
    Setting("MAIL_FROM", "", "the sender's address; without it `poort@` and the host of BASE_URL"),
    Setting("TRUSTED_PROXIES", "", "addresses or networks whose `X-Forwarded-*` is believed, comma-separated"),
    Setting("ALLOW_PRIVATE_FEEDS", "0", "for tests: servers on private addresses may be asked"),
    Setting(
        "ALLOWED_PRIVATE_HOSTS",
        "",
        "hosts, addresses or networks within your own network to which webhooks and the time-stamp authority may lead, comma-separated",
    ),
    Setting(
        "DNS_SERVER",
        "",
        "the name server that the check of the sender's domain asks, as host:port; without it the system's",
    ),
    Setting(
        "CLAMD_URL",
        "",
        "`tcp://host:3310` or `unix:///path`: the ClamAV daemon that looks at every file; until then nobody opens it",
    ),
    Setting("METRICS_TOKEN", "", "lets `/metrics` be read from elsewhere than loopback, as a bearer token"),
    Setting(
        "SQLITE_SYNCHRONOUS",
        "NORMAL",
        "`FULL` also survives a power cut to the last commit, at the price of slower writes",
    ),
    Setting("MAX_UPLOAD_MB", "10240", "the largest file that is taken in, in MiB"),
    Setting("POORT_VAR", "var", "the folder for everything embedded: database, queue, documents, kept mail"),
    Setting(
        "POORT_ENV",
        "",
        "`development` adds /styleguide; without it that holds for a BASE_URL on loopback, else `production`",
    ),
)


@dataclass(frozen=True)
class Config:
    """The settings of this process. `var` is the folder for everything embedded."""

    database_url: str
    queue_url: str
    storage_url: str
    smtp_url: str
    secret_keys: tuple[str, ...]
    files_keys: tuple[str, ...]
    base_url: str
    mail_from: str
    trusted_proxies: tuple[str, ...]
    allow_private_feeds: bool
    allowed_private_hosts: tuple[str, ...]
    dns_server: str
    clamd_url: str
    metrics_token: str
    sqlite_synchronous: str
    max_upload: int
    development: bool
    var: Path

    @property
    def is_secure(self) -> bool:
        return self.base_url.startswith("https://")

    @property
    def key_fingerprint(self) -> str:
        """Names the writing key without giving it away: for backups, to say that another key is needed."""
        return self.key_fingerprints[0]

    @property
    def key_fingerprints(self) -> list[str]:
        """Of all keys that read."""
        return [hashlib.sha256(b"poort key fingerprint" + key.encode()).hexdigest()[:16] for key in self.secret_keys]


@functools.cache
def settings() -> Config:
    return read(os.environ)


def reset() -> None:
    """Read the environment again at the next use; for tests."""
    settings.cache_clear()


def read(environ: Mapping[str, str]) -> Config:
    """Parse the settings out of `environ`.

    Raises:
        ConfigError: naming the setting and what is wrong with it.
    """

    def text(name: str) -> str:
        if file := environ.get(f"{name}_FILE"):
            try:
                content = Path(file).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ConfigError(f"{name}_FILE: {file} kan niet worden gelezen ({error.strerror}).") from error
            if not content:
                raise ConfigError(f"{name}_FILE: {file} is leeg.")
            return content
        default = next(s.default for s in SETTINGS if s.name == name)
        return environ.get(name, "").strip() or default

    var = Path(environ.get("POORT_VAR", "var")).absolute()
    base_url = text("BASE_URL").rstrip("/")
    base = _require_url("BASE_URL", base_url, ("http", "https"))
    if base.path or base.query or base.fragment or base.username:
        raise ConfigError(f"BASE_URL: “{base_url}” is meer dan een adres als https://portaal.uwkantoor.nl")
    host = base.hostname or "localhost"
    return Config(
        database_url=_database(text("DATABASE_URL"), var),
        queue_url=_queue(text("QUEUE_URL"), var),
        storage_url=_storage(text("STORAGE_URL"), var),
        smtp_url=_smtp(text("SMTP_URL")),
        secret_keys=_secret_keys(text("SECRET_KEY"), var),
        files_keys=_files_keys(text("FILES_KEY")),
        base_url=base_url,
        mail_from=_mail_from(text("MAIL_FROM")) or f"poort@{host}",
        trusted_proxies=_networks(text("TRUSTED_PROXIES")),
        allow_private_feeds=_yes_no("ALLOW_PRIVATE_FEEDS", text("ALLOW_PRIVATE_FEEDS")),
        allowed_private_hosts=_hosts("ALLOWED_PRIVATE_HOSTS", text("ALLOWED_PRIVATE_HOSTS")),
        dns_server=_host_and_port("DNS_SERVER", text("DNS_SERVER")),
        clamd_url=_clamd(text("CLAMD_URL")),
        metrics_token=text("METRICS_TOKEN"),
        sqlite_synchronous=_one_of(
            "SQLITE_SYNCHRONOUS", text("SQLITE_SYNCHRONOUS").upper(), ("NORMAL", "FULL", "EXTRA")
        ),
        max_upload=_whole("MAX_UPLOAD_MB", text("MAX_UPLOAD_MB"), 1, 1_000_000) * 1024 * 1024,
        development=_is_development(text("POORT_ENV"), host),
        var=var,
    )


def _host_and_port(name: str, value: str) -> str:
    host, _, port = value.rpartition(":")
    if value and not (host and port.isdecimal() and 0 < int(port) < 65536):
        raise ConfigError(f"{name}: “{value}” is geen adres met een poort, zoals 127.0.0.1:53.")
    return value


def _clamd(value: str) -> str:
    if not value:
        return ""
    url = _require_url("CLAMD_URL", value, ("tcp", "unix"))
    if url.scheme == "unix" and (url.netloc or not url.path.strip("/")):
        raise ConfigError(f"CLAMD_URL: schrijf unix:///pad/naar/clamd.ctl met drie strepen, niet “{value}”.")
    if url.scheme == "tcp" and not (url.hostname and url.port):
        raise ConfigError(f"CLAMD_URL: “{value}” is geen adres met een poort, zoals tcp://127.0.0.1:3310.")
    return value


def _mail_from(value: str) -> str:
    if value and not re.fullmatch(r"[^@\s<>,;:\"]+@[^@\s<>,;:\"]+", value):
        raise ConfigError(f"MAIL_FROM: “{value}” is geen mailadres (alleen het adres, zonder naam).")
    return value


def stop_on_nonsense() -> None:
    """For entry points: say what is wrong on standard error and end with status 2."""
    try:
        settings()
    except ConfigError as error:
        print(f"Poort start niet: {error}", file=sys.stderr)
        raise


def _require_url(name: str, value: str, schemes: tuple[str, ...]):  # type: ignore[no-untyped-def]
    try:
        url = urlsplit(value)
        url.port  # noqa: B018  raises for nonsense
    except ValueError as error:
        raise ConfigError(f"{name}: “{value}” is geen adres ({error}).") from error
    if url.scheme not in schemes:
        raise ConfigError(f"{name}: “{value.split('@')[-1]}” moet beginnen met {' of '.join(s + ':' for s in schemes)}")
    if url.scheme in ("http", "https", "redis", "rediss", "smtp", "smtps") and not url.hostname:
        raise ConfigError(f"{name}: in “{value}” ontbreekt de naam van de server.")
    return url


def _database(value: str, var: Path) -> str:
    url = _require_url("DATABASE_URL", value, ("sqlite", "postgres", "postgresql"))
    if url.scheme != "sqlite":
        return value
    _no_host("DATABASE_URL", url.netloc)
    return f"sqlite:///{_embedded_path('DATABASE_URL', url.path, var)}"


def _no_host(name: str, host: str) -> None:
    if host:
        raise ConfigError(f"{name}: schrijf sqlite:/// met drie strepen, niet sqlite://{host}…")


def _queue(value: str, var: Path) -> str:
    url = _require_url("QUEUE_URL", value, ("sqlite", "redis", "rediss"))
    if url.scheme != "sqlite":
        if url.path.strip("/") and not url.path.strip("/").isdecimal():
            raise ConfigError(f"QUEUE_URL: achter de server staat het nummer van de database, niet “{url.path}”.")
        return value
    _no_host("QUEUE_URL", url.netloc)
    return f"sqlite:///{_embedded_path('QUEUE_URL', url.path, var)}"


def _embedded_path(name: str, path: str, var: Path) -> Path:
    """`/var/poort.db` of `sqlite:///var/poort.db` is relative (to the folder of `var`), `//abs/poort.db` absolute."""
    relative = path.removeprefix("/")
    if not relative:
        raise ConfigError(f"{name}: er staat geen bestandsnaam achter sqlite:///")
    if relative.startswith("/"):
        return Path(relative)
    if len(Path(path).parts) > 2 and Path(path).parent.is_dir() and not relative.startswith("var/"):
        return Path(path)  # sqlite:///tmp/x.db with an existing /tmp: people write it so for absolute paths too
    return var / relative.removeprefix("var/") if relative.startswith("var/") else Path.cwd() / relative


def _storage(value: str, var: Path) -> str:
    url = _require_url("STORAGE_URL", value, ("file", "s3"))
    if url.scheme == "s3":
        if not url.netloc:
            raise ConfigError("STORAGE_URL: er staat geen bucket achter s3://")
        return value
    path = url.path
    if not path:
        raise ConfigError("STORAGE_URL: er staat geen map achter file:")
    if path.startswith("/"):
        return f"file://{path}"
    return f"file://{var / path.removeprefix('var/')}"


def _smtp(value: str) -> str:
    if value:
        url = _require_url("SMTP_URL", value, ("smtp", "smtps"))
        for name, asked in parse_qsl(url.query, keep_blank_values=True):
            known = {"starttls": ("0", "1"), "timeout": range(1, 601), "connections": range(1, 51)}.get(name)
            if known is None:
                raise ConfigError(f"SMTP_URL: “{name}” is geen mogelijkheid; er zijn starttls, timeout en connections.")
            if asked not in map(str, known):
                raise ConfigError(f"SMTP_URL: {name}={asked} kan niet; kies uit {known[0]} tot en met {known[-1]}.")
    return value


def _secret_keys(value: str, var: Path) -> tuple[str, ...]:
    if value:
        keys = tuple(key.strip() for key in value.split(","))
        if any(len(key) < _SECRET_MIN for key in keys):
            raise ConfigError(f"SECRET_KEY: elke sleutel telt ten minste {_SECRET_MIN} tekens.")
        return keys
    file = var / "secret_key"
    if not file.exists():
        var.mkdir(parents=True, exist_ok=True)
        fresh = var / f"secret_key.{os.getpid()}"
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(48), encoding="ascii")
        with contextlib.suppress(FileExistsError):
            os.link(fresh, file)  # whole or not at all, and only the first of two starters wins
        fresh.unlink()
    return (file.read_text(encoding="ascii").strip(),)


def _files_keys(value: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in value.split(",")) if value else ()
    if any(len(key) < _SECRET_MIN for key in keys):
        raise ConfigError(f"FILES_KEY: elke sleutel telt ten minste {_SECRET_MIN} tekens.")
    return keys


def _networks(value: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in value.split(",") if part.strip())
    for name in names:
        try:
            ipaddress.ip_network(name, strict=False)
        except ValueError as error:
            raise ConfigError(f"TRUSTED_PROXIES: “{name}” is geen adres of netwerk.") from error
    return names


def _hosts(name: str, value: str) -> tuple[str, ...]:
    """Networks as such (an address is one of its own), host names in small letters."""
    found = []
    for part in (part.strip().lower().rstrip(".") for part in value.split(",")):
        if not part:
            continue
        try:
            found.append(str(ipaddress.ip_network(part.strip("[]"), strict=False)))
        except ValueError:
            if not re.fullmatch(r"(?=.*[a-z])[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?", part):
                raise ConfigError(f"{name}: “{part}” is geen naam van een server, adres of netwerk.") from None
            found.append(part)
    return tuple(found)


def _is_development(value: str, host: str) -> bool:
    if not value:
        return host in ("127.0.0.1", "localhost", "::1")
    return _one_of("POORT_ENV", value, ("production", "development")) == "development"


def _yes_no(name: str, value: str) -> bool:
    return _one_of(name, value, ("0", "1")) == "1"


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ConfigError(f"{name}: “{value}” kan niet; kies uit {', '.join(choices)}.")
    return value


def _whole(name: str, value: str, least: int, most: int) -> int:
    if not value.isdecimal() or not least <= int(value) <= most:
        raise ConfigError(f"{name}: “{value}” is geen geheel getal van {least} tot {most}.")
    return int(value)
