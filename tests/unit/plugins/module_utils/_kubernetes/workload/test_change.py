# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.workload.change import (
    Change,
    diff,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.workload.fields.images import (
    moved,
    short,
)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("registry.test:5000/a/b:1.2.3", "1.2.3"),
        ("registry.test/a/b@sha256:0123456789abcdef", "sha256:0123456789ab"),
        ("registry.test:5000/a/b", "b"),
    ],
)
def test_an_image_is_said_by_its_tag_or_digest(name, said):
    assert short(name) == said


def test_a_change_says_what_differs_and_no_value_of_the_environment():
    images = {("images", "app"): "r/app:1", ("images", "proxy"): "r/proxy:7"}
    before = {
        **images,
        ("replicas",): 2,
        ("env", "app", "TOKEN"): None,
        ("resources", "app", "limits", "cpu"): "500m",
    }
    after = {
        **before,
        ("images", "app"): "r/app:2",
        ("replicas",): 3,
        ("env", "app", "TOKEN"): {"value": "s3cr3t"},
        ("resources", "app", "limits", "cpu"): "0.5",
    }
    assert (
        str(Change("auth", "Deployment", "u", 1, before, after, {"spec": {}}, 300))
        == "1 -> 2, 2 -> 3 replicas, env TOKEN set"
    )


def test_the_diff_hides_what_is_secret_by_name_also_what_others_have_put_there():
    before, after = (
        {("env", "app", "DB_PASSWORD"): {"value": "old"}},
        {("env", "app", "DB_PASSWORD"): {"value": "new"}},
    )
    shown = diff([Change("auth", "Deployment", "u", 1, before, after, {"spec": {}}, 300)])
    assert shown == ({"auth": {"env": {"app": {"DB_PASSWORD": "********"}}}},) * 2


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("r.test/a/auth:1.0", "r.test/a/auth:1.1", "1.0 -> 1.1"),
        ("r.test/a/auth:1.0", "r.test/a/auth@sha256:0123456789abcdef", "1.0 -> sha256:0123456789ab"),
        # The same tag elsewhere: "1.0 -> 1.0" would tell nothing.
        ("r.test/a/auth:1.0", "r.test/a/login:1.0", "auth:1.0 -> login:1.0"),
        ("r.test/a/auth:1.0", "mirror.test/a/auth:1.0", "r.test/a/auth:1.0 -> mirror.test/a/auth:1.0"),
    ],
)
def test_a_move_is_told_as_short_as_it_can_be_told_apart(was, now, said):
    assert moved(was, now) == said


def test_of_several_containers_each_is_named():
    before, after = (
        {("images", name): f"r.test/{name}:{version}" for name in ("app", "schema")} for version in ("1", "2")
    )
    assert str(Change("auth", "Deployment", "u", 1, before, after, {}, 9)) == "app 1 -> 2, schema 1 -> 2"
