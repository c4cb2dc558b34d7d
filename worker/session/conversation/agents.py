"""The agent that answers: the one that comes with the worker, or a class of the operator's."""

import inspect
import sys

from livekit.agents import Agent
from livekit.agents.utils import is_given

from config import Settings
from config.languages import NAMES
from worker.errors import Misconfigured
from worker.loading import load_class
from worker.session.conversation.mcp import require_mcp

CANNOT_COME_BACK = "agent.cannot_come_back"


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


def maker(agent: Agent) -> str:
    """Return what makes an agent like this one again, as `module:Class`; empty where its class alone does not."""
    made_by = type(agent)
    if "<locals>" in made_by.__qualname__ or made_by.__module__ == "__main__" or not _needs_nothing(made_by):
        return ""
    return f"{made_by.__module__}:{made_by.__qualname__}"


def make_again(settings: Settings, made_by: str) -> Agent | None:
    """Return the agent that held a call before this process, or `None` where it cannot be made.

    The journals of a lost node come from the store, so that not every class that they name is made: only one of the
    package that `agent.class` is in, or that it has imported. It is loaded first.

    Args:
        settings: `agent.class`.
        made_by: what `maker` returned.
    """
    module, _, name = made_by.partition(":")
    own = (settings.agent.class_ or "").partition(":")[0]
    if not name or (module not in sys.modules and module.partition(".")[0] != own.partition(".")[0]):
        return None
    try:
        agent = load_class("agent.class", made_by, Agent)()
        refuse_own_parts(agent, f"The agent {name}")
    except (Exception, SystemExit):  # whatever an operator's class raises: the first agent goes on in its place
        return None
    assert isinstance(agent, Agent)
    return agent


def has_conversation(agent: Agent) -> bool:
    """Return whether an agent that takes over was given anything that was said before."""
    return any(item.type == "message" and item.role in ("user", "assistant") for item in agent.chat_ctx.items)


def _needs_nothing(made_by: type[Agent]) -> bool:
    try:
        parameters = list(inspect.signature(made_by).parameters.values())
    except (TypeError, ValueError):
        return False
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(each.default is not each.empty or each.kind in variable for each in parameters)


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
