"""Connections to public addresses alone: what is checked is the address that is connected to, each time anew.

A name that leads somewhere else a moment later, or a redirect, is thus checked like the first address.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from analysis.errors import UserError
from analysis.ingest.unpack import messages

CONNECT_SECONDS, READ_SECONDS = 20, 60
_MOST_REDIRECTS = 3
# Each holds IPv4 addresses in its last four bytes.
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))


def is_public(address: str) -> bool:
    """Return whether the IP address is one of the public network, whatever it is wrapped in."""
    ip = ip_address(address.partition("%")[0])
    return all(one.is_global and not (one.is_multicast or one.is_reserved) for one in _meant(ip))


def _meant(ip: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """Return the address, or the IPv4 addresses that it stands for."""
    if isinstance(ip, IPv4Address):
        return [ip]
    inner = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    inner += [IPv4Address(int(ip) & 0xFFFFFFFF) for network in _TRANSLATED if ip in network and int(ip) > 1]
    return [one for one in inner if one is not None] or [ip]


def pool(*, private: bool, http: bool, authority: str = "", public: bool = True) -> urllib3.PoolManager:
    """Return what connects to public addresses, with `private` to any; by http too if it is allowed.

    public: False for what may connect to private addresses alone.
    authority: a file of certificates to trust, in place of the usual ones.
    """
    manager = urllib3.PoolManager(
        ca_certs=authority or certifi.where(),
        timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        retries=urllib3.Retry(connect=1, read=0, redirect=_MOST_REDIRECTS),
    )
    manager.pool_classes_by_scheme = {
        "https": _pool_class(HTTPSConnectionPool, HTTPSConnection, private, public),
        "http": _pool_class(HTTPConnectionPool, HTTPConnection, private, public) if http else _Refused,
    }
    return manager


class _Refused(HTTPConnectionPool):
    """Where a redirect leads that is not followed."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise UserError(messages.LEADS_AWAY, code="bad_url")


def _pool_class(pool_class: type[Any], connection_class: type[Any], private: bool, public: bool) -> type[Any]:
    class Connection(connection_class):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            return _connected(self._dns_host, self.port, self.timeout, private, public)

    return type("Pool", (pool_class,), {"ConnectionCls": Connection})


def _connected(host: str, port: int, timeout: Any, private: bool, public: bool) -> socket.socket:
    """Return a socket to one of the host's addresses. Raises UserError when one of them is of the wrong kind."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise UserError(messages.NO_HOST, code="not_found") from error
    if not private and not all(is_public(str(place[4][0])) for place in found):
        raise UserError(messages.PRIVATE, code="private_address")
    if not public and any(is_public(str(place[4][0])) for place in found):
        raise UserError(messages.PUBLIC, code="egress_refused")
    for family, kind, protocol, _, place in found:
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(timeout if isinstance(timeout, int | float) else CONNECT_SECONDS)
        try:
            connection.connect(place)
        except OSError:
            connection.close()
            continue
        return connection
    raise UserError(messages.NO_ANSWER, code="no_answer")
