"""An HTTP server that only answers: reads a request, waits if told to, says 200. For measuring the client, not Mission.

`python bench/answering_server.py [--latency-ms 50]` prints its URL on one line and serves until its stdin closes.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
NO_READ_BACK = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class Answering(asyncio.Protocol):
    """One keep-alive connection; bodies are counted, not kept."""

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._head = b""
        self._body_left = 0
        self._says = TAKEN

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        while data:
            if self._body_left:
                taken = min(self._body_left, len(data))
                self._body_left -= taken
                data = data[taken:]
                if self._body_left == 0:
                    self._answer()
                continue
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, data = self._head[:end].lower(), self._head[end + 4 :]
            self._head = b""
            self._body_left = _content_length(head)
            self._says = NO_READ_BACK if head.startswith(b"get") else TAKEN
            if self._body_left == 0:
                self._answer()

    def _answer(self) -> None:
        if self._latency:
            asyncio.get_running_loop().call_later(self._latency, self._transport.write, self._says)
        else:
            self._transport.write(self._says)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":", 1)[1])
    return 0


async def serve(latency: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(latency), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency-ms", type=int, default=0)
    asyncio.run(serve(parser.parse_args().latency_ms / 1000))
