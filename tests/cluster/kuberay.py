"""What the operator's custom resources accept, apart from what Kubernetes itself describes.

Written from the types of KubeRay 1.5 (github.com/ray-project/kuberay, ray-operator/apis/ray/v1,
Apache-2.0): the published definitions take megabytes, nearly all of them the pod template's. Every
unknown field is refused. A pod template is held against Kubernetes' own schema.
"""

from typing import Any

import jsonschema
import kubernetes_validate

KUBERNETES = "1.31"


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
FLAG = {"type": "boolean"}
TEXTS = {"type": "object", "additionalProperties": TEXT}
ANY = {"type": "object"}
CREDENTIAL = _object(value=TEXT, valueFrom=ANY)
CLUSTER = _object(
    ("headGroupSpec",),
    rayVersion=TEXT,
    suspend=FLAG,
    managedBy={"enum": ["ray.io/kuberay-operator", "kueue.x-k8s.io/multikueue"]},
    headServiceAnnotations=TEXTS,
    authOptions=_object(mode={"enum": ["disabled", "token"]}, secretName=TEXT),
    enableInTreeAutoscaling=FLAG,
    autoscalerOptions=_object(
        idleTimeoutSeconds=COUNT,
        upscalingMode={"enum": ["Default", "Aggressive", "Conservative"]},
        image=TEXT,
        imagePullPolicy={"enum": ["Always", "Never", "IfNotPresent"]},
        resources=ANY,
        securityContext=ANY,
        env={"type": "array"},
        envFrom={"type": "array"},
        volumeMounts={"type": "array"},
    ),
    gcsFaultToleranceOptions=_object(
        ("redisAddress",),
        redisAddress=TEXT,
        redisUsername=CREDENTIAL,
        redisPassword=CREDENTIAL,
        externalStorageNamespace=TEXT,
    ),
    headGroupSpec=_object(
        ("rayStartParams", "template"),
        rayStartParams=TEXTS,
        template=ANY,
        serviceType={"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
        headService=ANY,
        enableIngress=FLAG,
    ),
    workerGroupSpecs={
        "type": "array",
        "items": _object(
            ("groupName", "minReplicas", "maxReplicas", "rayStartParams", "template"),
            groupName=TEXT,
            replicas=COUNT,
            minReplicas=COUNT,
            maxReplicas=COUNT,
            numOfHosts={"type": "integer", "minimum": 1},
            idleTimeoutSeconds=COUNT,
            suspend=FLAG,
            rayStartParams=TEXTS,
            template=ANY,
            scaleStrategy=_object(workersToDelete={"type": "array", "items": TEXT}),
        ),
    },
)
JOB = _object(
    entrypoint=TEXT,
    runtimeEnvYAML=TEXT,
    jobId=TEXT,
    metadata=TEXTS,
    submissionMode={"enum": ["K8sJobMode", "HTTPMode", "InteractiveMode"]},
    submitterPodTemplate=ANY,
    submitterConfig=_object(backoffLimit=COUNT),
    activeDeadlineSeconds={"type": "integer", "minimum": 1},
    backoffLimit=COUNT,
    ttlSecondsAfterFinished=COUNT,
    shutdownAfterJobFinishes=FLAG,
    suspend=FLAG,
    managedBy=TEXT,
    clusterSelector=TEXTS,
    rayClusterSpec=CLUSTER,
    entrypointNumCpus={"type": "number"},
    entrypointNumGpus={"type": "number"},
    entrypointResources=TEXT,
)
SPECS = {"RayCluster": CLUSTER, "RayJob": JOB}


def check(resource: dict[str, Any]) -> None:
    """Return if the operator, or Kubernetes, accepts this resource.

    Raises:
        jsonschema.ValidationError: It does not.
    """
    if resource["apiVersion"] != "ray.io/v1":
        kubernetes_validate.validate(resource, KUBERNETES, strict=True)
        return
    jsonschema.validate(resource["spec"], SPECS[resource["kind"]])
    for template in pod_templates(resource["spec"]):
        whole = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "a"}}
        kubernetes_validate.validate({**whole, "template": template}, KUBERNETES, strict=True)


def cluster_of(resource: dict[str, Any]) -> dict[str, Any]:
    """Return the description of the cluster in a RayCluster or RayJob."""
    return resource["spec"].get("rayClusterSpec", resource["spec"])


def pod_templates(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the head's template and those of the workers."""
    cluster = spec.get("rayClusterSpec", spec)
    groups = [cluster["headGroupSpec"], *cluster.get("workerGroupSpecs", ())]
    return [group["template"] for group in groups]
