# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What the description of a platform says of its cluster."""

from __future__ import annotations

from .._common.options import Option
from .._platform.names import LABEL, LABEL_ALLOWED
from .._platform.sections import Section, register, register_strategy, register_target
from .rollout.strategies.registry import STRATEGIES

register_target("kubernetes")
for strategy in STRATEGIES.values():
    register_strategy(strategy.name, strategy.HELP, strategy.OPTIONS)

register(
    Section(
        "The cluster",
        {
            "release_namespace": Option(
                "str",
                help="The namespace; the platform's name where it is left out.",
                pattern=LABEL,
                allowed=LABEL_ALLOWED,
            ),
            "release_kubeconfig": Option("str", help="The kubeconfig; kubectl's own where it is left out."),
            "release_context": Option("str", help="The context in it; the current one where it is left out."),
            "release_drain": Option(
                "dict",
                help="What maintenance mode waits for; pods that are on their way out where it is left out.",
                allowed="a dictionary with metric, at_most, port, path and timeout, "
                "as the drain of kube_maintenance",
                fields={
                    "at_most": Option("raw", help="The value at which the metric is low enough."),
                    "metric": Option(
                        "str",
                        help="The metric of work under way.",
                        pattern="[a-zA-Z_:][a-zA-Z0-9_:]*",
                        allowed="the name of a metric",
                    ),
                    "path": Option(
                        "str",
                        help="Where the pods show it.",
                        pattern="/.*",
                        allowed="a path that begins with /",
                    ),
                    "port": Option("int", help="The port of the pods that shows it.", low=1, high=65535),
                    "timeout": Option("int", help="Seconds to wait at most.", low=1),
                },
            ),
        },
    )
)
