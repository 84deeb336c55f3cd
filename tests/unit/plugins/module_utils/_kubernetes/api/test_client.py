# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import datetime
import json

import pytest
import urllib3
from ansible_collections.runbook.release.plugins.module_utils._common.errors import (
    Conflict,
    Forbidden,
    Gone,
    NotFound,
    ReleaseError,
    Unavailable,
)
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Clock, Context
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api import client
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CONFIG = """
apiVersion: v1
kind: Config
current-context: c
clusters: [{name: c, cluster: {server: "https://api.test:6443"}}]
users: [{name: u, user: {token: sesame-open}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
"""


class Pool:
    """A connection pool that answers in order and keeps what was asked."""

    def __init__(self, *answers):
        self.answers, self.asked, self.headers = list(answers), [], {}

    def request(self, method, url, **more):
        self.asked.append((method, url, more))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, document = answer
        chunks = (
            [json.dumps(document).encode() + b"\n", b""]
            if not isinstance(document, list)
            else [*document, b""]
        )
        methods = {"read1": lambda self, size: chunks.pop(0), "close": lambda self: None}
        return type(
            "Response", (), {"status": status, "headers": self.headers, "data": chunks[0], **methods}
        )()


@pytest.fixture
def cluster(tmp_path):
    def make(*answers):
        (tmp_path / "config").write_text(CONFIG)
        pauses = []
        api = client.ClusterApi(
            Context(
                {"kubeconfig": str(tmp_path / "config"), "context": None, "api_retry_timeout": 8},
                clock=Clock(sleep=pauses.append),
            )
        )
        api._client.rest_client.pool_manager = Pool(*answers)
        return api, api._client.rest_client.pool_manager, pauses

    return make


def refusal(status, message="because"):
    return status, {"kind": "Status", "message": message}


def test_a_request_carries_the_credentials_of_the_kubeconfig(cluster):
    api, pool, _pauses = cluster((200, {"items": []}))
    assert api.get("/api/v1/pods") == {"items": []}
    method, url, more = pool.asked[0]
    assert (method, url, more["headers"]["authorization"]) == (
        "GET",
        "https://api.test:6443/api/v1/pods",
        "Bearer sesame-open",
    )


@pytest.mark.parametrize(
    "passing", [refusal(429), refusal(500), refusal(503), urllib3.exceptions.ProtocolError("cut")]
)
def test_what_passes_is_asked_again(cluster, passing):
    api, pool, pauses = cluster(passing, (200, {"ok": True}))
    assert api.patch("/x", {"spec": {}}) == {"ok": True} and len(pool.asked) == 2 and pauses == [0.2]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, NotFound), (409, Conflict), (410, Gone), (403, ReleaseError), (422, ReleaseError)],
)
def test_a_refusal_is_told_at_once_with_the_servers_own_words(cluster, status, kind):
    api, pool, _pauses = cluster(refusal(status, "deployments.apps is forbidden"))
    with pytest.raises(kind, match=rf"refused PATCH /x \({status}\)") as caught:
        api.patch("/x", {})
    assert caught.value.why == ["deployments.apps is forbidden"] and len(pool.asked) == 1


def test_a_server_that_is_not_there_is_told_in_one_sentence(cluster):
    error = urllib3.exceptions.NewConnectionError(
        None, "Failed to establish a new connection: [Errno 111] Connection refused"
    )
    now = [0.0]
    api, pool, pauses = cluster(*[error] * 5)
    api._clock = Clock(
        now=lambda: now[0],
        sleep=lambda seconds: (pauses.append(seconds), now.__setitem__(0, now[0] + seconds)),
    )
    with pytest.raises(Unavailable) as caught:
        api.get("/x")
    assert str(caught.value).startswith(
        "The API server https://api.test:6443 does not answer.\n"
    ) and "Connection refused" in str(caught.value)
    assert pauses == [0.2, 0.8, 2.0, 4.0] and now[0] < 10


def test_with_patience_it_outlasts_a_restart_and_says_so(cluster):
    now, said = [0.0], []
    api, _pool, _pauses = cluster(*[urllib3.exceptions.ProtocolError("cut")] * 8, (200, {"ok": True}))
    api._clock = Clock(now=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
    api._retry_timeout, api._say = 60, said.append
    assert api.get("/x") == {"ok": True} and now[0] > 15
    assert said == ["The API server https://api.test:6443 does not answer. Asking again for 60 s."]


def test_a_watch_is_sent_once(cluster):
    api, pool, _pauses = cluster(refusal(503))
    with pytest.raises(Unavailable):
        list(api.watch("/x", "7", 30))
    assert len(pool.asked) == 1


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("certificate has expired", "do not trust each other"),
        ("EOF occurred in violation of protocol", "does not answer"),
    ],
)
def test_a_question_of_trust_is_told_apart_from_a_server_that_dies(cluster, words, kind):
    api, _pool, _pauses = cluster(urllib3.exceptions.SSLError(words))
    api._retry_timeout = 0
    with pytest.raises(ReleaseError, match=kind):
        api.get("/x")


