# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Mirrors OPTIONS of plugins/module_utils/_postgresql/backup/stores/options.py, beside those of _aws.
    DOCUMENTATION = r"""
options:
  path:
    description: Folder that the backups are kept in, on the machine where this runs. Use either this or O(bucket).
    type: path
  bucket:
    description: Bucket of S3, or of a server that speaks its language, that the backups are kept in.
    type: str
  prefix:
    description: What all names in the bucket or folder begin with.
    type: str
    default: ""
  server_side_encryption:
    description: Asks S3 to encrypt what is written, with its own keys or those of KMS.
    type: str
    choices: [AES256, aws:kms]
  kms_key_id:
    description: Key of KMS to use when O(server_side_encryption=aws:kms).
    type: str
"""

    # Mirrors SERVER, without the login and the store, of plugins/module_utils/_postgresql/backup/options.py.
    PROGRAMS = r"""
options:
  pg_bin:
    description:
      - Folder of PostgreSQL's client programs, such as C(/usr/lib/postgresql/17/bin); those on E(PATH) when it is not given.
      - They must not be older than the server.
    type: path
requirements:
  - PostgreSQL's client programs and zstd where this runs; age or gpg where backups are encrypted
"""

    # Mirrors LOAD of plugins/module_utils/_postgresql/backup/options.py; O(backup) stands in the modules.
    LOAD = r"""
options:
  identity:
    description: Of a backup encrypted with age the file with the private key; of one encrypted with gpg the home folder of gpg, where it is not the user's.
    type: path
  jobs:
    description:
      - How many sessions C(pg_restore) uses.
      - With one the backup is streamed from the store into the server. With more it is first unpacked into O(spool).
    type: int
    default: 1
  spool:
    description: Folder for the unpacked backup when O(jobs) is more than 1; the system's temporary folder when it is not given.
    type: path
"""
