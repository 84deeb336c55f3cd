# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Mirrors OPTIONS of plugins/module_utils/_postgresql/pgbackrest/repository.py.
    DOCUMENTATION = r"""
options:
  stanza:
    description: Name of the stanza, a section of pgBackRest's configuration file.
    type: str
    required: true
  config:
    description: Path of pgBackRest's configuration file; its own default when it is not given.
    type: path
  repo:
    description: Number of the repository to work on, where there are several. All of them, or the first, when it is not given, as with pgBackRest.
    type: int
  program:
    description: pgBackRest's program, by name or path.
    type: str
    default: pgbackrest
  user:
    description:
      - Whom programs run as, and connections to the server's socket are made as, when the task itself runs as root. So C(become) to root is
        enough, also where C(pg_hba.conf) has C(peer). Otherwise it is the task's user.
    type: str
    default: postgres
requirements:
  - pgBackRest >= 2.45
notes:
  - Runs on the host of the PostgreSQL server, or on another that reaches the repository where the server is not asked.
  - Version 2.46 and newer store changed blocks instead of changed files; with 2.45 a differential backup of large tables is nearly a full one.
"""

    # Mirrors OPTIONS of plugins/module_utils/_postgresql/pgbackrest/wal.py.
    WAL = r"""
options:
  wal_segment_bytes:
    description: Size of the server's WAL segments, as C(SHOW wal_segment_size) tells it.
    type: int
    default: 16777216
"""
