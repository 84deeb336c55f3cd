# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies bytes from sockets that listen in one network to the same ports of another. Run as a script.

    forward.py '[26443, 28080]'

The listening sockets are inherited; they are found among the open descriptors by the port they are bound to.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import socket
import sys


def inherited(ports: list[int]) -> dict[int, socket.socket]:
    found: dict[int, socket.socket] = {}
    for name in os.listdir("/proc/self/fd"):
        if int(name) < 3:
            continue
        try:
            listener = socket.socket(fileno=os.dup(int(name)))
            port = listener.getsockname()[1]
        except (OSError, IndexError, TypeError):
            continue  # some other descriptor
        if port in ports:
            found[port] = listener
    missing = set(ports) - set(found)
    if missing:
        sys.exit(f"no socket was handed over for {sorted(missing)}")
    return found


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        # Half-closed: the other direction may still have much to say.
        if writer.can_write_eof():
            writer.write_eof()
    except ConnectionError:
        # One side was reset. The other would wait for ever for what does not come any more.
        writer.transport.abort()


async def connect(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        writer.transport.abort()
        return
    try:
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
    finally:
        for side in (writer, far_writer):
            side.close()


async def main() -> None:
    servers = []
    for port, listener in inherited(json.loads(sys.argv[1])).items():
        servers.append(await asyncio.start_server(functools.partial(connect, port), sock=listener))
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main())