def test_a_server_that_cannot_be_reached_is_told_within_ten_seconds(cluster):
    now = [0.0]

    class Blackhole:
        def request(self, method, url, **more):
            now[0] += more["timeout"].connect_timeout
            raise urllib3.exceptions.ConnectTimeoutError(None, "timed out")

    api, _pool, _pauses = cluster()
    api._client.rest_client.pool_manager = Blackhole()
    api._clock = Clock(now=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
    with pytest.raises(Unavailable):
        api.get("/x")
    assert now[0] < 10


def test_a_watch_yields_whole_events_however_they_are_cut(cluster):
    line = json.dumps({"type": "MODIFIED", "object": {"metadata": {"name": "auth"}}}).encode() + b"\n"
    api, pool, _pauses = cluster((200, [line[:10], line[10:] + line]))
    assert [kind for kind, _thing in api.watch("/x", "7", 30)] == ["MODIFIED", "MODIFIED"]
    assert "resourceVersion=7" in pool.asked[0][1]


def test_an_error_inside_a_watch_is_raised_as_what_it_is(cluster):
    line = (
        json.dumps({"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}}).encode()
        + b"\n"
    )
    api, _pool, _pauses = cluster((200, [line]))
    with pytest.raises(Gone):
        list(api.watch("/x", "7", 30))


def test_the_time_is_the_api_servers(cluster):
    api, pool, _pauses = cluster((200, {}))
    pool.headers = {"Date": "Sat, 21 Nov 2026 03:00:00 GMT"}
    assert abs(api.time() - 1795230000) < 2 and pool.asked[0][1].endswith("/version")


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ReleaseError, match="No usable kubeconfig with the context production") as caught:
        client.ClusterApi(
            Context(
                {"kubeconfig": str(tmp_path / "nowhere"), "context": "production", "api_retry_timeout": 8}
            )
        )
    assert str(tmp_path / "nowhere") in str(caught.value)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(client, "HAS_KUBERNETES", False)
    with pytest.raises(ReleaseError, match="package 'kubernetes' is missing") as caught:
        client.ClusterApi(Context({"kubeconfig": None, "context": None, "api_retry_timeout": 8}))
    assert "pip install" in caught.value.then


def test_a_log_comes_in_whole_lines_also_the_last_one_without_an_end(cluster):
    api, _pool, _pauses = cluster((200, [b"one\ntw", b"o\n\xff", b"three"]))
    assert list(api.lines("/log?follow=true")) == ["one", "two", "\ufffdthree"]


def test_a_dry_run_is_asked_for_in_the_address(cluster):
    api, pool, _pauses = cluster((200, {}), (200, {}))
    api.post("/jobs", {}, dry_run=True)
    api.post("/jobs", {})
    assert [url.partition("?")[2] for _method, url, _more in pool.asked] == [
        "fieldManager=runbook.release&dryRun=All",
        "fieldManager=runbook.release",
    ]


def test_what_is_forbidden_is_told_apart(cluster):
    api, _pool, _pauses = cluster(refusal(403))
    with pytest.raises(Forbidden):
        api.get("/api/v1/nodes")


def test_an_apply_has_a_manager_of_its_own_and_is_not_sent_again_for_a_field_that_does_not_exist(cluster):
    api, pool, pauses = cluster(
        (200, {}),
        (200, {}),
        refusal(500, "failed to create typed patch object (x): .spec.foo: field not declared in schema"),
    )
    api.apply("/x", {"spec": {}})
    api.apply("/x", {"spec": {}}, force=True, dry_run=True)
    assert [url.partition("?")[2] for _method, url, _more in pool.asked] == [
        "fieldManager=runbook.release.apply&fieldValidation=Strict",
        "fieldManager=runbook.release.apply&fieldValidation=Strict&force=true&dryRun=All",
    ]
    assert pool.asked[0][2]["headers"]["Content-Type"] == "application/apply-patch+yaml"
    with pytest.raises(ReleaseError, match="field not declared|refused PATCH") as caught:
        api.apply("/x", {"spec": {"foo": 1}})
    assert not isinstance(caught.value, Unavailable) and pauses == [] and caught.value.answer["code"] == 500


def test_a_client_certificate_that_has_expired_is_named_where_the_server_only_says_unauthorized(
    cluster, tmp_path, monkeypatch
):
    api, _pool, _pauses = cluster(refusal(401, "Unauthorized"))
    with pytest.raises(ReleaseError) as caught:
        api.get("/x")
    assert caught.value.why == ["Unauthorized"]
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "releaser")])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), 1, datetime.datetime(2020, 1, 1), datetime.datetime(2020, 1, 2)
    )
    (tmp_path / "user.pem").write_bytes(
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    user = f"{{client-certificate: {tmp_path}/user.pem, client-key: {tmp_path}/user.pem}}"
    monkeypatch.setattr(
        "tests.unit.plugins.module_utils._kubernetes.api.test_client.CONFIG",
        CONFIG.replace("{token: sesame-open}", user),
    )
    api, _pool, _pauses = cluster(refusal(401, "Unauthorized"))
    with pytest.raises(ReleaseError) as caught:
        api.get("/x")
    assert caught.value.why == [
        "Unauthorized",
        "the client certificate of this kubeconfig expired at 2020-01-02T00:00:00Z",
    ]
