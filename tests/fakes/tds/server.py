"""The listener: who may log in, and by which kinds of message a connection goes on."""

from __future__ import annotations

import socketserver
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg

from tests.fakes.tds.calls import called, name_of_call
from tests.fakes.tds.line import ATTENTION, CALL, LOGIN, PRELOGIN, SQL_BATCH, TRANSACTION, Line
from tests.fakes.tds.login import (
    SESSION_RECOVERY,
    Encryption,
    Login,
    agreed_encryption,
    asked_encryption,
    prelogin_answer,
    read_login,
)
from tests.fakes.tds.session import Session
from tests.fakes.tds.settings import TdsServer
from tests.fakes.tds.thin import ThinSession, open_database
from tests.fakes.tds.tokens import CANCELLED, FAILED, VERSION, done, error, logged_in, recoverable, refused, sent_on


@contextmanager
def serve(server: TdsServer) -> Iterator[TdsServer]:
    """Run until the block ends; the port is `server.port`."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            server.sockets.append(self.request)
            try:
                _Connection(Line(self.request), server).run()
            except ssl.SSLError:
                server.refused_certificates += 1
            except (ConnectionError, EOFError):
                return

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Listener(("127.0.0.1", 0), Handler) as listener:
        server.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            listener.shutdown()
            thread.join()


class _Connection:
    def __init__(self, line: Line, server: TdsServer) -> None:
        self.line, self.server = line, server

    def run(self) -> None:
        encryption = self._agree()
        login = read_login(self._expect(LOGIN))
        if encryption == "login":
            self.line.stop_tls()
        if self.server.stalls_at_login:
            self.server.ended.wait()
            return
        if not self._admitted(login):
            return
        self.server.seen.append(login)
        self.server.encrypted.append(encryption)
        packet_size = self.server.packet_size or login.packet_size
        welcome = logged_in(login.database or "RockDB", packet_size, login.version, self.server.product)
        if login.read_only and self.server.readable_replica is not None:
            self.line.send(welcome + sent_on(self.server.readable_replica) + done())
            return
        self.line.send(welcome + (recoverable() if SESSION_RECOVERY in login.features else b"") + done())
        self.line.packet_size = packet_size
        if self.server.sqlite is not None:
            with closing(open_database(self.server.sqlite)) as file:
                self._go_on(ThinSession(self.server, file))
            return
        conninfo = psycopg.conninfo.make_conninfo(self.server.conninfo, user=login.user, password=login.password)
        with psycopg.connect(conninfo, autocommit=True) as database:
            self._go_on(Session(self.server, database))

    def _go_on(self, session: Session | ThinSession) -> None:
        while self._answer(session):
            pass

    def _agree(self) -> Encryption:
        """TDS 8.0 begins with TLS, TDS 7 asks for it."""
        strict = self.line.begins_with_tls()
        if strict:
            if self.server.certificate is None:
                raise EOFError
            self.server.certificate.set_alpn_protocols(["tds/8.0"])
            self.line.start_tls(self.server.certificate, in_packets=False)
        asked = asked_encryption(self._expect(PRELOGIN))
        answer, encryption = agreed_encryption(asked, "all" if strict else self.server.encryption)
        self.line.send(prelogin_answer(answer, VERSION))
        if not strict and encryption != "none":
            assert self.server.certificate is not None
            self.line.start_tls(self.server.certificate, in_packets=True)
        return encryption

    def _expect(self, wanted: int) -> bytes:
        kind, data = self.line.receive()
        if kind != wanted:
            raise EOFError
        return data

    def _admitted(self, login: Login) -> bool:
        failed = error(18456, f"Login failed for user '{login.user}'.", 14) + done(FAILED)
        if self.server.logins.get(login.user) != login.password:
            self.server.refused_logins += 1
            self.line.send(failed)
            return False
        if login.database and login.database not in self.server.databases:
            text = f'Cannot open database "{login.database}" requested by the login. The login failed.'
            self.line.send(error(4060, text, 11) + failed)
            return False
        return True

    def _answer(self, session: Session | ThinSession) -> bool:
        """Whether the connection lives on."""
        kind, data = self.line.receive()
        if kind == ATTENTION:
            self.server.attentions += 1
            self.line.send(done(CANCELLED))
            return True
        headers, said = data[: _headers(data)], data[_headers(data) :]
        if kind == CALL:
            name = name_of_call(said)
            self.server.calls.append(name)
            odd = self.server.oddness(name)
            self.line.send(refused(odd, "Odd.") if isinstance(odd, int) else called(said))
            return odd != "closes"
        if kind == TRANSACTION:
            self.line.send(session.manage(said))
            return True
        if kind != SQL_BATCH:
            raise EOFError
        answer = session.answer(said.decode("utf-16le").strip(), headers)
        if session.tabular:
            self.server.answers += 1
            if self.server.answers == self.server.hang_up_after:
                self.line.send_half(answer)
                return False
            if self.server.answers in self.server.stalls:
                if self.server.stalls[self.server.answers] == "within":
                    self.line.send_half(answer)
                self.server.ended.wait()
                return False
        self.line.send(answer)
        return not session.killed


def _headers(data: bytes) -> int:
    (length,) = struct.unpack_from("<I", data)
    return int(length)
