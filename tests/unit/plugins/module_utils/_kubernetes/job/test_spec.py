# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import copy

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.job import spec

WALLET = {
    "kind": "Deployment",
    "metadata": {"name": "wallet"},
    "spec": {
        "template": {
            "metadata": {"labels": {"app": "wallet"}, "annotations": {"vault/inject": "true"}},
            "spec": {
                "restartPolicy": "Always",
                "serviceAccountName": "wallet",
                "initContainers": [{"name": "wait", "image": "wait:1"}],
                "containers": [
                    {"name": "proxy", "image": "proxy:1"},
                    {
                        "name": "wallet",
                        "image": "wallet:1",
                        "args": ["serve"],
                        "env": [
                            {"name": "MODE", "value": "serve"},
                            {"name": "DB", "valueFrom": {"secretKeyRef": {"name": "db", "key": "dsn"}}},
                        ],
                        "ports": [{"containerPort": 8080}],
                        "livenessProbe": {},
                        "volumeMounts": [{"name": "tls", "mountPath": "/tls"}],
                    },
                ],
                "volumes": [{"name": "tls"}],
            },
        }
    },
}


def given(**params):
    return spec.JobRequest(**{"name": "migrate", "timeout": 120, **params})


def pod(job):
    return job["spec"]["template"]["spec"]


@pytest.mark.parametrize(
    ("name", "release", "full"),
    [
        ("migrate", "2.4.0", "migrate-2-4-0"),
        ("migrate", None, "migrate"),
        ("Migrate_DB", "2.4.0+b1", "migrate-db-2-4-0-b1"),
    ],
)
def test_the_name_is_the_same_for_the_same_release(name, release, full):
    assert spec.name_of(name, release) == full


def test_long_names_stay_apart_within_what_a_label_holds():
    one, other = spec.name_of("m" * 70, "1"), spec.name_of("m" * 70, "2")
    assert len(one) <= 63 and one != other


def test_a_name_without_a_letter_is_refused():
    with pytest.raises(InputError, match="name: found '---'"):
        spec.name_of("---", None)


def test_a_workload_gives_what_its_process_runs_with_and_nothing_that_makes_it_serve():
    before = copy.deepcopy(WALLET)
    job = spec.body(
        spec.from_workload(WALLET, "wallet"),
        given(container="wallet", image="wallet:2", command=["migrate"], env={"MODE": "once"}),
    )
    assert pod(job)["containers"] == [
        {
            "name": "wallet",
            "image": "wallet:2",
            "command": ["migrate"],
            "env": [
                {"name": "DB", "valueFrom": {"secretKeyRef": {"name": "db", "key": "dsn"}}},
                {"name": "MODE", "value": "once"},
            ],
            "volumeMounts": [{"name": "tls", "mountPath": "/tls"}],
        }
    ]
    assert (pod(job)["restartPolicy"], pod(job)["serviceAccountName"], pod(job)["volumes"]) == (
        "Never",
        "wallet",
        [{"name": "tls"}],
    )
    assert "initContainers" not in pod(job) and job["spec"]["template"]["metadata"]["annotations"] == {
        "vault/inject": "true"
    }
    # A Service that selects app=wallet must not find the pod.
    assert "app" not in job["spec"]["template"]["metadata"]["labels"] and before == WALLET


def test_nothing_runs_on_by_itself():
    job = spec.body(spec.from_image("task:1"), given(args=["x"]))["spec"]
    assert (job["backoffLimit"], job["activeDeadlineSeconds"], job["ttlSecondsAfterFinished"]) == (
        0,
        120,
        86400,
    )


def test_a_definition_keeps_its_own_limits_unless_the_task_says_otherwise():
    definition = {
        "kind": "Job",
        "metadata": {"name": "other", "labels": {"team": "db"}},
        "spec": {
            "backoffLimit": 3,
            "suspend": True,
            "template": {
                "spec": {"restartPolicy": "OnFailure", "containers": [{"name": "a", "image": "a:1"}]}
            },
        },
    }
    job = spec.body(spec.from_definition(definition, "definition"), given())
    assert (job["spec"]["backoffLimit"], pod(job)["restartPolicy"], job["metadata"]["labels"]["team"]) == (
        3,
        "OnFailure",
        "db",
    )
    assert job["metadata"]["name"] == "migrate" and "suspend" not in job["spec"]
    assert (
        spec.body(spec.from_definition(definition, "definition"), given(retries=1))["spec"]["backoffLimit"]
        == 1
    )


def test_a_cron_job_gives_the_job_that_it_would_make():
    template = {
        "metadata": {"labels": {"team": "db"}},
        "spec": {"template": {"spec": {"containers": [{"name": "nightly", "image": "n:1"}]}}},
    }
    job = spec.body(
        spec.from_cron_job({"metadata": {"name": "nightly"}, "spec": {"jobTemplate": template}}), given()
    )
    assert pod(job)["containers"][0]["image"] == "n:1" and job["metadata"]["labels"]["team"] == "db"


def test_everything_that_a_container_can_be_given():
    sources = [
        {"secret": "db", "config_map": None, "prefix": "DB_"},
        {"secret": None, "config_map": "flags", "prefix": None},
    ]
    job = spec.body(
        spec.from_image("task:1"),
        given(
            env={"N": 1},
            env_from=sources,
            service_account="migrator",
            resources={"limits": {"memory": "64Mi"}},
        ),
    )
    container = pod(job)["containers"][0]
    assert container["envFrom"] == [
        {"secretRef": {"name": "db"}, "prefix": "DB_"},
        {"configMapRef": {"name": "flags"}},
    ]
    assert container["env"] == [{"name": "N", "value": "1"}] and container["resources"] == {
        "limits": {"memory": "64Mi"}
    }
    assert pod(job)["serviceAccountName"] == "migrator"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: spec.from_definition({"kind": "Pod", "spec": {}}, "src (job.yml)"),
            r"src \(job.yml\): found Pod; allowed: one Job",
        ),
        (lambda: spec.from_definition([1], "definition"), "definition: found list"),
        (
            lambda: spec.from_definition({"kind": "Job", "spec": {}}, "definition"),
            "spec.template.spec.containers is missing",
        ),
        (
            lambda: spec.from_workload(WALLET, "walet"),
            "container: Deployment wallet has no container named walet; it has: proxy, wallet",
        ),
    ],
)
def test_what_is_no_job_is_refused_by_the_name_of_the_option(make, said):
    with pytest.raises(InputError, match=said):
        make()


def test_the_same_content_has_the_same_hash_whoever_waits_how_long():
    def digest(**params):
        return spec.body(spec.from_image("task:1"), given(**params))["metadata"]["annotations"][spec.HASH]

    assert digest() == digest(timeout=5, ttl=9) != digest(args=["other"])


def test_what_is_shown_names_the_variables_and_not_what_the_cluster_holds():
    job = spec.body(spec.from_workload(WALLET, "wallet"), given(container="wallet"))
    assert spec.shown(job, "wallet")["env"] == {"MODE": "serve", "DB": "(from the cluster)"}
