"""The alerts ask for what there is, fire when they should, and lead to a page that helps."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.documents import DEPLOY, PROJECT, documents
from tests.deploy.promql import OF_A_TARGET, grouped_by, selections

FILE = DEPLOY / "prometheus" / "alerts.yaml"
(ALERTS,) = documents(FILE)
RULES: list[dict[str, Any]] = [rule for group in ALERTS["groups"] for rule in group["rules"]]
CASES = Path(__file__).with_name("alerts_test.yaml")
PAGES = PROJECT / "docs" / "how-to" / "alerts"


@pytest.fixture(params=RULES, ids=lambda rule: str(rule["alert"]))
def rule(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.param
    return found


def test_there_are_five() -> None:
    assert len(RULES) == len({rule["alert"] for rule in RULES}) == 5


def test_each_asks_for_metrics_and_labels_that_there_are(rule: dict[str, Any]) -> None:
    for each in selections(rule["expr"]):
        assert each.metric is not None, each.name
        known = {label.name: label.values for label in each.metric.labels}
        for label, value in each.labels.items():
            assert set(value.split("|")) <= set(known[label])


def test_each_speaks_of_labels_that_its_result_has(rule: dict[str, Any]) -> None:
    named = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
    assert named <= (OF_A_TARGET if "sum(" not in rule["expr"] else grouped_by(rule["expr"]))


def test_each_has_a_page_that_names_it_and_says_what_to_do(rule: dict[str, Any]) -> None:
    page = PROJECT / rule["annotations"]["runbook"]
    text = page.read_text()
    assert f"`{rule['alert']}`" in text
    assert re.findall(r"^## .*", text, re.MULTILINE) == ["## What it means", "## What to look at", "## What to do"]
    assert rule["annotations"]["summary"].endswith(".")
    assert set(rule["labels"]) == {"severity"}


def test_there_is_no_page_without_an_alert() -> None:
    assert {path.name for path in PAGES.iterdir()} == {Path(rule["annotations"]["runbook"]).name for rule in RULES}


def test_each_is_tested_where_it_fires_and_where_it_does_not() -> None:
    (cases,) = documents(CASES)
    expected = [each for case in cases["tests"] for each in case["alert_rule_test"]]
    assert {each["alertname"] for each in expected if each["exp_alerts"]} == {rule["alert"] for rule in RULES}
    assert {each["alertname"] for each in expected if not each["exp_alerts"]} == {rule["alert"] for rule in RULES}


@pytest.mark.needs("promtool")
@pytest.mark.slow
def test_prometheus_fires_them_when_it_should_and_only_then(tmp_path: Path) -> None:
    silent = {"groups": [{"name": "verbatim", "rules": [_without_text(rule) for rule in RULES]}]}
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump(silent))
    (tmp_path / "test.yaml").write_text(CASES.read_text().replace("[ALERTS]", "[alerts.yaml]"))
    for command in (["check", "rules", str(FILE)], ["test", "rules", str(tmp_path / "test.yaml")]):
        done = subprocess.run(["promtool", *command], capture_output=True, text=True, timeout=50)
        assert done.returncode == 0, done.stdout + done.stderr


def _without_text(rule: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in rule.items() if name != "annotations"}
