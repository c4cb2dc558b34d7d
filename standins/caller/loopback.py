"""Keeps a room on this machine away from HTTP proxies."""

import ipaddress
import os
from urllib.parse import urlsplit

# The room client reads these when it connects, and knows no list of exceptions such as NO_PROXY.
PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy")


def is_loopback(url: str) -> bool:
    """Whether an address never leaves this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def keep_direct(url: str) -> None:
    """Takes the proxies out of this process's environment if the address is a loopback one."""
    if is_loopback(url):
        for name in PROXIES:
            os.environ.pop(name, None)
