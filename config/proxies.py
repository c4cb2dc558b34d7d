"""HTTP proxies from the environment; loopback addresses are never proxied."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

LOOPBACK = ("localhost", "127.0.0.1", "::1")

SCHEMES = {"ws": "http", "wss": "https"}
"""WebSockets go through the proxy of the HTTP scheme that they begin with (RFC 6455, section 4.1)."""


def proxy_for(url: str) -> str | None:
    """Return the proxy for `url` from HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, or None."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    return proxies.get(SCHEMES.get(parts.scheme, parts.scheme)) or proxies.get("all")


def is_loopback(host: str) -> bool:
    """Return whether `host` (a name or an address) is this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def without_loopback(environ: Mapping[str, str]) -> dict[str, str]:
    """Return NO_PROXY in both spellings, as `environ` has it and with this machine added."""
    named = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    hosts = [host for host in (part.strip() for part in named.split(",")) if host]
    hosts += [host for host in LOOPBACK if host not in hosts]
    return {"NO_PROXY": ",".join(hosts), "no_proxy": ",".join(hosts)}
