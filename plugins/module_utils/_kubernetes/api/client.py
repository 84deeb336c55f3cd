# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Adapter of the port KubeApi over the package ``kubernetes``.

The package is used for what it is good at (kubeconfig, exec and OIDC authentication, TLS);
requests go through its connection pool directly, which is the same in all its versions and costs
no model classes. It is imported at the top so that Ansible's main process imports it once,
before it forks its workers (0.3 to 0.7 s a time, measured).
"""

from __future__ import annotations

import datetime
import email.utils
import itertools
import json
import os
import typing as t

from ..._common.errors import Conflict, Forbidden, Gone, NotFound, ReleaseError, Unavailable
from ..._common.operation import Clock, Context
from . import certificate
from .port import APPLY, STRATEGIC, Object
from .watch import Following

try:
    import urllib3
    from kubernetes import client, config
    from kubernetes.config.config_exception import ConfigException

    HAS_KUBERNETES = True
except ImportError:
    HAS_KUBERNETES = False

# The writer in the API server's audit log, and the manager of the fields.
_FIELD_MANAGER = "runbook.release"
# What manifests say belongs to another manager than what a release sets: an apply that would
# undo a release conflicts with it instead, and --show-managed-fields tells the two apart.
_APPLY_MANAGER = f"{_FIELD_MANAGER}.apply"
_CONNECT_SECONDS = 4
_READ_SECONDS = 30
NEXT_BY_STATUS = {
    401: "check the credentials of the kubeconfig",
    403: "ask for the permission named above",
}
# Pauses before a request is sent again; the last one from then on.
_PAUSES = (0.2, 0.8, 2.0, 4.0)


class ClusterApi:
    """See :class:`KubeApi`. Every write must be one that may be sent twice.

    The constructor is ``connect`` of the operations: it reads the options that name the cluster.
    """

    def __init__(self, context: Context) -> None:
        self._settings = _settings(context.params["kubeconfig"], context.params["context"])
        self._client = client.ApiClient(self._settings)
        self._clock: Clock = context.clock
        self._retry_timeout: float = context.params["api_retry_timeout"]
        self._say = context.say
        self._ahead: float | None = None  # how far the API server's clock is ahead of ours, in seconds

    def get(self, path: str) -> Object:
        return self._json("GET", path)

    def text(self, path: str) -> str:
        return t.cast(str, self._send("GET", path).data.decode(errors="replace"))

    def lines(self, path: str) -> t.Iterator[str]:
        response = self._send("GET", path, stream=True)
        pending = b""
        try:
            while chunk := response.read1(65536):
                *lines, pending = (pending + chunk).split(b"\n")
                yield from (line.decode(errors="replace") for line in lines)
            if pending:
                yield pending.decode(errors="replace")
        except urllib3.exceptions.HTTPError:
            return  # a cut line does not count: the caller requests it again
        finally:
            response.close()

    def post(self, path: str, body: Object, dry_run: bool = False) -> Object:
        return self._json("POST", f"{path}?fieldManager={_FIELD_MANAGER}{'&dryRun=All' * dry_run}", body)

    def patch(self, path: str, body: Object, content_type: str = STRATEGIC) -> Object:
        return self._json("PATCH", f"{path}?fieldManager={_FIELD_MANAGER}", body, content_type)

    def apply(self, path: str, body: Object, force: bool = False, dry_run: bool = False) -> Object:
        query = f"fieldManager={_APPLY_MANAGER}&fieldValidation=Strict"
        if force:
            query += "&force=true"
        if dry_run:
            query += "&dryRun=All"
        return self._json("PATCH", f"{path}?{query}", body, APPLY)

    def put(self, path: str, body: Object) -> Object:
        return self._json("PUT", f"{path}?fieldManager={_FIELD_MANAGER}", body)

    def delete(self, path: str, body: Object | None = None) -> Object:
        return self._json("DELETE", path, body)

    def certificate(self) -> bytes:
        return certificate.of_server(self._settings.host, self._settings.tls_server_name)

    def time(self) -> float:
        if self._ahead is None:
            self._send("GET", "/version")
        return self._clock.wall() + (self._ahead or 0.0)

    def follow(self, paths: t.Mapping[str, str]) -> Following:
        return Following(self, paths, self._clock)

    def watch(self, path: str, version: str, seconds: int) -> t.Iterator[tuple[str, Object]]:
        """The raw watch: ends when the server or the network
        ends it; raises Gone for a version that is too old.
        """
        response = self._send(
            "GET",
            f"{path}?watch=1&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={seconds}",
            stream=True,
        )
        pending = b""
        try:
            while chunk := response.read1(65536):
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise _error(
                            "GET",
                            path,
                            event["object"].get("code", 500),
                            json.dumps(event["object"]).encode(),
                        )
                    yield event["type"], event["object"]
        except urllib3.exceptions.HTTPError:
            return  # a cut connection: the caller begins the watch again
        finally:
            response.close()

    def _json(
        self, method: str, path: str, body: t.Any = None, content_type: str = "application/json"
    ) -> Object:
        return t.cast("Object", json.loads(self._send(method, path, body, content_type).data))

    def _send(
        self,
        method: str,
        path: str,
        body: t.Any = None,
        content_type: str = "application/json",
        stream: bool = False,
    ) -> t.Any:
        """Sends until there is an answer, or the retry timeout is over. A
        stream is requested once: its reader begins it again.
        """
        started = self._clock.now()
        timeout = 0.0 if stream else self._retry_timeout
        for pause in itertools.chain(_PAUSES, itertools.repeat(_PAUSES[-1])):
            try:
                return self._send_once(method, path, body, content_type, stream)
            except Unavailable as exc:
                if self._clock.now() - started + pause > timeout:
                    raise
                if pause == _PAUSES[2]:  # seconds have passed by now
                    self._say(f"{exc.what} Asking again for {timeout:.0f} s.")
            self._clock.sleep(pause)
        raise Unavailable(f"No answer to {method} {path}.")

    def _headers(self) -> dict[str, str]:
        return {auth["key"]: auth["value"] for auth in self._settings.auth_settings().values()}

    def _send_once(self, method: str, path: str, body: t.Any, content_type: str, stream: bool) -> t.Any:
        headers = {
            "Content-Type": content_type,
            "Accept": "application/json",
            "User-Agent": _FIELD_MANAGER,
            **self._headers(),
        }
        try:
            response = self._client.rest_client.pool_manager.request(
                method,
                self._settings.host + path,
                body=None if body is None else json.dumps(body),
                headers=headers,
                preload_content=not stream,
                retries=False,
                timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=None if stream else _READ_SECONDS),
            )
        except urllib3.exceptions.HTTPError as exc:
            # A server that dies during the handshake also raises SSLError; only certificate errors mean distrust.
            if isinstance(exc, urllib3.exceptions.SSLError) and "certificate" in str(exc).lower():
                what = f"The API server {self._settings.host} and this kubeconfig do not trust each other."
                raise ReleaseError(
                    what, why=[str(exc)], then="check the certificates of the kubeconfig and their dates"
                ) from exc
            what = f"The API server {self._settings.host} does not answer."
            raise Unavailable(
                what, why=[_cause(exc)], then="kubectl cluster-info; then run the same command again"
            ) from exc
        if "Date" in response.headers:
            self._ahead = (
                email.utils.parsedate_to_datetime(response.headers["Date"]).timestamp() - self._clock.wall()
            )
        if response.status >= 400:
            error = _error(method, path, response.status, response.data)
            if response.status == 401:
                error.why += _expired(self._settings.cert_file, self._clock.wall())
            raise error
        return response


def _settings(kubeconfig: str | None, context: str | None) -> t.Any:
    if not HAS_KUBERNETES:
        raise ReleaseError(
            "The Python package 'kubernetes' is missing on the controller (or wherever this task runs).",
            then="pip install 'kubernetes>=29.0.0' for the Python that runs Ansible",
        )
    settings = client.Configuration()
    inside = "KUBERNETES_SERVICE_HOST" in os.environ and not (
        kubeconfig or context or os.environ.get("KUBECONFIG")
    )
    try:
        if inside and not os.path.exists(os.path.expanduser("~/.kube/config")):
            config.load_incluster_config(client_configuration=settings)
        else:
            # The package reads KUBECONFIG once, when it is imported; Ansible's `environment` comes later.
            config.load_kube_config(
                kubeconfig or os.environ.get("KUBECONFIG"), context=context, client_configuration=settings
            )
    except (ConfigException, OSError) as exc:
        which = f" with the context {context}" if context else ""
        raise ReleaseError(
            f"No usable kubeconfig{which}.",
            why=[f"{kubeconfig or os.environ.get('KUBECONFIG') or '~/.kube/config'}: {exc}"],
            then="set release_kubeconfig and release_context, or KUBECONFIG",
        ) from exc
    return settings


def _expired(path: str | None, now: float) -> list[str]:
    """The API server answers only "Unauthorized"; nearly always
    the client certificate has expired.
    """
    try:
        with open(path or "", encoding="ascii") as file:
            end = certificate.first_end(file.read())
    except (OSError, ValueError):
        return []
    stamp = datetime.datetime.fromtimestamp(end, tz=datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [f"the client certificate of this kubeconfig expired at {stamp}"] if end < now else []


def _cause(error: Exception) -> str:
    """The innermost error, as in 'Failed to establish a new connection: [Errno 111] Connection
    refused': urllib3 wraps it.
    """
    return str(getattr(error, "reason", None) or error).rsplit(">: ", 1)[-1].rsplit("): ", 1)[-1]


def _error(method: str, path: str, status: int, data: bytes) -> ReleaseError:
    try:
        answer = json.loads(data)
        message = answer["message"]
    except (ValueError, KeyError, TypeError):
        answer = {}
        message = data.decode(errors="replace")[:200]
    kind: type[ReleaseError] = {403: Forbidden, 404: NotFound, 409: Conflict, 410: Gone}.get(
        status, ReleaseError
    )
    # Server-side apply answers 500 to a field that the kind does not have: no retry helps.
    if status == 429 or (status >= 500 and not message.startswith("failed to create typed patch object")):
        kind = Unavailable
    what = f"The API server refused {method} {path.partition('?')[0]} ({status})."
    error = kind(what, why=[message], then=NEXT_BY_STATUS.get(status, ""))
    error.answer = {"code": status, **answer}
    return error
