#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_report
short_description: Write the report of a release
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Writes what the record in the cluster holds as a Markdown file - versions from and to, images with digests, waves with times, smoke
    checks, what was undone and why.
  - The report of a closed release stays the same however often it is written; that of an open one shows how it stands now.
extends_documentation_fragment:
  - runbook.release._attributes
  - runbook.release._kubernetes
options:
  platform:
    description: Name of the platform, for the headline.
    type: str
    required: true
  release:
    description: The release.
    type: str
    required: true
  path:
    description: The file to write; its folder is made when it is not there.
    type: path
    required: true
  reason:
    description: Why the release failed, where its record holds no verdict.
    type: str
  smoke:
    description: RV(runbook.release.service_smoke_info#module:checks) of the smoke suite, where its record holds no verdict.
    type: list
    elements: dict
seealso:
  - module: runbook.release.release_record
  - module: runbook.release.kube_rollout
  - module: runbook.release.service_smoke_info
"""

EXAMPLES = r"""
- name: Write the report
  runbook.release.release_report:
    namespace: exchange
    platform: exchange
    release: 2.4.0
    path: release-reports/exchange-2.4.0.md
"""

RETURN = r"""
path:
  description: The file, as an absolute path.
  returned: success
  type: str
  sample: /home/deploy/releases/release-reports/exchange-2.4.0.md
verdict:
  description: V(succeeded), V(rolled_back), V(failed), or V(unchanged) when there was nothing to do.
  returned: success
  type: str
  sample: succeeded
report:
  description: The report itself.
  returned: success
  type: str
  sample: "# Release 2.4.0 of exchange succeeded"
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.release_state.record_operations import (
    REPORT,
)


def main() -> None:
    run_module(REPORT)


if __name__ == "__main__":
    main()
