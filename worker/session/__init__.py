"""One call, from job to finished transcript: the only part that knows rooms and AgentSession."""
