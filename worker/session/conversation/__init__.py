"""The agent and its AgentSession: who answers, how it listens, and what reaches it beside speech."""
