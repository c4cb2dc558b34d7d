"""The agent that answers: the one that comes with the worker, or a class of the operator's."""

from livekit.agents import Agent
from livekit.agents.utils import is_given

from config import Settings
from config.languages import NAMES
from worker.errors import Misconfigured
from worker.loading import load_class
from worker.session.mcp import require_mcp


class Assistant(Agent):
    """Follows the instructions in the settings, and greets first."""

    def __init__(self, *, instructions: str, greeting: str) -> None:
        super().__init__(instructions=instructions)
        self._greeting = greeting

    async def on_enter(self) -> None:
        """Greet the caller, unless the greeting is empty."""
        if self._greeting:
            self.session.generate_reply(instructions=self._greeting)


def build_agent(settings: Settings) -> Agent:
    """Return the agent for one call.

    Raises:
        Misconfigured: `agent.class` cannot be loaded or made, or brings its own STT, LLM or TTS, which
            would bypass the journal; or MCP servers are named and what speaks with them is not installed.
    """
    require_mcp(settings)
    if settings.agent.class_ is None:
        return Assistant(
            instructions=_in_language(settings.agent.instructions, settings.agent.language),
            greeting=_in_language(settings.agent.greeting, settings.agent.language),
        )
    path = settings.agent.class_
    agent_class = load_class("agent.class", path, Agent)
    try:
        agent = agent_class()
    except TypeError as error:
        raise Misconfigured(
            f"agent.class names {path}, which cannot be made without arguments ({error}); give its parameters defaults."
        ) from error
    except (Exception, SystemExit) as error:
        raise Misconfigured(
            f"agent.class names {path}, which cannot be made ({type(error).__name__}: {error}); mend it."
        ) from error
    assert isinstance(agent, Agent)
    refuse_own_parts(agent, f"agent.class names {path}, which")
    return agent


def _in_language(instructions: str, language: str | None) -> str:
    """Return instructions that name the language too; an empty greeting stays empty."""
    return f"{instructions} Speak {NAMES[language]}." if instructions and language else instructions


def refuse_own_parts(agent: Agent, subject: str) -> None:
    """Check that `agent` uses the session's STT, LLM and TTS, which write ahead.

    Args:
        agent: any agent that is to take part in a call.
        subject: how the sentence begins.

    Raises:
        Misconfigured: it brings one of its own.
    """
    for part in ("stt", "llm", "tts"):
        if is_given(own := getattr(agent, part)) and own is not None:
            raise Misconfigured(
                f"{subject} brings its own {part}; what passes it would not be journaled. "
                f"Leave it out and set {part}.model or {part}.plugin instead."
            )
