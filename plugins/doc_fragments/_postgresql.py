# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Mirrors OPTIONS of plugins/module_utils/_postgresql/login.py.
    DOCUMENTATION = r"""
options:
  login_url:
    description: The connection as a URL, C(postgresql://user:password@host:port/database), in place of the other C(login_) options.
    type: str
  login_host:
    description:
      - Host name or address of the server, or the folder of its Unix socket.
      - What is not given comes from libpq's own environment variables and files, such as E(PGHOST) and C(~/.pgpass).
    type: str
  login_port:
    description: Port of the server.
    type: int
  login_user:
    description: User to connect as.
    type: str
  login_password:
    description: Password of the user. It reaches other programs by their environment, never by a command line.
    type: str
  ssl_mode:
    description: How far TLS is demanded, in the terms of libpq.
    type: str
    choices: [disable, allow, prefer, require, verify-ca, verify-full]
  ca_cert:
    description: Path of the certificates that the server's own is checked against.
    type: path
  database:
    description: Name of the database.
    type: str
requirements:
  - psycopg >= 3.1
notes:
  - Runs inside the Ansible controller when the connection of the host is local and C(become) is not used; it then says
    on standard error how far it is. Elsewhere it runs as an ordinary module, without these lines.
  - Use a direct connection to the server. A pooler in transaction mode (PgBouncer) strands locks and settings of the session.
"""

    # Mirrors OPTIONS of plugins/module_utils/_postgresql/health/data.py.
    QUERIES = r"""
options:
  queries:
    description:
      - Questions about the data, such as the orders of the last hour. Each is a C(SELECT) of one number.
      - They run read-only, and are rolled back. What fails or takes longer than O(query_timeout) is a reason.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the query.
        type: str
        required: true
      sql:
        description: The C(SELECT).
        type: str
        required: true
      min:
        description: The least that the number may be.
        type: float
      max:
        description: The most that the number may be.
        type: float
      max_drop_percent:
        description: By how many percent the number may be less than in O(before). V(0) when it must not become less.
        type: float
      max_rise_percent:
        description: By how many percent the number may be more than in O(before).
        type: float
  query_timeout:
    description: Seconds that one of O(queries) may take.
    type: int
    default: 10
  before:
    description: The result of M(runbook.release.pg_health_info) before, with which the answers to O(queries) are compared.
    type: dict
"""
