# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The port to Redis: questions that change nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from .._common.errors import Forbidden, ReleaseError, Unavailable
from .._common.operation import Context
from .._common.options import Option

try:
    import redis

    HAS_REDIS = True
except ImportError:
    HAS_REDIS = False

OPTIONS: dict[str, Option] = {
    "login_host": Option("str", "localhost"),
    "login_port": Option("int", 6379, low=1, high=65535),
    "login_user": Option("str"),
    "login_password": Option("str", secret=True),
    "tls": Option("bool", False),
    "validate_certs": Option("bool", True),
    "ca_certs": Option("path"),
}
CONNECT_SECONDS = 10
Found = dict[str, t.Any]


class Redis(t.Protocol):
    where: str

    def ping(self) -> None:
        """Returns when the server answers, also by refusing this very command."""

    def info(self) -> Found:
        """All of INFO, as numbers where they are numbers."""

    def cluster_state(self) -> str:
        """``ok`` or ``fail``."""


@dataclasses.dataclass(frozen=True)
class Login:
    """How a server is reached, and as whom."""

    host: str
    port: int
    user: str | None
    password: str | None = dataclasses.field(repr=False)
    tls: bool = False
    validate_certs: bool = True
    ca_certs: str | None = None

    def tls_options(self) -> dict[str, t.Any]:
        """redis-py's options for TLS."""
        if not self.tls:
            return {}
        return {
            "ssl": True,
            "ssl_cert_reqs": "required" if self.validate_certs else "none",
            "ssl_check_hostname": self.validate_certs,
            "ssl_ca_certs": self.ca_certs,
        }


def connect(context: Context) -> Redis:
    params = context.params
    return Client(
        Login(
            params["login_host"],
            params["login_port"],
            params["login_user"],
            params["login_password"],
            params["tls"],
            params["validate_certs"],
            params["ca_certs"],
        )
    )


class Client:
    """A server over redis-py. It connects with the first command."""

    def __init__(self, login: Login) -> None:
        if not HAS_REDIS:
            raise ReleaseError(
                "The Python package 'redis' is missing where this task runs.",
                then="pip install redis for the Python that runs it",
            )
        self.where = f"{login.host}:{login.port}"
        self._client = redis.Redis(
            host=login.host,
            port=login.port,
            username=login.user,
            password=login.password,
            socket_timeout=CONNECT_SECONDS,
            socket_connect_timeout=CONNECT_SECONDS,
            client_name="runbook.release",
            protocol=2,  # the only one that servers before 6 have
            decode_responses=True,
            **login.tls_options(),
        )

    def ping(self) -> None:
        with self._translated_errors(), contextlib.suppress(redis.exceptions.NoPermissionError):
            self._client.ping()

    def info(self) -> Found:
        with self._translated_errors():
            found: Found = self._client.info()
            return found

    def cluster_state(self) -> str:
        with self._translated_errors():
            return str(t.cast("Found", self._client.execute_command("CLUSTER INFO"))["cluster_state"])

    @contextlib.contextmanager
    def _translated_errors(self) -> t.Iterator[None]:
        try:
            yield
        except (redis.AuthenticationError, redis.exceptions.AuthorizationError) as exc:
            raise Forbidden(
                f"{self.where}: Redis refused this user.",
                why=[str(exc)],
                then="check login_user and login_password",
            ) from exc
        except redis.exceptions.NoPermissionError as exc:
            raise Forbidden(f"{self.where}: Redis refused.", why=[str(exc)]) from exc
        except redis.RedisError as exc:
            raise Unavailable(f"{self.where}: no answer from Redis.", why=[str(exc)]) from exc
