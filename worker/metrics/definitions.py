"""Every metric of the worker and of the watcher. `python -m worker.metrics.page` writes the page for operators.

Labels have few values, all known: no room, no caller, nothing that was said.
"""

from typing import Final

from worker.metrics.metric import Counter, Gauge, Histogram, Label, Metric, Since

ANSWER_BUCKETS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.5, 10.0, 20.0)
"""Seconds: fine where a caller notices a difference, up to what no caller waits for."""

STAGE_BUCKETS: Final = (0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Seconds of one stage of an answer."""

SYNC_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Seconds, from what a good disk takes to `storage.append_deadline_ms`, after which the call goes on without it."""

SHIPPING_BUCKETS: Final = (1.0, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
"""Seconds: a word is to have left the node after 5; beyond is an outage."""

END: Final = ("caller_left", "room_closed", "goodbye", "error", "handover", "superseded", "crashed")
REFUSAL: Final = (
    "draining", "full", "storage", "memory", "busy", "daily_budget", "calls_per_identity", "agent_present",
)  # fmt: skip
STAGE: Final = ("first_token", "first_audio")
UPLOAD: Final = ("segment", "lease", "transcript")

SESSIONS_ENDED = Counter(
    "verbatim_sessions_ended_total",
    "Parts of calls that ended, by reason; one whose process died counts as crashed when its journal is stored.",
    (Label("reason", END, "As in the transcript (`ended.reason`)."),),
)
SESSIONS_RUNNING = Gauge("verbatim_sessions_running", "Calls that run now, and those that are being accepted.")
SESSIONS_MAX = Gauge("verbatim_sessions_max", "Calls that may run at once (fleet.max_sessions).")
CALLS_REFUSED = Counter(
    "verbatim_calls_refused_total",
    "Calls that this worker left to others, by reason.",
    (Label("reason", REFUSAL, "As in `/worker`."),),
)
REDISPATCHES = Counter(
    "verbatim_redispatches_total",
    "Agents that this worker or watcher sent again, by why somebody waited.",
    (Label("cause", ("no_room", "agent_lost", "caller_returned"), "`no_room`: no worker took the call."),),
)
RESUMPTIONS = Counter(
    "verbatim_resumptions_total",
    "Calls that went on here, by what they went on after.",
    (Label("after", ("lost_agent", "hand_over", "return"), "`return`: the caller came back in time."),),
)
HAND_OVERS = Counter(
    "verbatim_hand_overs_total",
    "Calls that a stopping worker offered to another, by what came of it.",
    (Label("result", ("taken", "not_taken"), "`not_taken`: the caller heard a goodbye."),),
)

ANSWER = Histogram(
    "verbatim_answer_seconds",
    "From the end of the caller's last word to the agent's voice.",
    buckets=ANSWER_BUCKETS,
)
ANSWER_STAGE = Histogram(
    "verbatim_answer_stage_seconds",
    "One stage of an answer.",
    (Label("stage", STAGE, "`first_token`: of the language model; `first_audio`: of the voice."),),
    buckets=STAGE_BUCKETS,
)
PROVIDER_ERRORS = Counter(
    "verbatim_provider_errors_total",
    "Failures in calls, by who failed and how.",
    (
        Label("provider", about="The first part of the code: `assemblyai`, `llm`, `tts`, …"),
        Label("code", about="A code of [errors](errors.md) with underscores, or `<provider>_other`."),
    ),
)

EVENTS_ACCEPTED = Counter("verbatim_events_accepted_total", "Events of calls that are in a journal, on the disk.")
EVENTS_STORED = Counter(
    "verbatim_events_stored_total", "Events of calls whose transcript is stored and whose journal is gone."
)
JOURNAL_SYNC = Histogram(
    "verbatim_journal_sync_seconds", "From an event to its being on the disk.", buckets=SYNC_BUCKETS
)
JOURNAL_DEGRADED = Counter(
    "verbatim_journal_degraded_total", "How often a running call's journal stopped being on the disk in time."
)
JOURNALS = Gauge("verbatim_journals", "Journals on this node, those of running calls among them.")
SPOOL = Gauge("verbatim_spool_bytes", "Size of all journals on this node.")
SPOOL_MAX = Gauge("verbatim_spool_max_bytes", "Size of journals from which on no calls are taken.")
SPOOL_OLDEST = Gauge("verbatim_spool_oldest_seconds", "Age of the last word of the journal that rests longest.")
JOURNALS_WRITABLE = Gauge("verbatim_journals_writable", "1: calls can be written down; 0: none are taken.")

UPLOADS = Counter(
    "verbatim_uploads_total",
    "What the store took.",
    (Label("kind", UPLOAD, "`segment` and `lease` of running calls, and finished ones' `transcript` with its files."),),
)
UPLOAD_FAILURES = Counter(
    "verbatim_upload_failures_total",
    "Attempts that the store did not take; each is made again.",
    (Label("kind", UPLOAD, "As above."),),
)
UPLOAD_LAG = Histogram(
    "verbatim_upload_lag_seconds",
    "From an event to its being in the store, of running calls.",
    buckets=SHIPPING_BUCKETS,
)
UPLOAD_OLDEST = Since(
    "verbatim_upload_oldest_seconds", "Age of the oldest event of the running calls that is not in the store yet."
)
STORE_AVAILABLE = Gauge("verbatim_store_available", "1: the store takes what waits; 0: it does not, calls go on.")
RECOVERED = Counter(
    "verbatim_transcripts_recovered_total",
    "Journals whose call left them behind and that this worker has stored.",
    (Label("origin", ("this_node", "other_node"), "`other_node`: from what a lost node had sent to the store."),),
)

READY = Gauge("verbatim_worker_ready", "1: as /readyz says.")
CONNECTED = Gauge("verbatim_worker_connected", "1: registered with the LiveKit server.")
DRAINING = Gauge("verbatim_worker_draining", "1: told to stop.")
LOAD = Gauge("verbatim_worker_load_ratio", "Load as it is reported to the LiveKit server; full at 0.7.")
LOOP_LAG = Gauge("verbatim_event_loop_lag_seconds", "How late the worker's event loop usually is.")
MEMORY_USED = Gauge("verbatim_memory_used_bytes", "Memory in use of what the worker may use, by whomever.")
MEMORY_LIMIT = Gauge("verbatim_memory_limit_bytes", "Memory that the worker may use.")
BUILD = Gauge(
    "verbatim_build_info", "1, with what runs here.", (Label("version", about="Of Verbatim."), Label("livekit_agents"))
)

LOOKS = Counter(
    "verbatim_watch_looks_total",
    "Looks of the watcher at all rooms.",
    (Label("result", ("done", "failed"), "`failed`: LiveKit could not be asked."),),
)
ROOMS = Gauge("verbatim_watch_rooms", "Rooms at the watcher's last look.")
WAITING = Gauge("verbatim_watch_rooms_waiting", "Rooms in which somebody waited for an agent at the last look.")
HOPELESS = Gauge("verbatim_watch_rooms_hopeless", "Rooms in which agents keep dying; see alert agents_keep_dying.")

WORKER: Final[tuple[tuple[str, tuple[Metric, ...]], ...]] = (
    ("Calls", (SESSIONS_ENDED, SESSIONS_RUNNING, SESSIONS_MAX, CALLS_REFUSED, REDISPATCHES, RESUMPTIONS, HAND_OVERS)),
    ("Answers", (ANSWER, ANSWER_STAGE, PROVIDER_ERRORS)),
    (
        "Journals",
        (
            EVENTS_ACCEPTED, EVENTS_STORED, JOURNAL_SYNC, JOURNAL_DEGRADED, JOURNALS, SPOOL, SPOOL_MAX, SPOOL_OLDEST,
            JOURNALS_WRITABLE,
        ),
    ),
    ("The store", (UPLOADS, UPLOAD_FAILURES, UPLOAD_LAG, UPLOAD_OLDEST, STORE_AVAILABLE, RECOVERED)),
    ("The worker", (READY, CONNECTED, DRAINING, LOAD, LOOP_LAG, MEMORY_USED, MEMORY_LIMIT, BUILD)),
)  # fmt: skip
"""What a worker exposes, by heading."""

WATCHER: Final[tuple[Metric, ...]] = (REDISPATCHES, LOOKS, ROOMS, WAITING, HOPELESS)
"""What `verbatim watch` exposes, and a worker with `fleet.watch`."""


def of_worker() -> tuple[Metric, ...]:
    """Return what a worker exposes, without the watcher's."""
    return tuple(metric for _, metrics in WORKER for metric in metrics)
