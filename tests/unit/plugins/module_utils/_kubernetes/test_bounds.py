# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError
from ansible_collections.runbook.release.plugins.module_utils._common.operation import (
    Context,
    Operation,
    perform,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.job import job
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.maintenance import maintenance
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.prune import prune
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.rollout import rollback, rollout


def _must_not_connect(_context: Context) -> t.NoReturn:
    raise AssertionError("connected although an option is wrong")


@pytest.mark.parametrize(
    ("operation", "params", "reasons"),
    [
        (rollout.OPERATION, {"parallel": 0}, ["parallel: found 0; allowed: 1 or more"]),
        (
            rollout.OPERATION,
            {"workloads": [{"name": "auth", "replicas": -1, "timeout": 0}]},
            [
                "workloads[0] (auth).replicas: found -1; allowed: 0 or more",
                "workloads[0] (auth).timeout: found 0; allowed: 1 or more",
            ],
        ),
        (rollback.OPERATION, {"to_revision": 0}, ["to_revision: found 0; allowed: 1 or more"]),
        (job.OPERATION, {"log_lines": -1}, ["log_lines: found -1; allowed: 0 or more"]),
        (
            maintenance.OPERATION,
            {"workloads": [{"name": "trading", "replicas": -1}]},
            ["workloads[0] (trading).replicas: found -1; allowed: 0 or more"],
        ),
        (
            maintenance.OPERATION,
            {"drain": {"timeout": -1, "port": 70000}},
            ["drain.timeout: found -1; allowed: 1 or more", "drain.port: found 70000; allowed: 1 to 65535"],
        ),
        (
            prune.OPERATION,
            {"keep_jobs": -1, "keep_records": -2},
            ["keep_jobs: found -1; allowed: 0 or more", "keep_records: found -2; allowed: 0 or more"],
        ),
    ],
)
def test_numbers_beyond_their_bounds_are_refused_before_anything_begins(
    operation: Operation, params: dict[str, t.Any], reasons: list[str]
) -> None:
    with pytest.raises(InputError, match="nothing was changed") as caught:
        perform(dataclasses.replace(operation, connect=_must_not_connect), Context(params))
    assert sorted(caught.value.why) == sorted(reasons)
