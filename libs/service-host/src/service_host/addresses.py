"""Addresses as host:port; kept apart from settings, whose libraries clients can do without."""

from __future__ import annotations

from ipaddress import ip_address

_LAST_PORT = 65535


def split_address(address: str) -> tuple[str, int]:
    """``host:port`` or ``[v6]:port`` as its two parts; ValueError with one sentence otherwise."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > _LAST_PORT:
        sentence = "must be host:port, with port 0 for a free one"
        raise ValueError(sentence)
    return host.strip("[]"), int(port)


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach ``address`` (host:port)."""
    host, _ = split_address(address)
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
