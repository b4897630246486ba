"""Checks where the key may be sent, before any request."""

import hashlib
import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from leads_assets.engine.errors import ConfigurationError

_NAME = "the setting `base_url`"
_HOST = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")
_IPV6 = re.compile(r"[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")
_PATH = re.compile(r"(/[A-Za-z0-9._~%!$&'()*+,;=:@-]*)*")
_LONGEST_SHOWN = 100
_KEY_PART = 8
_PUNCTUATION = re.compile(r"[^a-z0-9]")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def checked_base_url(text: str) -> str:
    """Return the base URL without a trailing slash. Raises ConfigurationError if sending the key there is not safe."""
    parts = _split(text.strip())
    if parts is None or parts.scheme not in ("http", "https") or not _is_host(parts.hostname or ""):
        raise ConfigurationError(f"{_NAME} must be an address like https://api.example.com/v2")
    if "@" in parts.netloc or parts.query or parts.fragment or not _PATH.fullmatch(parts.path):
        raise ConfigurationError(f"{_NAME} must be scheme, host and path only: no user name, no `?`, no `#`")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ConfigurationError(f"{_NAME} is plain http to {parts.hostname}, which would show the key; use https")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def account_of(base_url: str) -> str:
    """A name for the account behind a checked base URL: a hash of host and path, never of the key.

    The port is part of it except on loopback, where a demo API or a tunnel listens on another port each time.
    """
    parts = urlsplit(base_url)
    host, port = parts.hostname or "", parts.port or {"http": 80, "https": 443}[parts.scheme]
    place = host if is_loopback(host) else f"{host}:{port}"
    return hashlib.blake2b(f"{place}{parts.path.rstrip('/')}".encode(), digest_size=16).hexdigest()


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        return parts if parts.port is None or parts.port else None
    except ValueError:  # a port or an IPv6 address that is none
        return None


def _is_host(host: str) -> bool:
    return bool(_HOST.fullmatch(host) or _IPV6.fullmatch(host))


def may_be_shown(host: str, key: str) -> bool:
    """Whether a message may show a host name that a server sent: it is short, plain, and holds no part of the key."""
    if len(host) > _LONGEST_SHOWN or not _is_host(host):
        return False
    key, host = (_PUNCTUATION.sub("", text.lower()) for text in (key, host))
    return not any(key[start : start + _KEY_PART] in host for start in range(max(1, len(key) - _KEY_PART + 1)))


def is_loopback(host: str) -> bool:
    """Whether requests to this host stay on this machine: it is a loopback address, or `localhost`."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked_key(key: str) -> str:
    """Return the key. Raises ConfigurationError if no header can carry it."""
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise ConfigurationError("the setting `api_key` is empty, or holds a character that no header can carry")
    return key


def checked_header(name: str) -> str:
    """Return the name of the key's header. Raises ConfigurationError if it is no valid header name."""
    if not _HEADER.fullmatch(name):
        raise ConfigurationError("the name of the key's header must be one word")
    return name
