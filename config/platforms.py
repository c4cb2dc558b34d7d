"""How long platforms wait between SIGTERM and SIGKILL, settings that fit, and the page that says so.

Sources: Kubernetes, "Pod Lifecycle"; Docker, `docker run --stop-timeout` and Compose, `stop_grace_period`; systemd,
`DefaultTimeoutStopSec`; Amazon ECS, `ContainerDefinition.stopTimeout`; Render, `maxShutdownDelaySeconds`; Fly,
`kill_timeout`; Nomad, `kill_timeout` and `max_kill_timeout`; LiveKit, "Deployment management".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from config.grace import Step, needed, steps
from config.sections.fleet import FleetSettings


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform."""

    name: str
    setting: str
    """Where its grace is set."""
    default: int | None
    """Seconds that it waits when nothing is set."""
    longest: int | None
    """Seconds that it waits at most, or `None` where that is the operator's choice."""
    fleet: FleetSettings = field(default_factory=FleetSettings)
    """Settings under which a worker has stopped in time."""


_FIVE_MINUTES = FleetSettings(drain_timeout=105, session_end_timeout=60, shutdown_process_timeout=15)

PLATFORMS = (
    Platform("Kubernetes", "`terminationGracePeriodSeconds`, which counts from `preStop` on", 30, None),
    Platform("Docker Compose, Docker", "`stop_grace_period`, `--stop-timeout`", 10, None),
    Platform("systemd", "`TimeoutStopSec`", 90, None),
    Platform("Amazon ECS on EC2", "`stopTimeout`, else the agent's `ECS_CONTAINER_STOP_TIMEOUT`", 30, None),
    Platform("Nomad", "`kill_timeout`, up to the client's `max_kill_timeout`", 5, None),
    Platform("Render", "`maxShutdownDelaySeconds`", 30, 300, _FIVE_MINUTES),
    Platform("Fly", "`kill_timeout`", 5, 300, _FIVE_MINUTES),
    Platform(
        "Amazon ECS on Fargate",
        "`stopTimeout`",
        30,
        120,
        FleetSettings(drain_timeout=5, handover_timeout=15, session_end_timeout=5, shutdown_process_timeout=5),
    ),
    Platform("LiveKit Cloud", "not set", 3600, 3600, FleetSettings(drain_timeout=3330)),
)
"""Where a worker can be run."""

PAGE = """\
# How long stopping takes

This page is made from `config/grace.py` and `config/platforms.py` by `python -m config.documents`.

At SIGTERM a worker takes no more calls and lets those that run end. Those that still run after `fleet.drain_timeout`
are [handed over](../how-to/deploy.md#a-new-version) to other workers. What may have to be waited for with the default
settings, one after the other, for all calls side by side:

| What | Seconds | Set by |
| --- | --- | --- |
{steps}
| **together** | **{needed}** | |

`verbatim start` logs the sum for its own settings as its first line. A platform that waits less ends the calls with
SIGKILL: [no accepted word is lost](../explanation/what-is-never-lost.md), but callers are cut off. Tell the worker how
long yours waits, with `fleet.grace_period`, and it does not start with settings that do not fit.

A second SIGTERM or SIGINT ends the worker at once, so whatever sends one has to send it once.

For 2 seconds after the signal `/readyz` answers 503 with the reason `draining`; then the health port is free, for a
worker that is started on the same machine and waits up to 10 seconds for it. What was served there is then served on a
port of this machine alone, which the log names.

## Signals

What each signal does to a worker with a call; the tests send them to the main process, and to its whole process group,
as a Ctrl-C or a careless supervisor does. The calls' processes listen to neither SIGTERM nor SIGINT.

| Signal | To | Exit status | The call | Its transcript |
| --- | --- | --- | --- | --- |
| SIGTERM or SIGINT | main process or group | 0 | goes on: ends by itself, or is handed over | complete |
| SIGTERM or SIGINT, twice | main process or group | 1, at once | is cut off | recovered by the next worker here |
| SIGKILL | main process | 137 | is cut off; its process ends by itself | recovered, as above |
| SIGKILL | group | 137 | is cut off | recovered, as above |
| SIGKILL | forkserver | none: the worker goes on | goes on | complete |

A recovered transcript has all that was said until then, and is marked as incomplete. A call that is cut off is followed
by another agent, which knows what was said; the worker sends it, or the one that starts next on this machine, or
`verbatim watch`.

## Exit status of `verbatim start`

| Status | When |
| --- | --- |
| 0 | it was told to stop, and has |
| 1 | it could not work: the health port is taken, storage or a directory cannot be written |
| 69 | LiveKit could not be reached, was lost for good, or never registered the worker |
| 78 | settings are wrong, or LiveKit or the store refuses the keys |

## Platforms

What each platform waits, in seconds, where that is set, and settings that fit into the longest it can be made to wait.
Where the length is yours to choose, the default settings are meant; a longer `fleet.drain_timeout` needs as much more.

| Platform | Default | Longest | Set by | `fleet.grace_period` | Settings that fit |
| --- | --- | --- | --- | --- | --- |
{platforms}

Platforms that wait 30 seconds or less and cannot be told otherwise, such as Heroku (30) and Google Cloud Run (10),
cannot let a call end.
"""


def stopping_reference() -> str:
    """Return the content of `docs/reference/stopping.md`."""
    usual = FleetSettings()
    return PAGE.format(
        steps="\n".join(map(_step, steps(usual))),
        needed=needed(usual),
        platforms="\n".join(map(_platform, PLATFORMS)),
    )


def _step(step: Step) -> str:
    return f"| {step.name} | {step.seconds:g} | {f'`{step.key}`' if step.key else ''} |"


def _platform(platform: Platform) -> str:
    columns = (
        platform.name,
        str(platform.default),
        "your choice" if platform.longest is None else str(platform.longest),
        platform.setting,
        str(needed(platform.fleet)),
        ", ".join(_changed(platform.fleet)) or "the defaults",
    )
    return f"| {' | '.join(columns)} |"


def _changed(fleet: FleetSettings) -> Iterator[str]:
    for step, usual in zip(steps(fleet), steps(FleetSettings()), strict=True):
        if step != usual:
            yield f"`{step.key}: {step.seconds:g}`"
