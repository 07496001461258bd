"""What people write in place of a key, from other tools and by habit.

Spellings stand without case and separators. A key's own name in snake_case or kebab-case needs no row.
"""

from __future__ import annotations

from collections.abc import Mapping

from .schema import ApiPriceRow, Budget, Constraints, ExistingNodes, OwnedHardware, Service, SloTargets, Target, Traffic
from .section import Section

_SPELLINGS: Mapping[type[Section], Mapping[str, str]] = {
    Target: {
        "cloud": "provider platform type",
        "region": "location",
        "zones": "azs availabilityzones",
        "clusterName": "name cluster",
        "network: {cidr: ...}": "vpc vpccidr",
        "versions: {kubernetes: ...}": "version k8sversion kubernetesversion",
        "nodeScaling": "autoscaling autoscaler",
        "kubeconfigContext": "context kubeconfig",
        "nodes": "nodepools",
        "deletionProtection": "protect",
    },
    ExistingNodes: {
        "gpusPerNode": "gpus numgpus gpucount",
        "gpu": "accelerator gputype",
        "count": "nodes number",
        "cpu": "cpus vcpu vcpus cores",
        "memoryGib": "memory ram memorygb",
        "usdPerHour": "price hourlyusd",
    },
    OwnedHardware: {
        "purchaseUsd": "price purchase",
        "watts": "power",
        "usdPerKwh": "electricity kwh",
    },
    Service: {
        "gpu": "accelerator gputype device",
        "tensorParallel": "gpus numgpus gpucount tp tensorparallelsize tensorparalleldegree numshards",
        "pipelineParallel": "pp pipelineparallelsize stages",
        "dataParallel": "dp dataparallelsize dpsize attndpsize",
        "expertParallel": "ep enableexpertparallel expertparallelsize epsize",
        "machineType": "instancetype instance machine nodetype",
        "model": "modelid modelname",
        "modelUri": "weights storageuri modelpath",
        "context": "maxmodellen contextlength contextsize maxcontext",
        "quantization": "quant quantisation dtype precision",
        "capacityType: spot": "spot",
        "engine": "backend runtime server",
        "replicas: {min, max}": "minreplicas maxreplicas",
        "replicas": "replicacount",
        "slo": "sla latency",
        "traffic": "workload load",
        "revision": "commit",
        "reservationId": "reservation",
        "endpoint": "expose ingress",
    },
    Traffic: {
        "requestsPerSecond": "rps qps requests rate",
        "dailyUsers": "dau users usersperday",
        "tokensPerUser": "tokensperuserperday",
        "wordsPerUser": "wordsperuserperday",
        "isl": "inputtokens prompttokens inputlength promptlength",
        "osl": "outputtokens maxtokens outputlength completiontokens",
        "peakFactor": "peak",
        "activeHours": "hours hoursperday",
        "outputShare": "outputratio",
    },
    SloTargets: {
        "ttftP95Ms": "ttft ttftms p95ttftms ttftp95 timetofirsttokenms",
        "tpotP95Ms": "tpot tpotms p95tpotms tpotp95 itl itlms itlp95ms interstokenlatencyms",
    },
    Budget: {
        "maxMonthlyUsd": "monthly monthlyusd maxmonthly maxusdpermonth",
        "maxHourlyUsd": "hourly hourlyusd maxhourly maxusdperhour",
        "maxUsdPerMillionTokens": "maxpermillion usdpermillion usdpermilliontokens",
        "maxGpus": "gpus maxgpucount",
    },
    Constraints: {"dataMayLeave": "datamustleave dataresidency allowapis apisallowed"},
    ApiPriceRow: {
        "host": "provider",
        "inputUsd": "input inputprice inputusdpermillion promptusd",
        "outputUsd": "output outputprice outputusdpermillion completionusd",
        "cachedInputUsd": "cached cachedinput cacheread cachereadusd",
        "asOf": "date",
    },
}
"""By section: the key, or the clause to write where the value changes its form as well; and how else people call it."""


def _inverted(spellings: Mapping[str, str]) -> dict[str, str]:
    return {spelling: key for key, others in spellings.items() for spelling in others.split()}


OTHER_NAMES = {section: _inverted(spellings) for section, spellings in _SPELLINGS.items()}
OTHER_SECRETS = _inverted({"huggingFaceToken": "hftoken huggingfacehubtoken token", "apiKey": "key"})
OTHER_SETTINGS = _inverted(
    {
        "services": "service models",
        "target": "cluster cloud",
        "budget": "costs limits",
        "constraints": "compliance privacy",
        "prices": "pricefile pricelist pricebook priceoverrides",
        "apiPrices": "apis apiprice",
    }
)
SECRET_WORDS = {"password", "secret", "credentials", *OTHER_SECRETS}

OTHER_VALUES = _inverted(
    {
        "eks": "aws amazon",
        "gke": "gcp google autopilot",
        "existing": "kubernetes k8s kind k3d k3s minikube local onprem on-prem",
        "on-demand": "ondemand on_demand demand",
        "spot": "preemptible",
        "cluster": "clusterip private",
        "internal": "loadbalancer load-balancer lb",
        "autoscaler": "true auto autoscaling cluster-autoscaler",
        "per-zone": "perzone multi ha",
    }
)
"""How else people write a value of a key that has few."""
