"""A metric counts under labels of few values, and only where counting is on."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts.counts import Counts
from worker.fleet.admission import Reason
from worker.fleet.promises import Cause
from worker.metrics import definitions, tally
from worker.metrics.definitions import CALLS_REFUSED, PROVIDER_ERRORS, UPLOAD_LAG, WATCHER, of_worker
from worker.metrics.metric import Metric
from worker.metrics.page import page
from worker.transcript.events import EndReason

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
ALL = tuple(dict.fromkeys((*of_worker(), *WATCHER)))
UNITS = ("_seconds", "_bytes", "_ratio", "_info", "_total")
COUNTED_THINGS = ("sessions_running", "sessions_max", "journals", "rooms", "rooms_waiting", "rooms_hopeless")
YES_OR_NO = ("worker_ready", "worker_connected", "worker_draining", "journals_writable", "store_available")


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m worker.metrics.page`"


def test_every_metric_that_is_defined_is_exposed_and_on_the_page() -> None:
    defined = {each for each in vars(definitions).values() if isinstance(each, Metric)}
    assert defined == set(ALL)
    assert len(ALL) == len({metric.name for metric in ALL})


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: str(metric.name))
def test_a_name_is_ours_and_ends_in_its_unit(metric: Metric) -> None:
    assert re.fullmatch(r"verbatim_[a-z_]+", metric.name)
    assert metric.name.endswith((*UNITS, *COUNTED_THINGS, *YES_OR_NO))
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert re.fullmatch(r"[A-Z0-9][^\n]*\.", metric.about)


def test_a_label_that_is_not_listed_is_counted_as_other(counts: Counts) -> None:
    CALLS_REFUSED.count(reason="a room's name")
    CALLS_REFUSED.count(2, reason="full")
    assert counts(CALLS_REFUSED, reason="other") == 1
    assert counts(CALLS_REFUSED, reason="full") == 2
    assert counts(CALLS_REFUSED, reason="a room's name") == 0


def test_a_label_that_is_not_given_is_a_mistake_that_shows(counts: Counts) -> None:
    with pytest.raises(ValueError, match="verbatim_provider_errors_total is counted by"):
        PROVIDER_ERRORS.count(code="llm_cut")
    assert counts(PROVIDER_ERRORS, provider="llm", code="llm_cut") == 0


def test_a_time_falls_into_its_bucket(counts: Counts) -> None:
    for seconds in (0.5, 4.5, 4000.0):
        UPLOAD_LAG.observe(seconds)
    assert counts(UPLOAD_LAG, "bucket", le="1.0") == 1
    assert counts(UPLOAD_LAG, "bucket", le="5.0") == 2
    assert counts(UPLOAD_LAG, "bucket", le="+Inf") == counts(UPLOAD_LAG, "count") == 3
    assert counts(UPLOAD_LAG, "sum") == 4005.0


def test_series_begin_at_0_so_that_the_first_of_a_kind_is_an_increase(counts: Counts) -> None:
    counting = tally.counting()
    assert counting is not None
    counting.show(ALL)
    shown = {(sample.name, *sample.labels.values()) for each in counting.registry.collect() for sample in each.samples}
    for reason in Reason:
        assert (CALLS_REFUSED.name, reason.value) in shown
    assert counts(CALLS_REFUSED, reason="full") == 0


def test_labels_are_those_that_the_product_has() -> None:
    assert set(definitions.REFUSAL) == set(Reason)
    assert set(definitions.REDISPATCHES.labels[0].values) == set(Cause)
    assert set(definitions.END) == {*EndReason.__args__, "crashed"}


def test_where_counting_is_off_nothing_is_counted_and_what_counts_is_not_imported() -> None:
    program = (
        "import sys, worker.storage.recovery.sweep, worker.storage.journal.journal\n"
        "from worker.metrics.definitions import EVENTS_ACCEPTED\n"
        "EVENTS_ACCEPTED.count()\n"
        "print('prometheus_client' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "False", done.stderr
