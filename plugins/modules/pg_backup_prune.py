#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_backup_prune
short_description: Remove old backups of PostgreSQL databases
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Keeps the backups that the rules in O(keep) ask for and removes the others. Kinds without a rule are kept.
  - Never removes the newest verified backup of a database, nor those of O(releases).
  - Removes what writers that were killed have left for more than a day - uploads in parts that were never completed, and dumps without a manifest.
  - In check mode it lists what would go.
extends_documentation_fragment:
  - runbook.release._attributes
  - runbook.release._backup_store
  - runbook.release._aws
options:
  database:
    description: Name of the database; all when it is not given.
    type: str
  keep:
    description: One rule a kind; whatever C(count) or C(days) asks for is kept.
    type: list
    elements: dict
    required: true
    suboptions:
      kind:
        description: Kind of the backups.
        type: str
        required: true
      count:
        description: How many of the newest are kept.
        type: int
      days:
        description: For how many days they are kept.
        type: int
  releases:
    description: Releases that run or have failed. Their backups are the way back.
    type: list
    elements: str
    default: []
notes:
  - Runs inside the Ansible controller when the connection of the host is local and C(become) is not used; it then says
    on standard error what it removes. Elsewhere it runs as an ordinary module, without these lines.
seealso:
  - module: runbook.release.pg_backup_info
"""

EXAMPLES = r"""
- name: Keep thirty days of daily backups, a week of hourly ones, and ten of releases
  runbook.release.pg_backup_prune:
    bucket: exchange-backups
    region: eu-central-1
    database: exchange
    keep:
      - {kind: daily, days: 30}
      - {kind: hourly, days: 7}
      - {kind: pre-deploy, count: 10, days: 90}
    releases: [2.4.0]
"""

RETURN = r"""
removed:
  description: Ids of the backups that are gone, or would go in check mode.
  returned: success
  type: list
  elements: str
  sample: [exchange/20261020T020000Z-daily]
kept:
  description: The others, each with the reason.
  returned: success
  type: list
  elements: dict
  sample:
    - id: exchange/20261121T020000Z-daily
      reason: the newest that a restore has proven
abandoned:
  description: What killed writers had left.
  returned: success
  type: list
  elements: str
  sample: [exchange/20261101T020000Z-daily/database.dump.zst]
freed_bytes:
  description: Bytes of the backups that are gone.
  returned: success
  type: int
  sample: 239412345
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._postgresql.backup.prune import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
