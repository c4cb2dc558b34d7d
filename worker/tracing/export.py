"""Sends the spans of a job's process, and the framework's own metrics if asked for, by OTLP over HTTP.

How is the matter of OpenTelemetry's own variables: OTEL_EXPORTER_OTLP_HEADERS, OTEL_RESOURCE_ATTRIBUTES,
OTEL_TRACES_SAMPLER and all others are read by its SDK.
"""

import logging
from collections.abc import Callable, Sequence
from importlib.metadata import version
from multiprocessing import util
from threading import Thread

from livekit.agents import telemetry
from opentelemetry import metrics
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from config.sections.telemetry import TelemetrySettings
from worker.tracing.content import without_content

logger = logging.getLogger("verbatim.call")

FLUSH_SECONDS = 3.0
"""How long the end of a process waits for what was not sent yet: a collector that is away holds up no drain."""

KEPT_LABELS = {
    "model_name", "model_provider", "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model",
    "gen_ai.response.model", "gen_ai.token.type", "gen_ai.tool.name", "gen_ai.agent.name", "error.type",
}  # fmt: skip
"""What the framework's metrics are told apart by; it adds the ids of room and job, which make a series of each call."""


class WithoutContent(SpanExporter):
    """Lets spans pass to `exporter` without what was said in the call."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send `spans`."""
        return self._exporter.export([without_content(span) for span in spans])

    def shutdown(self) -> None:
        """End."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until everything is sent."""
        return self._exporter.force_flush(timeout_millis)


def switch_on(settings: TelemetrySettings, agent: str) -> TracerProvider:
    """Send from now on, and at the end of this process what is left. Once a process; a job's, before it has a job.

    Returns what spans are made by.

    Args:
        settings: what is sent. Where to is in the environment, where `worker.surroundings` has put it.
        agent: the agent's name.
    """
    service = {"service.name": "verbatim", "service.version": version("verbatim")}
    resource = Resource.create(service).merge(OTELResourceDetector().detect())
    exporter = OTLPSpanExporter()
    spans = TracerProvider(resource=resource, shutdown_on_exit=False)
    spans.add_span_processor(BatchSpanProcessor(exporter if settings.otlp_content else WithoutContent(exporter)))
    telemetry.set_tracer_provider(spans, metadata={"verbatim.agent": agent}, allow_pii=settings.otlp_content)
    ends: list[Callable[[], object]] = [spans.shutdown]
    if settings.otlp_metrics:
        # Many short-lived processes report: differences add up, totals of each would replace one another.
        kinds: list[type] = [Counter, Histogram]
        difference = dict.fromkeys(kinds, AggregationTemporality.DELTA)
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(preferred_temporality=difference))
        views = [View(instrument_name="*", attribute_keys=KEPT_LABELS)]
        meters = MeterProvider([reader], resource, shutdown_on_exit=False, views=views)
        metrics.set_meter_provider(meters)
        ends.append(meters.shutdown)
    # A job's process runs no atexit handlers, only these (multiprocessing, `process.py`, `_bootstrap`).
    util.Finalize(None, _flush, args=(ends,), exitpriority=0)
    return spans


def _flush(ends: Sequence[Callable[[], object]]) -> None:
    threads = [Thread(target=end, name="telemetry", daemon=True) for end in ends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(FLUSH_SECONDS)
    if any(thread.is_alive() for thread in threads):
        logger.warning("what was traced last could not be sent in %.0f s", FLUSH_SECONDS)
