#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rds_snapshot
short_description: Take a snapshot of an RDS instance, and remove those whose time is over
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Takes a manual snapshot of an instance, waits until it is there, and then removes snapshots of this module whose O(keep_days) are over. The
    newest good one always stays, and so does every snapshot that this module has not made.
  - A snapshot that a run which was killed had begun is waited for, and not taken twice.
  - RDS tells nothing of what a snapshot holds. Restore it into an instance of its own and ask that by the O(runbook.release.pg_health_info#module:queries)
    of M(runbook.release.pg_health_info), with the values of the original as O(runbook.release.pg_health_info#module:before).
extends_documentation_fragment:
  - runbook.release._attributes
  - runbook.release._aws
options:
  instance:
    description: Identifier of the instance.
    type: str
    required: true
  kind:
    description: What the snapshot is for, such as V(release) or V(daily); part of its name.
    type: str
    default: manual
  release:
    description: Name of the release that it is taken for.
    type: str
  keep_days:
    description: Days after which a later run of this module removes it. Kept for ever when it is not given.
    type: int
  tags:
    description: Further tags of the snapshot.
    type: dict
  reuse_within:
    description: Seconds for which a snapshot of the same O(kind) and O(release) is not taken again. With V(0) every run takes one.
    type: int
    default: 0
  timeout:
    description: Seconds to wait for the snapshot. RDS continues to create it afterwards, and a later run waits for it again.
    type: int
    default: 3600
seealso:
  - module: runbook.release.pg_health_info
  - module: runbook.release.pg_backup
"""

EXAMPLES = r"""
- name: Take a snapshot before the release, once an hour at most
  runbook.release.rds_snapshot:
    instance: exchange
    region: eu-central-1
    kind: release
    release: 2.4.0
    keep_days: 30
    reuse_within: 3600
  register: snapshot
"""

RETURN = r"""
snapshot:
  description: The snapshot. In check mode nothing where one would be taken.
  returned: success
  type: dict
  sample:
    name: exchange-release-20261121t100000z
    arn: arn:aws:rds:eu-central-1:123456789012:snapshot:exchange-release-20261121t100000z
    status: available
    age_seconds: 12
    engine: postgres 15.8
    gibibytes: 200
    encrypted: true
    kind: release
    release: 2.4.0
    days_left: 30.0
removed:
  description: Snapshots that were removed.
  returned: success
  type: list
  elements: str
  sample: [exchange-release-20261020t100000z]
"""

from ansible_collections.runbook.release.plugins.module_utils._aws.snapshot import OPERATION
from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
