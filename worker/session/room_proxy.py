"""The room's connection and the proxies of the environment."""

from collections.abc import MutableMapping

from config.proxies import proxy_for

READ_BY_THE_ROOM_CLIENT = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
"""What LiveKit's room client (livekit 1.1.21) reads whenever it connects; it knows no NO_PROXY."""

READ_BY_ALL_OTHERS = ("ALL_PROXY", "all_proxy")


def keep_room_direct(environ: MutableMapping[str, str], url: str) -> None:
    """Hide the proxies from the room client when the LiveKit server at `url` is to be reached without one.

    Whoever else goes out from here finds the same proxy in ALL_PROXY, and knows of NO_PROXY.
    """
    if proxy_for(url) is not None:
        return
    hidden = [environ.pop(name, "") for name in READ_BY_THE_ROOM_CLIENT]
    proxy = next(filter(None, hidden), None)
    if proxy is not None:
        environ.update(dict.fromkeys(READ_BY_ALL_OTHERS, proxy))
