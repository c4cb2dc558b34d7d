"""What the worker tells about itself."""

from typing import Literal

from config.sections.base import Section
from config.values import HttpUrl


class TelemetrySettings(Section):
    """What the worker tells about itself. What was said in a call is part of it only with `otlp_content`."""

    log_format: Literal["json", "readable"] = "json"
    """Form of log lines: `json` for machines, `readable` for people."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least important kind of log line that is written."""

    otlp_endpoint: HttpUrl | None = None
    """Address of an OpenTelemetry collector to which calls send their traces, by OTLP over HTTP, such as
    `http://127.0.0.1:4318`; `/v1/traces` is added. Not set: none are made. The other variables of OpenTelemetry
    (OTEL_EXPORTER_OTLP_HEADERS, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, …) hold as well."""

    otlp_content: bool = False
    """Whether traces also say what was said in the call, and what the models were asked: for a collector that may
    know it."""

    otlp_metrics: bool = False
    """Whether the framework's own metrics of models and turns are sent there too. Verbatim's are served for
    Prometheus, at `/metrics`."""
