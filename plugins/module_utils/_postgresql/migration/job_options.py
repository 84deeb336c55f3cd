# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The option ``job`` and its checks. Nothing here needs the package ``kubernetes``."""

from __future__ import annotations

import posixpath
import typing as t

from ..._common.errors import InputError
from ..._common.options import REQUIRED, Option
from ..._kubernetes.job import spec as job_spec
from ..login import Login, from_environment

# As the options of kube_job; src, login_host, login_port and ca_cert are as the pod sees them.
OPTIONS: dict[str, Option] = {
    "namespace": Option("str", REQUIRED),
    "src": Option("str", REQUIRED),
    **job_spec.OPTIONS,
    "login_host": Option("str"),
    "login_port": Option("int", low=1, high=65535),
    "ca_cert": Option("str"),
    "stuck_after": Option("int", 60, low=1),
    "kubeconfig": Option("path"),
    "context": Option("str"),
    "api_retry_timeout": Option("int", 8, low=0),
}
JOB = Option("dict", fields=OPTIONS, constraints={"required_one_of": [["workload", "image"]]})
# Parameters that name files, or entries in files, of this machine.
_OURS_ALONE = ("sslrootcert", "sslcert", "sslkey", "service")
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def reached(job: t.Mapping[str, t.Any], login: Login, environment: t.Mapping[str, str]) -> Login:
    """The login for a pod, which does not inherit our environment."""
    known = {
        **from_environment(environment),
        **{name: value for name, value in login.parameters.items() if name not in _OURS_ALONE},
    }
    port = "" if job["login_port"] is None else str(job["login_port"])
    return Login(known).having(host=job["login_host"] or "", port=port, sslrootcert=job["ca_cert"] or "")


def check(
    job: t.Mapping[str, t.Any],
    engine: str,
    has_program: bool,
    login: Login,
    environment: t.Mapping[str, str],
) -> None:
    """Reports all problems at once, before anything is read.

    :param has_program: whether this engine has a program that a Job could run.
    """
    problems = []
    if not has_program:
        problems.append(
            f"job: found it with engine={engine}, whose files the task itself sends; allowed: an engine with a program of its own, or no job"
        )
    if not posixpath.isabs(job["src"]):
        problems.append(
            f"job.src: found {job['src']!r}; allowed: the absolute path of the migrations inside the image"
        )
    host = reached(job, login, environment).parameters.get("host", "")
    if not job["login_host"] and (not host or host.startswith("/") or host in _THIS_MACHINE):
        where = "no address of the database is given"
        if host:
            where = f"login_host is {host}, which inside a pod is the pod itself"
        problems.append(
            f"job.login_host: is missing, and {where}; allowed: the host name or address by which pods reach the database"
        )
    if login.parameters.get("sslrootcert") and not job["ca_cert"]:
        problems.append(
            "job.ca_cert: is missing, and ca_cert is given; allowed: the path of the certificates inside the image"
        )
    if problems:
        raise InputError("The options are wrong; nothing was changed.", why=problems)
