#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgbackrest_stanza
short_description: Let PostgreSQL archive its WAL into a repository of pgBackRest
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Makes the stanza in the repository where it is missing, sets C(archive_mode), C(archive_command) and C(archive_timeout) of the server by
    C(ALTER SYSTEM), and checks that WAL arrives.
  - Never restarts the server. C(archive_mode) takes effect with the next restart; see RV(restart_required).
extends_documentation_fragment:
  - runbook.release._attributes
  - runbook.release._pgbackrest
  - runbook.release._postgresql
options:
  archive_timeout:
    description: Seconds after which the server hands on a WAL segment that is not full. What is lost at most when the server is.
    type: int
    default: 60
seealso:
  - module: runbook.release.pgbackrest_backup
"""

EXAMPLES = r"""
- name: Let the server archive
  runbook.release.pgbackrest_stanza:
    stanza: exchange
    login_host: /var/run/postgresql
    login_user: postgres
  become: true
"""

RETURN = r"""
restart_required:
  description: Whether PostgreSQL has to be restarted before it archives.
  returned: success
  type: bool
  sample: false
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._postgresql.pgbackrest.stanza import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
