"""What is to be asked for metrics is where Prometheus asks for it, on every platform."""

import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema

from config import load
from tests.deploy.documents import DEPLOY, KEYS, PROJECT, documents, interpolated

PAGE = PROJECT / "docs" / "how-to" / "watch-over-workers.md"
COMPOSE = DEPLOY / "compose"
BESIDE: dict[str, Any] = yaml.safe_load(
    interpolated((COMPOSE / "monitoring.yaml").read_text(), {"GRAFANA_PASSWORD": "chosen"})
)
(SCRAPED,) = documents(COMPOSE / "prometheus.yaml")
MONITORS = documents(DEPLOY / "prometheus" / "podmonitor.yaml")
WORKLOADS = {
    each["metadata"]["name"]: each
    for name in ("worker.yaml", "watcher.yaml")
    for each in documents(DEPLOY / "kubernetes" / name)
    if each["kind"] in ("StatefulSet", "Deployment")
}


def ports(platform: str, directory: Path) -> dict[str, int]:
    """Where worker and watcher serve metrics with the settings of a platform."""
    fleet = load(environ=KEYS, directory=directory, config_file=DEPLOY / platform / "verbatim.yaml").settings.fleet
    assert fleet.watch_port is not None
    return {"worker": fleet.health_port, "watcher": fleet.watch_port}


def test_compose_asks_worker_and_watcher_on_the_ports_that_they_serve(tmp_path: Path) -> None:
    services = yaml.safe_load((COMPOSE / "compose.yaml").read_text())["services"]
    asked = {
        job["job_name"]: target
        for job in SCRAPED["scrape_configs"]
        for static in job["static_configs"]
        for target in static["targets"]
    }
    assert asked == {f"verbatim-{name}": f"{name}:{port}" for name, port in ports("compose", tmp_path).items()}
    assert {target.partition(":")[0] for target in asked.values()} <= services.keys()


def test_what_compose_adds_is_valid_pinned_and_for_this_machine_alone() -> None:
    jsonschema.Draft202012Validator(get_builtin_schema("vendor.compose-spec")).validate(BESIDE)
    for service in BESIDE["services"].values():
        assert re.fullmatch(r"[a-z0-9./-]+:v?\d+\.\d+\.\d+", service["image"])
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert source in BESIDE["volumes"] or (COMPOSE / source).exists(), source
    example = (COMPOSE / ".env.example").read_text()
    assert set(re.findall(r"\$\{(\w+)", (COMPOSE / "monitoring.yaml").read_text())) <= set(
        re.findall(r"^(\w+)=", example, re.MULTILINE)
    )


def test_the_prometheus_of_compose_has_the_alerts_where_it_looks_for_them() -> None:
    mounted = {volume.split(":")[1] for volume in BESIDE["services"]["prometheus"]["volumes"] if ":" in volume}
    assert set(SCRAPED["rule_files"]) <= mounted


def test_grafana_of_compose_reads_the_dashboard_from_where_it_is_mounted() -> None:
    mounts = dict(volume.split(":")[:2] for volume in BESIDE["services"]["grafana"]["volumes"])
    (providers,) = documents(COMPOSE / "grafana-dashboards.yaml")
    (provider,) = providers["providers"]
    assert mounts["../grafana"] == provider["options"]["path"]
    (sources,) = documents(COMPOSE / "grafana-datasource.yaml")
    assert sources["datasources"][0]["url"] == "http://prometheus:9090"


def test_the_pods_say_themselves_where_they_are_to_be_asked(tmp_path: Path) -> None:
    for name, port in ports("kubernetes", tmp_path).items():
        workload = WORKLOADS[f"verbatim-{name}"]
        template = workload["spec"]["template"]
        told = template["metadata"]["annotations"]
        assert told == {
            "prometheus.io/scrape": "true", "prometheus.io/port": str(port), "prometheus.io/path": "/metrics",
        }  # fmt: skip
        (container,) = template["spec"]["containers"]
        assert port in [each["containerPort"] for each in container["ports"]]


def test_the_operator_s_monitors_mean_these_pods_and_a_port_of_theirs() -> None:
    assert {monitor["metadata"]["name"] for monitor in MONITORS} == WORKLOADS.keys()
    for monitor in MONITORS:
        template = WORKLOADS[monitor["metadata"]["name"]]["spec"]["template"]
        assert monitor["spec"]["selector"]["matchLabels"] == template["metadata"]["labels"]
        (asked,) = monitor["spec"]["podMetricsEndpoints"]
        (container,) = template["spec"]["containers"]
        assert asked["port"] in {each["name"] for each in container["ports"]}
        assert asked["path"] == "/metrics"


def test_the_command_on_the_page_makes_the_operator_s_rule_of_the_alerts() -> None:
    (command,) = re.findall(r"```bash\n(\{ printf.*?) \| kubectl", PAGE.read_text(), re.DOTALL)
    done = subprocess.run(["bash", "-c", command], cwd=PROJECT, capture_output=True, text=True, check=True)
    made = yaml.safe_load(done.stdout)
    (alerts,) = documents(DEPLOY / "prometheus" / "alerts.yaml")
    assert (made["kind"], made["spec"]) == ("PrometheusRule", alerts)


def test_every_alert_is_on_the_page() -> None:
    (alerts,) = documents(DEPLOY / "prometheus" / "alerts.yaml")
    for rule in alerts["groups"][0]["rules"]:
        page = Path(rule["annotations"]["runbook"]).relative_to("docs/how-to")
        assert re.search(rf"`{rule['alert']}` \| \[[^]]+\]\({page}\)", PAGE.read_text())
