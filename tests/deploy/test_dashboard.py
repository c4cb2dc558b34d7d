"""The dashboard asks for what there is, and every panel has its place."""

import itertools
import json
import re
from typing import Any

import pytest

from tests.deploy.documents import DEPLOY
from tests.deploy.promql import METRICS, OF_A_TARGET, grouped_by, selections

DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "verbatim.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
GRAPHS = [panel for panel in PANELS if panel["type"] != "row"]
GRAFANA_S = {"$__rate_interval": "5m", "$instance": ".*"}
"""What Grafana puts in place of its variables."""


def queries(panel: dict[str, Any]) -> list[tuple[str, str]]:
    """Each query of a panel as Prometheus gets it, and its legend."""
    found = []
    for target in panel["targets"]:
        query = target["expr"]
        for variable, text in GRAFANA_S.items():
            query = query.replace(variable, text)
        assert "$" not in query
        found.append((query, target["legendFormat"]))
    return found


@pytest.mark.parametrize("panel", GRAPHS, ids=lambda panel: str(panel["title"]))
def test_a_panel_asks_for_metrics_and_labels_that_there_are(panel: dict[str, Any]) -> None:
    for query, legend in queries(panel):
        asked = selections(query)
        assert asked
        for each in asked:
            assert each.metric is not None, each.name
            assert (each.metric.kind == "histogram") == each.name.endswith("_bucket")
            labels = {label.name for label in each.metric.labels} | OF_A_TARGET
            assert set(each.labels) <= labels
            assert grouped_by(query) <= labels | {"le"}
        if "by (" in query or "sum(" in query or "max(" in query:
            assert set(re.findall(r"{{(\w+)}}", legend)) <= grouped_by(query), "the label is not in the result"


def test_counters_are_shown_as_rates_and_nothing_else_is() -> None:
    for panel in GRAPHS:
        for query, _ in queries(panel):
            counted = {each.metric.kind for each in selections(query) if each.metric} & {"counter", "histogram"}
            assert bool(counted) == bool(re.search(r"\b(rate|increase)\(", query)), query


def test_every_metric_is_shown_but_what_is_for_looking_up() -> None:
    asked = [each for panel in GRAPHS for query, _ in queries(panel) for each in selections(query)]
    shown = {each.metric.name for each in asked if each.metric is not None}
    assert METRICS.keys() - shown == {"verbatim_build_info", "verbatim_watch_looks_total"}


def test_panels_have_an_id_a_title_a_sentence_and_a_place_of_their_own() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)
    for panel in GRAPHS:
        assert re.fullmatch(r"[A-Z0-9].*\.", panel["description"])
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    for one, other in itertools.combinations((panel["gridPos"] for panel in PANELS), 2):
        apart = [one[at] + one[size] <= other[at] or other[at] + other[size] <= one[at] for at, size in ("xw", "yh")]
        assert any(apart)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in PANELS)


def test_it_can_be_imported_into_any_grafana() -> None:
    assert isinstance(DASHBOARD["schemaVersion"], int)
    assert (DASHBOARD["title"], DASHBOARD["uid"]) == ("Verbatim", "verbatim")
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource", "instance"]
    assert "id" not in DASHBOARD, "an id is the server's to give"
