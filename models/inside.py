"""Which addresses lie within the network of this installation: those are asked nothing on somebody's word, but what the
administrator of the server allows by ALLOWED_PRIVATE_HOSTS."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from models import config
from models.core import Say

WHY = Say(
    "Dit adres ligt binnen het netwerk van de server. Vul een adres in dat van buiten te bereiken is, of laat de beheerder van "
    "de server het toestaan met ALLOWED_PRIVATE_HOSTS."
)
_SECONDS = 3.0


def is_public(address: str) -> bool:
    one = ipaddress.ip_address(address)
    mapped = getattr(one, "ipv4_mapped", None)
    return (mapped or one).is_global and not one.is_multicast


def is_allowed(host: str, address: str = "") -> bool:
    """Whether ALLOWED_PRIVATE_HOSTS names this host, or a network in which it or its address lies."""
    allowed = config.settings().allowed_private_hosts
    host = host.lower().rstrip(".")
    return host in allowed or any(_lies_in(one, allowed) for one in (host, address) if one)


def _lies_in(address: str, allowed: tuple[str, ...]) -> bool:
    try:
        one = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    one = getattr(one, "ipv4_mapped", None) or one
    return any("/" in network and one in ipaddress.ip_network(network) for network in allowed)


def is_inside(host: str) -> bool:
    """What the host's name itself says, without asking anybody. False for what is allowed."""
    host = host.lower().rstrip(".")
    if config.settings().allow_private_feeds or is_allowed(host):
        return False
    try:
        return not is_public(host.partition("%")[0])
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


async def leads_inside(host: str) -> bool:
    """Whether all addresses that the name has now lie inside; False where nobody knows it now. Outside every unit."""
    if not host or config.settings().allow_private_feeds:
        return False
    try:
        async with asyncio.timeout(_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        return False
    addresses = {str(info[4][0]).partition("%")[0] for info in found}
    return bool(addresses) and not any(is_public(one) or is_allowed(host, one) for one in addresses)
