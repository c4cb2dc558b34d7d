"""A job's process as far as tracing goes: makes a span and a measurement, and ends."""

import multiprocessing


def job() -> None:
    """What runs in the process."""
    from livekit.agents import telemetry
    from opentelemetry import metrics

    from config.sections.telemetry import TelemetrySettings
    from worker.tracing import export

    export.switch_on(TelemetrySettings(otlp_metrics=True), "reception")
    counter = metrics.get_meter("livekit-agents").create_counter("lk.agents.usage.tts_characters")
    counter.add(5, {"model_name": "tts-1", "room_id": "RM_1", "job_id": "AJ_1"})
    with telemetry.tracer.start_as_current_span("job_entrypoint"):
        pass


if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=job)
    process.start()
    process.join()
    raise SystemExit(process.exitcode)
