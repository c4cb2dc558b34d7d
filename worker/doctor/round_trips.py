"""Whether the LLM writes and the voice speaks, and how long a caller would wait for them. Costs a few tokens."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from livekit.agents import APIConnectOptions, llm, utils

from config import Settings
from worker.doctor.findings import Finding, failed, fine, skipped, unreachable, warning
from worker.errors import Refusal
from worker.speech.catalogue import fault
from worker.speech.failures import code_of
from worker.speech.providers import build_llm, build_tts

SECONDS = 15.0
"""How long a service may take for all of its answer."""

QUESTION = "Answer with the single word: ready."

WORDS = "This is a test."

SLOW_MS = 2000
"""A first piece that takes longer makes a conversation halting."""

NO_ANSWER = ("dns", "refused", "timeout", "network", "cut")
"""Faults of a service that could not be spoken with, by the catalogue's codes."""

ONCE = APIConnectOptions(max_retry=0, timeout=10.0)


async def check_answer(settings: Settings) -> Finding:
    """Ask the LLM for one word."""
    if settings.llm.plugin is None and settings.llm.api_key is None:
        return skipped("llm answer", "Not checked: the key of the language model is not set.")

    async def ask() -> tuple[int, str]:
        model = build_llm(settings)
        try:
            context = llm.ChatContext.empty()
            context.add_message(role="user", content=QUESTION)
            began, first, tokens = time.monotonic(), 0.0, 0
            async with model.chat(chat_ctx=context, conn_options=ONCE) as stream:
                async for chunk in stream:
                    if chunk.delta is not None and chunk.delta.content:
                        first = first or time.monotonic()
                    if chunk.usage is not None:
                        tokens = chunk.usage.total_tokens
            if not first:
                return 0, ""
            return _ms(began, first), f"it cost {tokens or 'about 20'} tokens"
        finally:
            await model.aclose()

    return await _tried("llm answer", "The language model", "llm", ask)


async def check_voice(settings: Settings) -> Finding:
    """Have a short sentence spoken, to nobody."""
    if settings.tts.plugin is None and settings.tts.api_key is None:
        return skipped("tts voice", "Not checked: the key of the voice is not set.")

    async def speak() -> tuple[int, str]:
        voice = build_tts(settings)
        try:
            began, first = time.monotonic(), 0.0
            async with voice.synthesize(WORDS, conn_options=ONCE) as stream:
                async for _ in stream:
                    first = first or time.monotonic()
            return (_ms(began, first), f"it cost {len(WORDS)} characters") if first else (0, "")
        finally:
            await voice.aclose()

    return await _tried("tts voice", "The voice", "tts", speak)


async def _tried(check: str, subject: str, section: str, work: Callable[[], Awaitable[tuple[int, str]]]) -> Finding:
    """Return the finding of `work`, which returns milliseconds to the first piece, and what it cost."""
    try:
        async with asyncio.timeout(SECONDS), utils.http_context.open():
            took, cost = await work()
    except Refusal as refusal:
        return failed(check, str(refusal), "")
    except Exception as error:  # a plugin may raise anything; what it says may hold a key
        found = fault(code_of(section, error))
        verdict = unreachable if found.code.partition(".")[2] in NO_ANSWER else failed
        return verdict(check, found.sentence, found.remedy)
    if not cost:
        return failed(
            check, f"{subject} answered without a word.", f"Check {section}.model: it has to stream its answer."
        )
    if took > SLOW_MS:
        return warning(check, f"{subject} began after {took} ms; {cost}.", f"Choose a quicker {section}.model.")
    return fine(check, f"{subject} began after {took} ms; {cost}.")


def _ms(began: float, first: float) -> int:
    return round(1000 * (first - began))
