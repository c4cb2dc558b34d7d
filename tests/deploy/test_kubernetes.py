"""The Kubernetes manifests are valid, give a worker its time to stop, and nothing that it does not need."""

import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from bootstrap.go_programs import kustomize
from config import Loaded, load
from config.grace import needed
from tests.deploy.documents import DEPLOY, KEYS, PROJECT, documents

OLDEST, NEWEST = "1.30", "1.37"
DIRECTORY = DEPLOY / "kubernetes"
(KUSTOMIZATION,) = documents(DIRECTORY / "kustomization.yaml")
RESOURCES = [document for name in KUSTOMIZATION["resources"] for document in documents(DIRECTORY / name)]
SECRET = documents(DIRECTORY / "secret.example.yaml")[0]

Resource = dict[str, Any]


def named(kind: str, name: str) -> Resource:
    (found,) = [each for each in RESOURCES if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


WORKER = named("StatefulSet", "verbatim-worker")
WATCHER = named("Deployment", "verbatim-watcher")


def pod(resource: Resource) -> Resource:
    spec: Resource = resource["spec"]["template"]["spec"]
    return spec


def container(resource: Resource) -> Resource:
    (only,) = pod(resource)["containers"]
    return dict(only)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(
        environ=KEYS,
        directory=tmp_path_factory.mktemp("app"),
        config_file=DIRECTORY / "verbatim.yaml",
        command="start",
    )


@pytest.mark.parametrize("resource", [*RESOURCES, SECRET], ids=lambda each: str(each["kind"]))
def test_each_manifest_is_what_kubernetes_knows(resource: Resource) -> None:
    kubernetes_validate.validate(resource, NEWEST, strict=True)


def test_every_file_is_part_of_it_or_an_example() -> None:
    used = {"kustomization.yaml", *KUSTOMIZATION["resources"]}
    used |= {name for each in KUSTOMIZATION["configMapGenerator"] for name in each["files"]}
    assert {path.name for path in DIRECTORY.iterdir()} - used == {"secret.example.yaml"}


def test_the_pod_is_given_what_stopping_takes_and_its_pause_before(settings: Loaded) -> None:
    fleet = settings.settings.fleet
    wanted, pause = needed(fleet), container(WORKER)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert fleet.grace_period == wanted, f"write grace_period: {wanted} into verbatim.yaml"
    period = pod(WORKER)["terminationGracePeriodSeconds"]
    assert period == pause + wanted, f"write terminationGracePeriodSeconds: {pause + wanted} into worker.yaml"


def test_the_spool_is_full_before_its_volume_is(settings: Loaded) -> None:
    (claim,) = WORKER["spec"]["volumeClaimTemplates"]
    size = claim["spec"]["resources"]["requests"]["storage"]
    assert size.endswith("Gi")
    assert settings.settings.storage.spool_max_mb * 1_000_000 <= 0.8 * int(size.removesuffix("Gi")) * 2**30
    mounts = {mount["name"]: mount["mountPath"] for mount in container(WORKER)["volumeMounts"]}
    assert mounts[claim["metadata"]["name"]] == str(settings.settings.storage.journal_dir)


def test_transcripts_go_into_a_bucket(settings: Loaded) -> None:
    assert settings.settings.storage.bucket is not None


@pytest.mark.parametrize("workload", [WORKER, WATCHER], ids=["worker", "watcher"])
def test_a_pod_has_no_privilege_and_writes_only_where_it_has_to(workload: Resource) -> None:
    context = pod(workload)["securityContext"]
    assert context["runAsNonRoot"]
    assert (context["runAsUser"], context["runAsGroup"]) == (10001, 10001)
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    own = container(workload)["securityContext"]
    assert own == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not pod(workload)["automountServiceAccountToken"]
    writable = {mount["mountPath"] for mount in container(workload)["volumeMounts"] if not mount.get("readOnly")}
    assert writable == ({"/tmp", "/data/journals"} if workload is WORKER else {"/tmp"})


def test_the_user_of_the_pods_is_the_one_of_the_image() -> None:
    uid = pod(WORKER)["securityContext"]["runAsUser"]
    assert f"\nUSER {uid}:{uid}\n" in (PROJECT / "Dockerfile").read_text()
    assert pod(WORKER)["securityContext"]["fsGroup"] == uid


def test_the_probes_ask_on_the_port_that_the_worker_serves(settings: Loaded) -> None:
    ports = {port["name"]: port["containerPort"] for port in container(WORKER)["ports"]}
    for probe, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
        asked = container(WORKER)[probe]["httpGet"]
        assert (asked["path"], ports[asked["port"]]) == (path, settings.settings.fleet.health_port)
    fleet = settings.settings.fleet
    assert named("NetworkPolicy", "verbatim")["spec"]["ingress"][0]["ports"] == [
        {"protocol": "TCP", "port": fleet.health_port},
        {"protocol": "TCP", "port": fleet.watch_port},
    ]
    assert container(WATCHER)["ports"] == [{"name": "metrics", "containerPort": fleet.watch_port}]
    assert container(WATCHER)["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "metrics"}


def test_every_selector_means_the_pods_of_its_workload() -> None:
    for workload, others in (
        (WORKER, [named("Service", "verbatim-worker"), named("PodDisruptionBudget", "verbatim-worker")]),
        (WATCHER, []),
    ):
        labels = workload["spec"]["template"]["metadata"]["labels"]
        for each in [workload, *others]:
            selector = each["spec"]["selector"]
            assert selector.get("matchLabels", selector) == labels
        policy = named("NetworkPolicy", "verbatim")["spec"]["podSelector"]["matchLabels"]
        assert policy.items() <= labels.items()
    assert WORKER["spec"]["serviceName"] == "verbatim-worker"


def test_the_example_secret_has_the_keys_that_the_pods_need_and_no_value() -> None:
    values = SECRET["stringData"]
    assert set(values) >= set(KEYS)
    assert set(values.values()) == {""}
    assert container(WORKER)["envFrom"] == [{"secretRef": {"name": SECRET["metadata"]["name"]}}]


def test_the_watcher_is_given_livekits_keys_alone_and_no_right_in_the_bucket() -> None:
    given = [each for each in container(WATCHER)["env"] if "valueFrom" in each]
    for each in given:
        assert each["valueFrom"] == {"secretKeyRef": {"name": SECRET["metadata"]["name"], "key": each["name"]}}
    assert {each["name"] for each in given} == {"LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"}
    assert "envFrom" not in container(WATCHER)
    assert "serviceAccountName" not in pod(WATCHER)


def test_a_pod_that_is_not_ready_keeps_no_node_from_being_emptied() -> None:
    budget = named("PodDisruptionBudget", "verbatim-worker")["spec"]
    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")


def test_the_image_is_the_version_of_this_checkout() -> None:
    (image,) = KUSTOMIZATION["images"]
    assert image["newTag"] == tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    assert {container(workload)["image"] for workload in (WORKER, WATCHER)} == {image["name"]}


@pytest.fixture
def built(tmp_path: Path) -> Callable[[], list[Resource]]:
    """Put the manifests together, from a copy that a test may change."""
    shutil.copytree(DIRECTORY, tmp_path / "kubernetes")

    def built() -> list[Resource]:
        program = kustomize.find(PROJECT)
        assert program is not None
        done = subprocess.run([program, "build", tmp_path / "kubernetes"], capture_output=True, text=True, timeout=50)
        assert done.returncode == 0, done.stderr
        return list(yaml.safe_load_all(done.stdout))

    return built


@pytest.mark.needs("kustomize")
@pytest.mark.slow
def test_what_kustomize_makes_of_it_is_valid_and_hangs_together(
    built: Callable[[], list[Resource]], tmp_path: Path
) -> None:
    made = built()
    for resource in made:
        for version in (OLDEST, NEWEST):
            kubernetes_validate.validate(resource, version, strict=True)
        if resource["kind"] != "Namespace":
            assert resource["metadata"]["namespace"] == SECRET["metadata"]["namespace"]
    (config,) = [each for each in made if each["kind"] == "ConfigMap"]
    workloads = [each for each in made if each["kind"] in ("StatefulSet", "Deployment")]
    assert len(workloads) == 2
    for workload in workloads:
        volumes = {volume["name"]: volume for volume in pod(workload)["volumes"]}
        assert volumes["settings"]["configMap"]["name"] == config["metadata"]["name"]
        (image,) = KUSTOMIZATION["images"]
        assert container(workload)["image"] == f"{image['newName']}:{image['newTag']}"
    assert list(config["data"]) == ["verbatim.yaml"]

    with (tmp_path / "kubernetes" / "verbatim.yaml").open("a") as file:
        file.write("agent:\n  name: reception\n")
    (changed,) = [each for each in built() if each["kind"] == "ConfigMap"]
    assert changed["metadata"]["name"] != config["metadata"]["name"], "changed settings would reach no pod"
