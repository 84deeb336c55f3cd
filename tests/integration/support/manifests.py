# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests put in their namespaces."""

from __future__ import annotations

import copy
import typing as t

Manifest = dict[str, t.Any]

# A value that must appear in no output, report or object.
SECRET = "planted-pa55word"
# Of the demo platform's program.
READY: Manifest = {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1}


def deployment(name: str, image: str, **container: t.Any) -> Manifest:
    """The caller's to change, down to its probe."""
    labels = {"app": name}
    container = copy.deepcopy(container)
    spec = {"terminationGracePeriodSeconds": 0, "containers": [{"name": name, "image": image, **container}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }
