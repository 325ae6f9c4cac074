"""A server that speaks SQL Server's protocol (TDS 7.4, and 8.0 where asked for) on loopback and answers from a real
PostgreSQL.

T-SQL is translated with sqlglot, so what is no T-SQL is refused; rows, types, rights, locks and snapshots are
PostgreSQL's, names are told apart by case. `line` knows packets and TLS, `login` the first two messages, `tokens` and
`types` what is sent, `answers` whole results, `tsql` the language, `calls` a procedure, `session` what is answered,
`thin` a server that has little but SQLite, `server` listens.
"""

from tests.fakes.tds.server import serve
from tests.fakes.tds.settings import TdsServer, Trouble

__all__ = ["TdsServer", "Trouble", "serve"]
