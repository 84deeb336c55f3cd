# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a service may say."""

from __future__ import annotations

from .._common.options import REQUIRED, Option
from .._gate.smoke_schema import CHECK
from .names import LABEL, LABEL_ALLOWED, VERSION, VERSION_ALLOWED
from .sections import STRATEGIES, allowed_strategies

_VARIABLES_ALLOWED = "a dictionary of variables of its container; null unsets one"


def service_option() -> Option:
    """With the strategies that are registered by now."""
    return Option("dict", allowed="a dictionary that has at least name", fields=_fields())


def _fields() -> dict[str, Option]:
    of_strategies = {name: option for name, option in STRATEGIES.items() if option.fields}
    return {
        "name": Option(
            "str",
            REQUIRED,
            "The workload, its container and its repository, where nothing else is said.",
            pattern=LABEL,
            allowed=LABEL_ALLOWED,
        ),
        "after": Option(
            "list",
            help="The services that have to have settled before; waves come from this.",
            each=Option("str", REQUIRED),
        ),
        "config": Option(
            "list",
            help="ConfigMaps and Secrets whose content rolls, and rolls back, with the service.",
            each=Option(
                "str",
                REQUIRED,
                pattern="(ConfigMap|Secret)/[a-z0-9.-]+",
                allowed="ConfigMap/NAME or Secret/NAME",
            ),
        ),
        "container": Option(
            "str",
            help="Name of the container, where it is not the service's.",
            pattern=LABEL,
            allowed=LABEL_ALLOWED,
        ),
        "env": Option(
            "dict",
            help="Variables of the container; null unsets one; secrets by valueFrom only.",
            allowed=_VARIABLES_ALLOWED,
        ),
        "image": Option(
            "str",
            help="Repository, where it is not release_registry/name.",
            pattern=r"[^\s:@]+(:\d+/[^\s:@]+)?",
            allowed="an image repository without tag or digest",
        ),
        "images": Option(
            "dict",
            help="Images of init containers and sidecars, by container.",
            allowed="a dictionary of container and image, with tag or digest: init containers and sidecars",
        ),
        "kind": Option(
            "str",
            "Deployment",
            "The kind of the workload.",
            choices=("Deployment", "StatefulSet", "DaemonSet"),
        ),
        "maintenance": Option(
            "dict",
            help="What maintenance mode does to it.",
            allowed="a dictionary with replicas or env, or both",
            fields={
                "env": Option(
                    "dict", help="Variables of its container meanwhile.", allowed=_VARIABLES_ALLOWED
                ),
                "replicas": Option("int", help="Its number of replicas meanwhile.", low=0),
            },
        ),
        "port": Option("int", help="Where it listens.", low=1, high=65535),
        "replicas": Option(
            "int", help="Number of replicas; leave it out where an autoscaler decides.", low=0
        ),
        "resources": Option(
            "dict",
            help="Limits and requests of the container.",
            allowed="a dictionary with limits and requests of its container",
            fields={
                "limits": Option("dict", help="What it may use.", allowed="a dictionary of quantities"),
                "requests": Option(
                    "dict", help="What it is scheduled by.", allowed="a dictionary of quantities"
                ),
            },
        ),
        "smoke": Option(
            "list",
            help="Checks that are made after its wave, as checks of service_smoke_info.",
            each=CHECK,
        ),
        "strategy": Option(
            "str",
            "rolling",
            "How it gets from the old version to the new one.",
            choices=allowed_strategies(),
        ),
        **of_strategies,
        "timeout": Option("int", help="Seconds that this service may take to settle.", low=1),
        "version": Option(
            "str",
            help="Tag or digest, where it is not release_version.",
            pattern=VERSION,
            allowed=VERSION_ALLOWED,
        ),
    }
