# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The option ``job``: what it holds, and what would be wrong
with it. Nothing here needs the package ``kubernetes``.
"""

from __future__ import annotations

import posixpath
import typing as t

from ..._common.errors import InputError
from ..._common.options import REQUIRED, Option
from ..._kubernetes.job import spec as job_spec
from ..login import Login, from_environment

# By the names of kube_job, which says what they do; src,
# login_host, login_port and ca_cert are what the pod sees.
OPTIONS: dict[str, Option] = {
    "namespace": Option("str", REQUIRED),
    "src": Option("str", REQUIRED),
    **job_spec.OPTIONS,
    "login_host": Option("str"),
    "login_port": Option("int"),
    "ca_cert": Option("str"),
    "stuck_after": Option("int", 60, low=1),
    "kubeconfig": Option("path"),
    "context": Option("str"),
    "api_patience": Option("int", 8, low=0),
}
JOB = Option("dict", fields=OPTIONS, constraints={"required_one_of": [["workload", "image"]]})
# Paths and names of entries in files, on this machine.
_OURS_ALONE = ("sslrootcert", "sslcert", "sslkey", "service")
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def reached(job: t.Mapping[str, t.Any], login: Login, environment: t.Mapping[str, str]) -> Login:
    """The login as a pod has to have it: it inherits nothing of our environment."""
    known = {
        **from_environment(environment),
        **{name: value for name, value in login.parameters.items() if name not in _OURS_ALONE},
    }
    port = "" if job["login_port"] is None else str(job["login_port"])
    return Login(known).having(host=job["login_host"] or "", port=port, sslrootcert=job["ca_cert"] or "")


def check(params: t.Mapping[str, t.Any], login: Login, environment: t.Mapping[str, str]) -> None:
    """Every problem at once, before anything is asked of anybody."""
    job, problems = params["job"], []
    if params["engine"] == "sql":
        problems.append(
            "job: found it with engine=sql, whose files the task itself sends; allowed: an engine with a program of its own, or no job"
        )
    if not posixpath.isabs(job["src"]):
        problems.append(
            f"job.src: found {job['src']!r}; allowed: the absolute path of the migrations inside the image"
        )
    host = reached(job, login, environment).parameters.get("host", "")
    if not job["login_host"] and (not host or host.startswith("/") or host in _THIS_MACHINE):
        where = (
            f"login_host is {host}, which inside a pod is the pod itself"
            if host
            else "no address of the database is given"
        )
        problems.append(
            f"job.login_host: is missing, and {where}; allowed: the host name or address by which pods reach the database"
        )
    if login.parameters.get("sslrootcert") and not job["ca_cert"]:
        problems.append(
            "job.ca_cert: is missing, and ca_cert is given; allowed: the path of the certificates inside the image"
        )
    if job["stuck_after"] < 1:
        problems.append(f"job.stuck_after: found {job['stuck_after']}; allowed: 1 or more")
    if problems:
        raise InputError("The options are wrong; nothing was changed.", why=problems)
