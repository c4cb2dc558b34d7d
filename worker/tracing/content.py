"""Spans without what was said. Pure.

The framework puts prompts, transcripts and arguments of tools into its spans, and means to mark them (`lk.pii.`, and
names that the GenAI conventions fix). That is not relied on: of texts, only those leave that are named here, so that a
release of the framework, or an operator's tool, that attaches another one tells nobody what it is.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Status
from opentelemetry.util.types import AttributeValue

TEXTS: Final = frozenset(
    {
        "error.type", "exception.type", "gen_ai.agent.name", "gen_ai.conversation.id", "gen_ai.operation.name",
        "gen_ai.output.type", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.response.finish_reasons",
        "gen_ai.response.id", "gen_ai.response.model", "gen_ai.token.type", "gen_ai.tool.call.id", "gen_ai.tool.name",
        "gen_ai.tool.type", "job_id", "lk.agent_label", "lk.agent_name", "lk.callback.name", "lk.close_reason",
        "lk.cloud_agent_id", "lk.connection_state", "lk.deployment_id", "lk.disconnect_reason", "lk.dispatch_id",
        "lk.eou.language", "lk.eou.outcome", "lk.eou.source", "lk.function_tool.id", "lk.function_tool.name",
        "lk.generation_id", "lk.input.base_span_id", "lk.job.agent_id", "lk.job.worker_id", "lk.job_id", "lk.new_state",
        "lk.old_state", "lk.parent_generation_id", "lk.participant_id", "lk.participant_kind",
        "lk.provider_request_ids", "lk.room_sid", "lk.speech_id", "lk.track_sid", "lk.track_source", "lk.tts.label",
        "room_id", "verbatim.agent",
    }
)  # fmt: skip
"""Attributes whose texts are names, states and ids (livekit-agents 1.8.9, `telemetry/trace_types.py`)."""

PERSONAL: Final = "pii"
"""The part of a name with which the framework marks what people said or are."""


def without_content(span: ReadableSpan) -> ReadableSpan:
    """Return the span with names, times, numbers and ids, and nothing that was said, written or thrown."""
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_harmless(span.attributes),
        events=[Event(each.name, _harmless(each.attributes), each.timestamp) for each in span.events],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _harmless(attributes: Mapping[str, AttributeValue] | None) -> dict[str, AttributeValue]:
    return {name: value for name, value in (attributes or {}).items() if _is_harmless(name, value)}


def _is_harmless(name: str, value: AttributeValue) -> bool:
    if PERSONAL in name.split("."):
        return False
    values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return name in TEXTS or all(isinstance(each, int | float) for each in values)
