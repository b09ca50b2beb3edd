"""A real name server on loopback that answers from a table: for the check of a sender's domain."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

Zone = dict[tuple[str, str], list[str] | str]
"""(name, type) > the values, as a zone file has them; or the code that is answered ("SERVFAIL"), or "silence"."""


class _Server(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.asked: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), question.rdtype.name
        self.asked.append(name)
        reply = dns.message.make_response(query)
        found = self.zone.get((name, kind))
        if found == "silence":
            return
        if isinstance(found, str):
            reply.set_rcode(dns.rcode.from_text(found))
        elif found:
            reply.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, found))
        elif not any(known == name for known, _ in self.zone):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(reply.to_wire(max_size=65000), address)  # type: ignore[attr-defined]


@contextlib.asynccontextmanager
async def naming(zone: Zone) -> AsyncIterator[_Server]:
    """`server.address` is what DNS_SERVER is to be."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: _Server(zone), local_addr=("127.0.0.1", 0))
    host, port = transport.get_extra_info("sockname")
    server.address = f"{host}:{port}"  # type: ignore[attr-defined]
    try:
        yield server
    finally:
        transport.close()
