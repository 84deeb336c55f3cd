# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The port to PostgreSQL: sessions that run SQL, and errors that keep their SQLSTATE."""

from __future__ import annotations

import contextlib
import typing as t

from .._common.errors import Forbidden, ReleaseError, Unavailable
from .._common.operation import Context
from . import login as _login
from .login import Login

try:
    import psycopg

    HAS_PSYCOPG = True
except ImportError:
    HAS_PSYCOPG = False

Row = tuple[t.Any, ...]
# The longest that a server shows of an application's name (NAMEDATALEN - 1).
NAME_LENGTH = 63
# A peer that vanished without a word is noticed within a
# minute: its locks and ours must not outlive it by hours.
_KEEPALIVE = {"keepalives_idle": "20", "keepalives_interval": "10", "keepalives_count": "4"}


class DatabaseError(ReleaseError):
    """The server refused a statement.

    :ivar sqlstate: the five characters of its class and condition
        (manual, appendix A); empty where no server answered.
    """

    def __init__(self, what: str, sqlstate: str = "", **more: t.Any) -> None:
        super().__init__(what, **more)
        self.sqlstate = sqlstate


class Unreachable(DatabaseError, Unavailable):
    """No connection could be made, or the one there was is gone."""


class Session(t.Protocol):
    """One connection, outside a transaction unless ``transaction`` opens one."""

    def rows(self, sql: str, parameters: t.Sequence[t.Any] = ()) -> list[Row]:
        """What a query answers; an empty list for a statement that answers nothing."""

    def value(self, sql: str, parameters: t.Sequence[t.Any] = ()) -> t.Any:
        """The first column of the only row."""

    def execute(self, sql: str, parameters: t.Sequence[t.Any] = ()) -> None:
        """Runs a statement, or several in one text where there are no parameters."""

    def transaction(self) -> contextlib.AbstractContextManager[t.Any]:
        """Committed at the end of the block, rolled back when it raises."""

    def cancel(self) -> None:
        """Ends the statement that another thread runs on this session."""

    def close(self) -> None:
        """Ends it, and everything it holds."""


class Server(t.Protocol):
    """Where sessions come from."""

    login: Login

    def session(
        self, database: str = "", *, options: t.Mapping[str, str] | None = None, name: str = ""
    ) -> contextlib.AbstractContextManager[Session]:
        """A session that ends with the block.

        :param database: another one than the login's.
        :param options: settings of the session, such as lock_timeout.
        :param name: its application_name, by which people find it in pg_stat_activity.
        """


class PostgresSession:
    """A session over psycopg."""

    def __init__(self, connection: psycopg.Connection[t.Any]) -> None:
        self._connection = connection

    def rows(self, sql: str, parameters: t.Sequence[t.Any] = ()) -> list[Row]:
        with translated_errors(sql):
            cursor = self._connection.execute(sql, parameters or None)
            return cursor.fetchall() if cursor.description is not None else []

    def value(self, sql: str, parameters: t.Sequence[t.Any] = ()) -> t.Any:
        (row,) = self.rows(sql, parameters)
        return row[0]

    def execute(self, sql: str, parameters: t.Sequence[t.Any] = ()) -> None:
        with translated_errors(sql):
            self._connection.execute(sql, parameters or None)

    @contextlib.contextmanager
    def transaction(self) -> t.Iterator[None]:
        with translated_errors("COMMIT"), self._connection.transaction():
            yield

    def cancel(self) -> None:
        with contextlib.suppress(psycopg.Error):
            self._connection.cancel()

    def close(self) -> None:
        with contextlib.suppress(psycopg.Error):
            self._connection.close()


class Postgres:
    """A server over psycopg."""

    def __init__(self, login: Login) -> None:
        if not HAS_PSYCOPG:
            raise _login.missing_psycopg()
        self.login = login

    @classmethod
    def of(cls, context: Context) -> Postgres:
        return cls(_login.of(context))

    @contextlib.contextmanager
    def session(
        self, database: str = "", *, options: t.Mapping[str, str] | None = None, name: str = ""
    ) -> t.Iterator[PostgresSession]:
        settings = " ".join(
            f"-c {setting}={_escaped_setting(value)}" for setting, value in (options or {}).items()
        )
        login = self.login.having(
            dbname=database, options=settings, application_name=(name or "runbook.release")[:NAME_LENGTH]
        )
        parameters: dict[str, t.Any] = {"autocommit": True, **_KEEPALIVE, **login.parameters}
        try:
            connection = psycopg.connect(**parameters)
        except psycopg.Error as exc:
            raise refusal(exc, login) from exc
        session = PostgresSession(connection)
        try:
            yield session
        finally:
            session.close()


def refusal(error: t.Any, login: Login) -> ReleaseError:
    """What a failed connection means. libpq gives it no SQLSTATE, only the server's text."""
    said = " ".join(str(error).split())
    if (
        "password authentication failed" in said
        or "no password supplied" in said
        or "no pg_hba.conf entry" in said
    ):
        return Forbidden(
            f"{login.where}: the server refused this user.",
            why=[said],
            then="check login_user and login_password, and the server's pg_hba.conf",
        )
    return Unreachable(
        f"{login.where}: no connection to PostgreSQL.", getattr(error, "sqlstate", "") or "", why=[said]
    )


def _escaped_setting(value: str) -> str:
    """As the parameter ``options`` of libpq wants it (manual, 34.1.2)."""
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


@contextlib.contextmanager
def translated_errors(sql: str) -> t.Iterator[None]:
    try:
        yield
    except psycopg.Error as exc:
        code = exc.sqlstate or ""
        diagnostic = exc.diag
        why = [
            line for line in (diagnostic.message_detail, diagnostic.message_hint, diagnostic.context) if line
        ]
        message = diagnostic.message_primary or " ".join(str(exc).split())
        kind = Unreachable if not code or code[:2] in ("08", "57") and code != "57014" else DatabaseError
        raise kind(
            f"PostgreSQL: {message}" + (f" (SQLSTATE {code})" if code else ""),
            code,
            why=why + [f"while running: {_short(sql)}"],
        ) from exc


def _short(sql: str) -> str:
    text = " ".join(sql.split())
    return text if len(text) <= 120 else text[:117] + "..."
