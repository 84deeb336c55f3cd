# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What the description of a platform says of its database."""

from __future__ import annotations

from .._common.options import REQUIRED, Option, without_defaults
from .._platform.sections import Section, register
from . import login
from .backup.programs import ENCRYPTIONS
from .backup.stores import options as store
from .migration import job_options as job

_KEEP = Option(
    "dict",
    fields={
        "kind": Option("str", REQUIRED, "The kind of backup."),
        "count": Option("int", help="The newest that stay.", low=1),
        "days": Option("int", help="Days for which they stay.", low=1),
    },
)

register(
    Section(
        "The database",
        {
            "release_database": Option(
                "dict",
                help="How it is reached: the login options of pg_backup, with database.",
                allowed="a dictionary of the login options of pg_backup, with database",
                fields=without_defaults(login.OPTIONS),
            ),
            "release_backup": Option(
                "dict",
                help="Where its backups are, and what the role backup does.",
                allowed="a dictionary with store, and what else the role backup takes",
                fields={
                    "drill": Option("bool", help="Whether a backup is proven by a restore."),
                    "encryption": Option("str", help="How backups are encrypted.", choices=ENCRYPTIONS),
                    "identity": Option("str", help="The file with the private key that decrypts them."),
                    "keep": Option("list", help="What pruning keeps.", each=_KEEP),
                    "pg_bin": Option("str", help="The folder of PostgreSQL's programs."),
                    "recipients": Option(
                        "list",
                        help="The public keys that they are encrypted for.",
                        each=Option("str", REQUIRED),
                    ),
                    "store": Option(
                        "dict",
                        help="Where they are: path, or bucket and others.",
                        allowed="a dictionary of the store options of pg_backup: path, or bucket and others",
                        fields=without_defaults(store.OPTIONS),
                    ),
                    "tags": Option("dict", help="What is written into the manifest of each."),
                    "verified_within": Option(
                        "int", help="Seconds: how old the newest proven backup may be.", low=1
                    ),
                },
            ),
            "release_database_health": Option(
                "dict",
                help="What it has to be like, before a release and after: options of pg_health_info.",
                allowed="a dictionary of the options of pg_health_info besides those of the login, "
                "such as queries",
            ),
        },
        passed_through=True,
    )
)

register(
    Section(
        "Migrations",
        {
            "release_migrations": Option(
                "list",
                help="Folders of migrations, in order.",
                allowed="a list of folders of migrations, each a dictionary with src and, where needed, "
                "what else pg_migrate takes",
                each=Option(
                    "dict",
                    fields={
                        "engine": Option("str", help="The engine; sql where it is left out."),
                        "job": Option(
                            "dict",
                            help="Runs the engine's program in a Job: the option job of pg_migrate.",
                            allowed="a dictionary as the option job of pg_migrate",
                            fields=without_defaults(job.OPTIONS),
                        ),
                        "lint": Option("str", help="What findings of squawk do: block, report or skip."),
                        "lint_block": Option("list", help="The findings that block."),
                        "migrations_dir": Option("str", help="The folder below src."),
                        "program": Option("str", help="The engine's program."),
                        "scope": Option("str", help="The name of the folder's ledger."),
                        "src": Option("str", REQUIRED, "The folder.", allowed="a folder"),
                        "table": Option("str", help="The table in which the engine keeps its own record."),
                    },
                ),
            ),
            "release_migrate_allow_data_loss": Option(
                "bool", False, "Whether migrations, or their ways down, may run that destroy data."
            ),
            "release_lock_wait_timeout": Option(
                "int", 0, "Seconds to wait for another migration or backup of the database.", low=0
            ),
        },
    )
)
