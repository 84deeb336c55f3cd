# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Runs an operation as an ordinary module. The only place that calls exit_json and fail_json."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .errors import ReleaseError
from .operation import Context, Operation, perform


def run_module(operation: Operation) -> t.NoReturn:
    module = AnsibleModule(
        argument_spec=operation.argument_spec, supports_check_mode=True, **operation.constraints
    )
    context = Context(module.params, check_mode=module.check_mode, command=module.run_command)
    try:
        module.exit_json(**perform(operation, context), **_invocation(module, context))
    except ReleaseError as exc:
        module.fail_json(**failure(exc, context), **_invocation(module, context))


def _invocation(module: AnsibleModule, context: Context) -> dict[str, t.Any]:
    """What Ansible shows of the options with -vvv: as they were given,
    but for no_log. Manifests hold secrets that no option is named for.
    """
    return {"invocation": {"module_args": context.redact.value(module.params)}}


def failure(error: ReleaseError, context: Context) -> dict[str, t.Any]:
    """The failed result of an error, redacted; the same for modules and in-process actions."""
    return t.cast("dict[str, t.Any]", context.redact.value(error.as_result()))
