# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError
from ansible_collections.runbook.release.plugins.module_utils._inventory.inventory import platform

GOOD = {
    "release_platform": "exchange",
    "release_version": "1.1.0",
    "release_registry": "registry.test:5000/exchange",
    "release_services": [
        {"name": "auth"},
        {
            "name": "wallet",
            "after": ["auth"],
            "container": "app",
            "replicas": "3",
            "image": "registry.test:5000/other/wallet",
        },
    ],
}


def problems(**changes: t.Any) -> t.Any:
    with pytest.raises(InputError) as caught:
        platform({**GOOD, **changes})
    return caught.value.why


def test_defaults_are_filled_in_and_images_are_put_together() -> None:
    found = platform(GOOD)
    assert found.waves == [["auth"], ["wallet"]]
    assert (found.values["namespace"], found.values["timeout"], found.values["require_healthy"]) == (
        "exchange",
        300,
        True,
    )
    assert found.workloads(1) == [
        {"name": "auth", "wave": 1, "images": {"auth": "registry.test:5000/exchange/auth:1.1.0"}}
    ]
    assert found.workloads(2) == [
        {
            "name": "wallet",
            "wave": 2,
            "images": {"app": "registry.test:5000/other/wallet:1.1.0"},
            "replicas": 3,
        }
    ]


def test_a_batch_ends_where_a_look_follows() -> None:
    def service(name: t.Any, *after: t.Any, smoke: t.Any = ()) -> t.Any:
        return {"name": name, "after": list(after), "smoke": list(smoke)}

    services = [
        service("a"),
        service("b", "a", smoke=[{"path": "/"}]),
        service("c", "a"),
        service("d", "b", "c"),
        service("e", "d"),
    ]
    found = platform({**GOOD, "release_services": services, "release_url": "http://x"}).batches()
    assert [(batch["title"], batch["services"], batch["checked"]) for batch in found] == [
        ("waves 1 to 2", ["a", "b", "c"], ["b", "c"]),
        ("waves 3 to 4", ["d", "e"], []),
    ]
    assert [workload["wave"] for workload in found[0]["workloads"]] == [1, 2, 2]


def test_a_service_can_have_a_version_of_its_own() -> None:
    assert (
        platform({**GOOD, "release_services": [{"name": "auth", "version": "9"}]})
        .image("auth")
        .endswith("/auth:9")
    )


def test_what_a_service_sets_beside_its_image_goes_to_its_container() -> None:
    service = {
        "name": "db",
        "kind": "StatefulSet",
        "version": "sha256:" + "a" * 64,
        "images": {"schema": "r/schema:3"},
        "env": {"MODE": "live"},
        "resources": {"limits": {"cpu": "1"}},
        "config": ["Secret/db"],
        "timeout": 60,
    }
    assert platform({**GOOD, "release_services": [service]}).workloads(1) == [
        {
            "name": "db",
            "wave": 1,
            "kind": "StatefulSet",
            "images": {"db": "registry.test:5000/exchange/db@sha256:" + "a" * 64, "schema": "r/schema:3"},
            "env": {"db": {"MODE": "live"}},
            "resources": {"db": {"limits": {"cpu": "1"}}},
            "config": ["Secret/db"],
            "timeout": 60,
        }
    ]


def test_a_literal_secret_has_no_place_in_a_pod_template() -> None:
    found = problems(
        release_services=[
            {"name": "db", "env": {"DB_PASSWORD": "hunter2", "TOKEN_TTL": 300, "API_KEY": {"valueFrom": {}}}}
        ]
    )
    assert (
        len(found) == 1
        and found[0].startswith("release_services (db).env.DB_PASSWORD: found a literal")
        and "hunter2" not in found[0]
    )


def test_smoke_checks_and_their_secrets_are_not_among_the_values() -> None:
    checks = [{"path": "/login", "body": {"password": "Test123!"}}]
    assert "Test123!" not in str(
        platform({**GOOD, "release_smoke": checks, "release_url": "http://x"}).values
    )


def test_one_error_lists_everything_that_is_wrong() -> None:
    found = problems(
        release_servics=[],
        release_version=1.10,
        release_registry=None,
        release_timeout=0,
        release_smoke=[{"path": "time"}],
    )
    assert [line.split(":")[0] for line in found] == [
        "release_servics",
        "release_version",
        "release_registry",
        "release_smoke[0].path",
        "release_timeout",
        "release_url",
    ]


@pytest.mark.parametrize(
    ("services", "said"),
    [
        (
            [{"name": "auth", "afer": []}],
            "release_services[0] (auth).afer: unknown key (did you mean after?); allowed: name, after,",
        ),
        (
            [{"name": "auth", "port": "http"}],
            "release_services[0] (auth).port: found 'http' (string); allowed: an integer from 1 to 65535",
        ),
        (
            [{"name": "auth", "replicas": True}],
            "release_services[0] (auth).replicas: found True (boolean); allowed: an integer from 0",
        ),
        (
            [{"name": "auth", "strategy": "canari"}],
            "release_services[0] (auth).strategy: found 'canari' (string); allowed: one of rolling",
        ),
        (
            [{"name": "Auth"}],
            "release_services[0] (Auth).name: found 'Auth' (string); allowed: lower-case letters",
        ),
        (
            ["auth"],
            "release_services[0]: found 'auth' (string); allowed: a dictionary that has at least name",
        ),
        (
            [{"name": "a", "after": ["b"]}],
            "release_services: service a comes after b, which is not a service",
        ),
        ([{"port": 1}], "release_services[0].name: is missing; allowed: lower-case letters"),
        ([], "release_services: found an empty list; allowed: at least one service"),
        (
            {"name": "auth"},
            "release_services: found {'name': 'auth'} (dictionary); allowed: a list of services",
        ),
    ],
)
def test_a_wrong_service_is_named_with_what_was_found_and_what_is_allowed(
    services: t.Any, said: t.Any
) -> None:
    assert any(line.startswith(said) for line in problems(release_services=services)), problems(
        release_services=services
    )


def test_a_version_that_yaml_made_a_number_is_refused() -> None:
    assert problems(release_version=1.10) == [
        "release_version: found 1.1 (number); allowed: a quoted string of letters, digits, '_', '.', '-', at most 128 (an unquoted 1.10 is the number 1.1)"
    ]


def test_the_job_of_migrations_is_checked_like_the_option() -> None:
    job = {
        "namespace": "exchange",
        "src": "/app/migrations",
        "workload": "wallet",
        "resources": {"limits": {"memory": "1Gi"}},
    }
    assert (
        platform({**GOOD, "release_migrations": [{"src": "db", "job": job}]}).values["migrations"][0]["job"][
            "workload"
        ]
        == "wallet"
    )
    found = problems(release_migrations=[{"src": "db", "job": {"src": 1, "worklod": "wallet"}}])
    where = "release_migrations[0].job"
    assert [problem.partition(":")[0] for problem in found] == [
        f"{where}.worklod",
        f"{where}.namespace",
        f"{where}.src",
    ]
