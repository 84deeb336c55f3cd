# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""How a PostgreSQL server is reached: options in, libpq's own parameters out. Nothing here connects."""

from __future__ import annotations

import dataclasses
import typing as t
import urllib.parse

from .._common.errors import InputError, ReleaseError
from .._common.operation import Context
from .._common.options import Option

OPTIONS: dict[str, Option] = {
    "login_url": Option("str", secret=True),
    "login_host": Option("str"),
    "login_port": Option("int"),
    "login_user": Option("str"),
    "login_password": Option("str", secret=True),
    "ssl_mode": Option("str", choices=["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
    "ca_cert": Option("path"),
    "database": Option("str"),
}
CONSTRAINTS: dict[str, t.Any] = {
    "mutually_exclusive": [
        ["login_url", name] for name in ("login_host", "login_port", "login_user", "login_password")
    ]
}
# libpq's names of our options, and the environment variables by which its
# programs take them: a command line is seen by every user of the machine.
_PARAMETERS = {
    "login_host": "host",
    "login_port": "port",
    "login_user": "user",
    "login_password": "password",
    "ssl_mode": "sslmode",
    "ca_cert": "sslrootcert",
    "database": "dbname",
}
_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "dbname": "PGDATABASE",
    "options": "PGOPTIONS",
    "application_name": "PGAPPNAME",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "service": "PGSERVICE",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}
CONNECT_SECONDS = 10
_SCHEMES = ("postgresql://", "postgres://")


@dataclasses.dataclass(frozen=True)
class Login:
    """libpq's parameters (manual, 34.1.2). What is not among them comes
    from libpq's own environment and files (PGHOST, ~/.pgpass ...).
    """

    parameters: t.Mapping[str, str]

    @property
    def database(self) -> str:
        return self.parameters.get("dbname", "")

    @property
    def where(self) -> str:
        """For a person: user@host:port/database, as far as it is known here."""
        host = self.parameters.get("host", "")
        port = f":{self.parameters['port']}" if "port" in self.parameters else ""
        user = f"{self.parameters['user']}@" if "user" in self.parameters else ""
        return f"{user}{host or 'localhost'}{port}/{self.database}"

    def to(self, database: str) -> Login:
        """The same server, another database."""
        return self.having(dbname=database)

    def having(self, **parameters: str) -> Login:
        return Login({**self.parameters, **{name: value for name, value in parameters.items() if value}})

    def environment(self) -> dict[str, str]:
        """For PostgreSQL's own programs, and for whatever else uses libpq's variables."""
        return {_VARIABLES[name]: value for name, value in self.parameters.items() if name in _VARIABLES}

    def url(self) -> str:
        """As a URL, for programs that take nothing else. Holds the
        password: hand it over by the environment, never on a command line.
        """
        parts = {name: urllib.parse.quote(value, safe="") for name, value in self.parameters.items()}
        user = parts.get("user", "") + (f":{parts['password']}" if "password" in parts else "")
        host, port = self.parameters.get("host", ""), f":{parts['port']}" if "port" in parts else ""
        # A folder is that of a Unix socket and has no place between the slashes.
        named = {"host": parts["host"]} if host.startswith("/") else {}
        known = {"user", "password", "host", "port", "dbname"}
        more = {**named, **{name: value for name, value in parts.items() if name not in known}}
        query = "?" + "&".join(f"{name}={value}" for name, value in more.items()) if more else ""
        return f"postgresql://{user + '@' if user else ''}{'' if named else host}{port}/{parts.get('dbname', '')}{query}"


def of(context: Context) -> Login:
    """The login that the options of a task give."""
    params = context.params
    found = {
        libpq: str(params[option])
        for option, libpq in _PARAMETERS.items()
        if params.get(option) not in (None, "")
    }
    if params.get("login_url"):
        inside = from_url(params["login_url"])
        if password := inside.get("password"):
            context.redact.learn(password)
        found = {**inside, **found}
    return Login({"connect_timeout": str(CONNECT_SECONDS), **found})


def from_url(url: str) -> dict[str, str]:
    """libpq's parameters in a connection URL (manual, 34.1.1.2), read by libpq itself."""
    if not url.startswith(_SCHEMES):
        raise _wrong_url("found something else than a URL of PostgreSQL")
    try:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as exc:
        raise missing_psycopg() from exc
    try:
        parameters = conninfo_to_dict(_without_schema(url))
    except ProgrammingError as exc:
        # What libpq quotes may be the password, or the whole URL.
        cause = str(exc).partition('"')[0].strip(" :")
        raise _wrong_url(f"found a URL that libpq does not read ({cause})") from None
    found = {name: str(value) for name, value in parameters.items() if value not in (None, "")}
    if not all(port.isdigit() for port in found.get("port", "0").split(",")):
        raise _wrong_url(
            "its port is not a number; a password with one of :/@?#% in it has to be percent-encoded"
        )
    return found


def missing_psycopg() -> ReleaseError:
    return ReleaseError(
        "The Python package 'psycopg' is missing where this task runs.",
        then="pip install 'psycopg[binary]' for the Python that runs it",
    )


def _wrong_url(found: str) -> InputError:
    return InputError(f"login_url: {found}; allowed: postgresql://user:password@host:port/database")


def _without_schema(url: str) -> str:
    """Without the parameter ``schema``, which Prisma adds and libpq refuses."""
    base, mark, query = url.partition("?")
    kept = [pair for pair in query.split("&") if pair.partition("=")[0] != "schema"]
    return base + (mark + "&".join(kept) if any(kept) else "")


def from_environment(environment: t.Mapping[str, str]) -> dict[str, str]:
    """What our options would say, out of libpq's own variables: for a program that does not inherit them."""
    return {
        libpq: environment[_VARIABLES[libpq]]
        for libpq in _PARAMETERS.values()
        if environment.get(_VARIABLES[libpq])
    }
