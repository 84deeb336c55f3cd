# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One operation in a process of its own, without Ansible: what it costs, and when it said what.

Reads `{"operation": "ROLLOUT", "params": {...}}` from standard input; prints one JSON object: seconds,
CPU seconds, peak memory in MB, requests by method, what was said with the time of day, the error.
"""

from __future__ import annotations

import collections
import json
import os
import resource
import sys
import time

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.runbook.release.plugins.module_utils._common.errors import ReleaseError
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Context, perform
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api.client import ClusterApi
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.rollout import rollback, rollout

OPERATIONS = {"ROLLOUT": rollout.OPERATION, "ROLLBACK": rollback.OPERATION}


def main() -> None:
    asked = json.load(sys.stdin)
    operation = OPERATIONS[asked["operation"]]
    validated = ArgumentSpecValidator(operation.argument_spec).validate(asked["params"])
    if validated.error_messages:
        raise SystemExit("; ".join(validated.error_messages))
    requests: collections.Counter[str] = collections.Counter()
    send = ClusterApi._send_once

    def counted(self: ClusterApi, method: str, *more: object, **others: object) -> object:
        requests[method] += 1
        return send(self, method, *more, **others)  # type: ignore[arg-type]

    ClusterApi._send_once = counted  # type: ignore[method-assign]
    said: list[tuple[float, str]] = []
    error = ""
    cpu, began = time.process_time(), time.monotonic()
    try:
        perform(
            operation,
            Context(
                validated.validated_parameters,
                controller=os.getpid(),
                show=lambda line: said.append((time.time(), line)),
            ),
        )
    except ReleaseError as exc:
        error = exc.what
    result = {
        "seconds": time.monotonic() - began,
        "ended": time.time(),
        "cpu": time.process_time() - cpu,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "requests": dict(requests),
        "said": said,
        "error": error,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
