"""Which of Kubernetes' Pod Security Standards a pod meets, by the rules of their admission controller, and the pods that a service has.

Source: kubernetes/website content/en/docs/concepts/security/pod-security-standards.md and k8s.io/pod-security-admission/policy, 1.34.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..planning.servers import pod_of
from ..planning.types import ServicePlan, StackPlan
from .copies import copy_job
from .group import leader_worker_set
from .inference import inference_service, serving_runtime
from .ray import ray_service

RESTRICTED, BASELINE, PRIVILEGED = LEVELS = ("restricted", "baseline", "privileged")
"""Strictest first."""
Pod = Mapping[str, Any]
"""The spec of one."""

ADDABLE = frozenset(
    (
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID"),
        *("SETPCAP", "SETUID", "SYS_CHROOT"),
    )
)
"""Capabilities that `baseline` lets a container have."""
PLAIN_VOLUMES = frozenset(
    ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret", "name")
)
"""Kinds of volumes that `restricted` lets a pod mount, and the key that all of them have."""
SAFE_SYSCTLS = frozenset(
    (
        *("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies"),
        *("net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout"),
        *("net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"),
    )
)
SAFE_SELINUX = frozenset(("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"))
SECCOMP = frozenset(("RuntimeDefault", "Localhost"))
HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
KSERVE_ONLY = frozenset(("minReplicas", "maxReplicas", "timeout", "deploymentStrategy", "storageUris", "model"))
"""Fields of a predictor that are none of a pod."""


def level(pod: Pod) -> str:
    """The strictest standard that it meets."""
    if any(_against_baseline(pod)):
        return PRIVILEGED
    return BASELINE if any(_against_restricted(pod)) else RESTRICTED


def weakest(levels: Iterable[str]) -> str:
    """The standard that all of them meet."""
    return max(levels, key=LEVELS.index)


def objections(pod: Pod) -> tuple[str, ...]:
    """What keeps it from `restricted`."""
    return (*_against_baseline(pod), *_against_restricted(pod))


def level_of_stack(plan: StackPlan) -> str:
    """The standard that the pods of all its services meet."""
    copies = (copy_job(service) for service in plan.services)
    copying = (job["spec"]["template"]["spec"] for job in copies if job is not None)
    return weakest(level(pod) for pod in (*copying, *(pod for services in plan.servers for pod in pods(services).values())))


def pods(plans: Sequence[ServicePlan]) -> dict[str, Pod]:
    """The pods of the services of one server by their part in it, as their controllers make them; what these add is not among it."""
    plan = plans[0]
    if plan.machines > 1:
        groups = leader_worker_set(plan)["spec"]["leaderWorkerTemplate"]
        return {"leader": groups["leaderTemplate"]["spec"], "worker": groups["workerTemplate"]["spec"]}
    if plan.spec.served is not None:
        cluster = ray_service(plans)["spec"]["rayClusterConfig"]
        workers = {group["groupName"]: group["template"]["spec"] for group in cluster["workerGroupSpecs"]}
        return {"head": cluster["headGroupSpec"]["template"]["spec"], **workers}
    plan = pod_of(plans)
    predictor, runtime = inference_service(plan)["spec"]["predictor"], serving_runtime(plan)["spec"]
    (server,) = runtime["containers"]
    settings = {key: value for key, value in predictor.items() if key not in KSERVE_ONLY}
    server = {**server, "resources": predictor["model"]["resources"]}
    return {"predictor": {**settings, "containers": [server], "volumes": runtime["volumes"]}}


def _against_baseline(pod: Pod) -> Iterator[str]:
    yield from (f"{namespace} is shared with the node" for namespace in HOST_NAMESPACES if pod.get(namespace))
    yield from (f"volume {volume['name']} is a path of the node" for volume in pod.get("volumes", ()) if "hostPath" in volume)
    yield from (f"sysctl {sysctl['name']} is not safe" for sysctl in _context(pod).get("sysctls", ()) if sysctl["name"] not in SAFE_SYSCTLS)
    yield from _open_profiles("pod", _context(pod))
    for container in _containers(pod):
        name, context = container["name"], _context(container)
        if context.get("privileged"):
            yield f"{name} is privileged"
        if not set(context.get("capabilities", {}).get("add", ())) <= ADDABLE:
            yield f"{name} adds capabilities"
        if any(port.get("hostPort") for port in container.get("ports", ())):
            yield f"{name} takes a port of the node"
        if context.get("procMount", "Default") != "Default":
            yield f"{name} unmasks /proc"
        if any(handler.get("host") for handler in _handlers(container)):
            yield f"{name} has a probe that asks another host"
        yield from _open_profiles(name, context)


def _against_restricted(pod: Pod) -> Iterator[str]:
    yield from (f"volume {volume['name']} is of another kind" for volume in pod.get("volumes", ()) if not set(volume) <= PLAIN_VOLUMES)
    shared = _context(pod)
    if shared.get("runAsNonRoot") is False or shared.get("runAsUser") == 0:
        yield "pod runs as root"
    for container in _containers(pod):
        name, context = container["name"], _context(container)
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"{name} may gain privileges"
        if not context.get("runAsNonRoot", shared.get("runAsNonRoot")):
            yield f"{name} may run as root"
        if context.get("runAsUser") == 0:
            yield f"{name} runs as root"
        if context.get("seccompProfile", shared.get("seccompProfile", {})).get("type") not in SECCOMP:
            yield f"{name} has no seccomp profile"
        capabilities = context.get("capabilities", {})
        if "ALL" not in capabilities.get("drop", ()) or not set(capabilities.get("add", ())) <= {"NET_BIND_SERVICE"}:
            yield f"{name} keeps capabilities"


def _open_profiles(name: str, context: Mapping[str, Any]) -> Iterator[str]:
    """Profiles of the kernel's security modules that are switched off or chosen freely."""
    if context.get("seccompProfile", {}).get("type") == "Unconfined":
        yield f"{name} is unconfined by seccomp"
    if context.get("appArmorProfile", {}).get("type") == "Unconfined":
        yield f"{name} is unconfined by AppArmor"
    selinux = context.get("seLinuxOptions", {})
    if selinux.get("type", "") not in SAFE_SELINUX or selinux.get("user") or selinux.get("role"):
        yield f"{name} chooses its SELinux user, role or type"
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield f"{name} is a process of a Windows node"


def _containers(pod: Pod) -> list[Mapping[str, Any]]:
    return [container for kind in ("initContainers", "containers", "ephemeralContainers") for container in pod.get(kind, ())]


def _context(of: Mapping[str, Any]) -> Mapping[str, Any]:
    return of.get("securityContext") or {}


def _handlers(container: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """HTTP and TCP handlers of probes and of lifecycle hooks."""
    asked = [container.get(f"{kind}Probe") for kind in ("startup", "readiness", "liveness")]
    asked += (container.get("lifecycle") or {}).values()
    for handler in asked:
        yield from (handler[kind] for kind in ("httpGet", "tcpSocket") if handler and kind in handler)
