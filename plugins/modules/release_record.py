#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_record
short_description: Close the record of a release with its verdict
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Closes the record that the phases of a release have written, with the verdict that follows from it. A closed record stays as it is.
  - A release that had nothing to do has no record, and none is made.
extends_documentation_fragment:
  - runbook.release._attributes
  - runbook.release._kubernetes
options:
  release:
    description: The release.
    type: str
    required: true
  reason:
    description: Why the release failed; it has succeeded when this is not given.
    type: str
  smoke:
    description: RV(runbook.release.service_smoke_info#module:checks) of the smoke suite.
    type: list
    elements: dict
seealso:
  - module: runbook.release.release_lock
  - module: runbook.release.release_report
"""

EXAMPLES = r"""
- name: Close the record of the release
  runbook.release.release_record:
    namespace: exchange
    release: 2.4.0
"""

RETURN = r"""
verdict:
  description: V(succeeded), V(rolled_back), V(failed), or V(unchanged) when there was nothing to do.
  returned: success
  type: str
  sample: succeeded
recorded:
  description: Whether there is a record of the release.
  returned: success
  type: bool
  sample: true
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.release_state.record_operations import (
    RECORD,
)


def main() -> None:
    run_module(RECORD)


if __name__ == "__main__":
    main()
