# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import typing as t

from ansible.errors import AnsibleError

from ..module_utils._kubernetes.apply.apply import OPERATION
from ..plugin_utils._in_process import InProcessAction


class ActionModule(InProcessAction):
    operation = OPERATION

    def _validated(self) -> dict[str, t.Any]:
        """Relative paths begin at the role or playbook; those that
        are not found are reported with everything else that is wrong.
        """
        params = super()._validated()
        for index, path in enumerate(params["src"] or []):
            with contextlib.suppress(AnsibleError):
                params["src"][index] = self._find_needle("files", path)
        return params
