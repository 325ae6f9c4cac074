"""`python -m migrate_etl.sandbox.mission`: runs a sandbox until it is stopped; prints one JSON line when it is up."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path

import uvicorn

from migrate_etl.sandbox.mission.app import SandboxSettings, create_app
from migrate_etl.sandbox.mission.books import Books
from migrate_etl.sandbox.mission.wire import OpenProtocol

KEY_VARIABLE = "MIGRATE_MISSION_KEY"


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT, SIGTERM or, with --until-stdin-closes, the end of stdin."""
    options = _parser().parse_args(arguments)
    key = Path(options.key_file).read_text("utf-8").strip() if options.key_file else os.environ.get(KEY_VARIABLE, "")
    if not key:
        print(f"Give the integration key in {KEY_VARIABLE} or in a file (--key-file).", file=sys.stderr)
        return 2
    settings = SandboxSettings(
        database=options.database,
        organization=options.organization,
        key=key,
        rate_limit=options.rate_limit,
        rate_window=options.rate_window,
        latency=options.latency_ms / 1000,
        read_back=not options.no_read_back,
    )
    # uvicorn hands the signal that stopped it on; as an exception it lets the books be closed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        suppress(KeyboardInterrupt),
        closing(Books(settings.database)) as books,
        socket.create_server((options.host, options.port), backlog=2048) as listener,
    ):
        _serve(settings, books, listener, options.until_stdin_closes)
    return 0


def _serve(settings: SandboxSettings, books: Books, listener: socket.socket, until_stdin_closes: bool) -> None:
    config = uvicorn.Config(
        create_app(settings, books),
        http=OpenProtocol,
        loop="asyncio",
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=600,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    if until_stdin_closes:
        threading.Thread(target=_stop_with_stdin, args=(server,), daemon=True).start()
    # The socket already listens: whoever connects from now on waits in its queue until the loop runs.
    host, port = listener.getsockname()[:2]
    print(json.dumps({"url": f"http://{host}:{port}", "organization": settings.organization}), flush=True)
    server.run(sockets=[listener])


def _stop_with_stdin(server: uvicorn.Server) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.should_exit = True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("migrate_etl.sandbox.mission", description="A Mission on this machine.")
    parser.add_argument("--database", type=Path, required=True, help="the books, a SQLite file, made if missing")
    parser.add_argument("--organization", required=True, help="slug of the organisation")
    parser.add_argument("--key-file", help=f"file with the integration key; else it is taken from {KEY_VARIABLE}")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--rate-limit", type=int, help="requests a window for each organisation; none without it")
    parser.add_argument("--rate-window", type=int, default=60, help="seconds")
    parser.add_argument("--latency-ms", type=int, default=0, help="milliseconds before each answer")
    parser.add_argument("--no-read-back", action="store_true", help="answer 404 where records would be read back")
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop when whoever started this is gone")
    return parser


if __name__ == "__main__":
    sys.exit(main())
