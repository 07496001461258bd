"""A real kube-apiserver with its etcd on loopback ports, for as long as a test session: no kubelet, no controllers, no network."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

TOOLS = ("etcd", "kube-apiserver", "openssl")
TOKEN = "local-test-token"
READY_SECONDS = 90


def missing_tools() -> tuple[str, ...]:
    return tuple(tool for tool in TOOLS if shutil.which(tool) is None)


class Refused(AssertionError):
    """The server said no; the text is its own."""


class ApiServer:
    def __init__(self, port: int) -> None:
        self.url = f"https://127.0.0.1:{port}"
        # The server makes its own certificate at start; on loopback there is nothing to verify it against.
        self._tls = ssl._create_unverified_context()
        self._paths: dict[tuple[str, str], tuple[str, bool]] = {}

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None, content: str = "application/json") -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": content}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, context=self._tls, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise Refused(f"{method} {path}: {error.read().decode()}") from error
        return json.loads(text) if text.startswith(b"{") else text.decode()

    def define(self, records: tuple[dict[str, Any], ...]) -> None:
        """Install CRDs from schema records, and wait until the server serves them."""
        for record in records:
            self.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", _definition(record))
        for record in records:
            wait_for(lambda record=record: self._path(record["apiVersion"], record["kind"]), READY_SECONDS)

    def apply(self, item: Mapping[str, Any], *, dry_run: bool = True) -> Any:
        """The object as the server would keep it: server-side apply with strict field validation, as Pulumi does it.

        Raises `Refused` with the server's reason.
        """
        path, namespaced = self._path(item["apiVersion"], item["kind"])
        scope = f"/namespaces/{item['metadata']['namespace']}" if namespaced else ""
        prefix = "/api/v1" if item["apiVersion"] == "v1" else f"/apis/{item['apiVersion']}"
        query = "fieldManager=inferstack-test&fieldValidation=Strict" + ("&dryRun=All" if dry_run else "")
        return self.request("PATCH", f"{prefix}{scope}/{path}/{item['metadata']['name']}?{query}", item, "application/apply-patch+yaml")

    def _path(self, api_version: str, kind: str) -> tuple[str, bool]:
        if (api_version, kind) not in self._paths:
            listed = self.request("GET", "/api/v1" if api_version == "v1" else f"/apis/{api_version}")
            for resource in listed["resources"]:
                if "/" not in resource["name"]:
                    self._paths[api_version, resource["kind"]] = (resource["name"], resource["namespaced"])
        return self._paths[api_version, kind]


@contextlib.contextmanager
def running(folder: Path) -> Iterator[ApiServer]:
    """The server, with its files and logs in `folder`."""
    key = folder / "accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    (folder / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n')
    store, peer, port = _free_port(), _free_port(), _free_port()
    etcd = [f"--listen-client-urls=http://127.0.0.1:{store}", f"--advertise-client-urls=http://127.0.0.1:{store}"]
    etcd += [f"--listen-peer-urls=http://127.0.0.1:{peer}", f"--data-dir={folder / 'etcd'}"]
    api = [f"--etcd-servers=http://127.0.0.1:{store}", f"--secure-port={port}", f"--cert-dir={folder}", "--bind-address=127.0.0.1"]
    api += [f"--token-auth-file={folder / 'tokens.csv'}", "--authorization-mode=AlwaysAllow", "--service-cluster-ip-range=10.0.0.0/16"]
    api += [f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}"]
    # As on EKS and GKE, where the Pod Security Standard of a namespace decides who may be privileged.
    api += ["--service-account-issuer=https://kubernetes.default.svc", "--endpoint-reconciler-type=none", "--allow-privileged=true"]
    with _process(folder, "etcd", etcd), _process(folder, "kube-apiserver", api):
        server = ApiServer(port)
        wait_for(lambda: server.request("GET", "/readyz"), READY_SECONDS)
        yield server


def wait_for(ask: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            ask()
        except (OSError, Refused, KeyError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


@contextlib.contextmanager
def _process(folder: Path, name: str, args: list[str]) -> Iterator[None]:
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen([name, *args], stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _definition(record: Mapping[str, Any]) -> dict[str, Any]:
    kind = record["kind"]
    version = {"name": record["version"], "served": True, "storage": True, "subresources": {"status": {}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{record['plural']}.{record['group']}"},
        "spec": {
            "group": record["group"],
            "scope": record["scope"],
            "names": {"plural": record["plural"], "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": [{**version, "schema": {"openAPIV3Schema": record["openAPIV3Schema"]}}],
        },
    }
