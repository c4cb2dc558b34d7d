"""Named profiles: what differs between trying things out and serving callers."""

PROFILES: dict[str, dict[str, object]] = {
    "production": {},
    "development": {
        "agent.dispatch": "every_room",
        "agent.session_host": True,
        "fleet.health_host": "127.0.0.1",
        "fleet.idle_processes": 1,
        "telemetry.log_format": "readable",
    },
}
"""Values by profile and key. `production` is what the defaults are made for."""

PROFILE_OF_COMMAND = {"dev": "development"}
"""The profile that a command takes when none is named; the others take `production`."""
