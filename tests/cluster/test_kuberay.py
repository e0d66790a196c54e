"""The overlays, as kustomize builds them; no Kubernetes runs here."""

import copy
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.cluster.kuberay import check, cluster_of, pod_templates

pytestmark = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl builds the overlays"
)
OVERLAYS = sorted(path.name for path in Path("cluster/kuberay/overlays").iterdir())


@pytest.fixture(scope="module")
def built():
    def build(overlay):
        command = ["kubectl", "kustomize", f"cluster/kuberay/overlays/{overlay}"]
        ran = subprocess.run(command, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return list(yaml.safe_load_all(ran.stdout))

    made = {overlay: build(overlay) for overlay in OVERLAYS}
    return lambda overlay: copy.deepcopy(made[overlay])


@pytest.fixture(params=OVERLAYS)
def resources(request, built):
    return built(request.param)


def _ray(resources):
    (found,) = [each for each in resources if each["apiVersion"] == "ray.io/v1"]
    return found


def test_every_resource_is_accepted_by_its_schema(resources):
    for resource in resources:
        check(resource)


def test_the_schema_refuses_what_it_does_not_know(built):
    cluster = _ray(built("cpu"))
    cluster["spec"]["headGroupSpec"]["rayStartParams"]["num-cpus"] = 0
    with pytest.raises(jsonschema.ValidationError, match="0 is not of type 'string'"):
        check(cluster)


def test_the_schema_refuses_a_misspelt_field_of_a_pod(built):
    cluster = _ray(built("cpu"))
    cluster["spec"]["headGroupSpec"]["template"]["spec"]["nodeSelektor"] = {"a": "b"}
    with pytest.raises(Exception, match="nodeSelektor"):
        check(cluster)


def test_every_cluster_asks_for_the_token(resources):
    assert cluster_of(_ray(resources))["authOptions"]["mode"] == "token"


def test_no_pod_runs_as_root_or_may_become_it(resources):
    for template in pod_templates(_ray(resources)["spec"]):
        assert template["spec"]["securityContext"]["runAsNonRoot"]
        for container in template["spec"]["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_no_manifest_holds_a_credential(resources):
    assert all(resource["kind"] != "Secret" for resource in resources)
    for template in pod_templates(_ray(resources)["spec"]):
        for container in template["spec"]["containers"]:
            assert [source["secretRef"]["name"] for source in container["envFrom"]] == [
                "fckd-credentials"
            ]
            named = {entry["name"] for entry in container["env"]}
            assert not {name for name in named if "PASSWORD" in name or "SECRET" in name}


def test_a_network_policy_stands_before_every_ray_pod(resources):
    (policy,) = [
        each
        for each in resources
        if each["kind"] == "NetworkPolicy" and each["metadata"]["name"] == "fckd"
    ]
    chosen = policy["spec"]["podSelector"]["matchLabels"].items()
    for template in pod_templates(_ray(resources)["spec"]):
        assert chosen <= template["metadata"]["labels"].items()


def test_gpu_workers_have_the_cuda_image_and_a_gpu(built):
    (worker,) = cluster_of(_ray(built("gpu")))["workerGroupSpecs"]
    (container,) = worker["template"]["spec"]["containers"]
    assert container["image"] == "fckd:worker-cuda"
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"


def test_spot_nodes_take_workers_and_never_the_head(built):
    cluster = cluster_of(_ray(built("spot")))
    head, worker = pod_templates(cluster)
    assert worker["spec"]["nodeSelector"] == {"karpenter.sh/capacity-type": "spot"}
    affinity = head["spec"]["affinity"]["nodeAffinity"]
    (term,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [
        {"key": "karpenter.sh/capacity-type", "operator": "NotIn", "values": ["spot"]}
    ]


def test_the_autoscaler_may_talk_to_kubernetes(built):
    cluster = cluster_of(_ray(built("autoscaling")))
    (worker,) = cluster["workerGroupSpecs"]
    assert cluster["enableInTreeAutoscaling"]
    assert worker["minReplicas"] < worker["maxReplicas"]
    assert cluster["headGroupSpec"]["template"]["spec"]["automountServiceAccountToken"]


def test_the_heads_tables_outlive_it_in_a_service_of_the_same_overlay(built):
    resources = built("fault-tolerance")
    address = cluster_of(_ray(resources))["gcsFaultToleranceOptions"]["redisAddress"]
    services = [each for each in resources if each["kind"] == "Service"]
    assert address in [
        f"{each['metadata']['name']}:{port['port']}"
        for each in services
        for port in each["spec"]["ports"]
    ]


def test_the_job_has_the_cluster_of_the_base_and_a_deadline(built):
    job, alone = _ray(built("job")), _ray(built("cpu"))
    assert job["spec"]["rayClusterSpec"] == alone["spec"]
    assert job["spec"]["activeDeadlineSeconds"] > 0
    assert job["spec"]["shutdownAfterJobFinishes"]


def test_the_head_has_memory_for_every_group_that_its_workers_hold(resources):
    """Of one CPU each: a GiB for each group, and two besides, says docs/cluster.md."""
    cluster = cluster_of(_ray(resources))
    (workers,) = cluster["workerGroupSpecs"]
    (worker,) = workers["template"]["spec"]["containers"]
    head = cluster["headGroupSpec"]["template"]["spec"]["containers"][0]["resources"]
    groups = workers["maxReplicas"] * int(worker["resources"]["limits"]["cpu"])
    assert head["requests"]["memory"] == head["limits"]["memory"]
    assert int(head["limits"]["memory"].removesuffix("Gi")) >= groups + 2
