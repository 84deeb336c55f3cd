#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgbackrest_backup
short_description: Take a physical backup with pgBackRest, and make a restore point for a release
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Checks that WAL reaches the repository, takes a backup and, for O(release), makes a restore point after it and waits until the WAL that
    holds it is in the repository as well.
  - A restore to that point, by M(runbook.release.pgbackrest_drill) or by hand, undoes everything that came after it in the whole cluster.
  - Fails at once, and changes nothing, when another pgBackRest works on the stanza.
extends_documentation_fragment:
  - runbook.release._attributes
  - runbook.release._pgbackrest
  - runbook.release._postgresql
options:
  type:
    description: What is stored - V(full), V(diff) (what changed since the last full one) or V(incr) (what changed since the last one).
    type: str
    choices: [full, diff, incr]
    default: diff
  release:
    description:
      - Name of the release. The restore point is called C(pre_) and this name.
      - Needs a login to the primary that may call C(pg_create_restore_point).
    type: str
  reuse_within:
    description: Seconds for which a backup of this O(type) or a fuller one, and of this O(release), is not taken again. With V(0) every run takes one.
    type: int
    default: 0
seealso:
  - module: runbook.release.pgbackrest_info
  - module: runbook.release.pgbackrest_drill
  - module: runbook.release.pg_backup
"""

EXAMPLES = r"""
- name: Back up before the release, once an hour at most
  runbook.release.pgbackrest_backup:
    stanza: exchange
    release: 2.4.0
    reuse_within: 3600
    login_host: /var/run/postgresql
    login_user: postgres
  become: true
"""

RETURN = r"""
backup:
  description: The backup, as M(runbook.release.pgbackrest_info) lists it. In check mode nothing where one would be taken.
  returned: success
  type: dict
  sample: {label: 20261121-020000F_20261121-100000D, type: diff, age_seconds: 2, release: 2.4.0, restore_point: pre_2.4.0}
restore_point:
  description: Name of the restore point.
  returned: success
  type: str
  sample: pre_2.4.0
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._postgresql.pgbackrest.backup import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
