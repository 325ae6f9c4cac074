"""Where the service listens: the address is taken before anything else begins, or refused with what to do."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress

from migrate_transfer.core.errors import InvalidRequest

BACKLOG = 2048
"""Connections that the system keeps until the service takes them."""
ELSEWHERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""A name may stand for more kinds of addresses than the machine has."""

_WHY = {
    errno.EADDRINUSE: (
        "ADDRESS_IN_USE",
        "Another program listens on {0} already.",
        "Stop it, if it is an older service, or choose another --port.",
    ),
    errno.EADDRNOTAVAIL: (
        "ADDRESS_NOT_OURS",
        "{0} is no address of this machine.",
        "Give --host one of its own, or 0.0.0.0 for all that it has.",
    ),
    errno.EACCES: (
        "ADDRESS_NOT_ALLOWED",
        "This user may not listen on {0}.",
        "Choose a --port from 1024 on, behind a proxy that has the other, or give the service CAP_NET_BIND_SERVICE.",
    ),
}


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen there already, one for each kind of address that the name stands for. Raises InvalidRequest
    where there can be none."""
    taken: list[socket.socket] = []
    away: OSError | None = None
    for family, place in _places(host, port):
        try:
            taken.append(_listening(family, place))
        except OSError as error:
            if error.errno not in ELSEWHERE:
                _close(taken)
                raise _refused(error, host, port) from None
            away = error
    if not taken and away is not None:
        raise _refused(away, host, port)
    return taken


def _places(host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[object, ...]]]:
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError):
        raise InvalidRequest(
            f"--host: nobody here knows the name {host!s:.253}.",
            code="ADDRESS_UNKNOWN",
            remedy="Give an address of this machine, or 0.0.0.0 for all that it has.",
        ) from None
    return list(dict.fromkeys((family, place) for family, _, _, _, place in found))


def _listening(family: socket.AddressFamily, place: tuple[object, ...]) -> socket.socket:
    """Listening at once: of two services that start together, one is told."""
    sock = socket.socket(family)
    try:
        if os.name == "posix":  # elsewhere it would let two programs have one address
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(place)
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _close(sockets: list[socket.socket]) -> None:
    for one in sockets:
        with suppress(OSError):
            one.close()


def _refused(error: OSError, host: str, port: int) -> InvalidRequest:
    told = ("ADDRESS_NOT_USABLE", "The service cannot listen on {0}: {1}.", "Choose another --host or --port.")
    code, message, remedy = _WHY.get(error.errno or 0, told)
    return InvalidRequest(message.format(at(host, port), error.strerror), code=code, remedy=remedy)


def at(host: str, port: int) -> str:
    """Host and port as an address has them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
