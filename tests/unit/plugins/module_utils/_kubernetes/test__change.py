# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._kubernetes._change import Change, short
from ansible_collections.runbook.release.plugins.module_utils._kubernetes._settle import Target


@pytest.mark.parametrize(
    ("name", "said"),
    [("registry.test:5000/a/b:1.2.3", "1.2.3"), ("registry.test/a/b@sha256:0123456789abcdef", "sha256:0123456789ab"), ("registry.test:5000/a/b", "b")],
)
def test_an_image_is_said_by_its_tag_or_digest(name, said):
    assert short(name) == said


def test_a_change_says_images_and_replicas_and_only_what_differs():
    before, after = {"images": {"app": "r/app:1", "proxy": "r/proxy:7"}, "replicas": 2}, {"images": {"app": "r/app:2", "proxy": "r/proxy:7"}, "replicas": 3}
    assert str(Change("auth", 1, Target("u", {}), before, after, {"spec": {}})) == "1 -> 2, 2 -> 3 replicas"
