"""A serprog server in a thread of its own, for clients in tests."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from tantala.chip.serprog import Server
from tantala.chip.spi import Slave


@contextlib.contextmanager
def serving(slave: Slave, **options: float) -> Iterator[tuple[Server, int]]:
    """(server, port) while it serves; whatever goes wrong in its loop is raised at the end."""
    server = Server(slave, **options)
    loop, faults = asyncio.new_event_loop(), []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    port = loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server, port
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
    assert not faults, faults


async def _end(server: Server) -> None:
    await server.close()
    await asyncio.sleep(0)  # connections are told in the next turn
