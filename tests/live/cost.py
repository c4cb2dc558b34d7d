"""What a run will cost, and how that is computed. Pure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tests.contract.openai_probes import CHAT_PROBES, SPEECH_PROBES
from tests.contract.probe import Use
from tests.contract.streaming_probes import FAMILIES, STREAMING_PROBES
from tests.live.prices import PRICES, Price
from tests.live.vendors import Vendors

CHARACTERS_A_TOKEN = 4
"""OpenAI, "What are tokens and how to count them?": about, in English."""


@dataclass(frozen=True, slots=True)
class Item:
    """One model's part of the cost.

    Attributes:
        model: Its name.
        computation: How the cost is computed, in words.
        dollars: US dollars; None where the price is not known.
        source: Where the price is from.
    """

    model: str
    computation: str
    dollars: float | None
    source: str


def cost(services: Vendors) -> list[Item]:
    """Return the parts of the cost of one run."""
    streaming = [
        (services.streaming.models[family], [probe.use for probe in STREAMING_PROBES if probe.family == family])
        for family in FAMILIES
    ]
    chat = [(services.chat.model, [probe.use for probe in CHAT_PROBES])] if services.chat else []
    speech = [(services.speech.model, [probe.use for probe in SPEECH_PROBES])] if services.speech else []
    return [_item(model, uses) for model, uses in (*streaming, *chat, *speech)]


def lines(items: list[Item]) -> list[str]:
    """Return the cost in words, the total last."""
    told = [f"{item.model}: {item.computation}{_dollars(item)} ({item.source})" for item in items]
    total = sum(item.dollars or 0 for item in items)
    unknown = any(item.dollars is None for item in items)
    rest = " and what has no price here" if unknown else ""
    return [*told, f"Together about US$ {math.ceil(total * 1000) / 1000:.3f}{rest}."]


def _item(model: str, uses: Iterable[Use]) -> Item:
    total = _sum(uses)
    price = PRICES.get(model)
    if price is None:
        return Item(model, _amounts(total), None, "no list price is known here; see the provider's own page")
    parts = [part for part in _parts(total, price) if part.dollars]
    return Item(model, " + ".join(part.words for part in parts), sum(part.dollars for part in parts), price.source)


@dataclass(frozen=True, slots=True)
class _Part:
    words: str
    dollars: float


def _parts(use: Use, price: Price) -> list[_Part]:
    return [
        _Part(
            f"{use.session_seconds:g} s of session at {price.session_hour:g} an hour",
            use.session_seconds / 3600 * price.session_hour,
        ),
        _million(use.prompt_tokens, "tokens", price.prompt_million),
        _million(use.answer_tokens, "tokens answered", price.answer_million),
        _million(use.characters, "characters", price.prompt_million)
        if price.by_characters
        else _million(math.ceil(use.characters / CHARACTERS_A_TOKEN), "tokens to speak", price.prompt_million),
        _Part(
            f"{use.speech_seconds:g} s of speech at {price.speech_minute:g} a minute",
            use.speech_seconds / 60 * price.speech_minute,
        ),
    ]


def _million(count: int, unit: str, price: float) -> _Part:
    return _Part(f"{count} {unit} at {price:g} a million", count * price / 1_000_000)


def _sum(uses: Iterable[Use]) -> Use:
    uses = list(uses)
    return Use(
        session_seconds=sum(use.session_seconds for use in uses),
        prompt_tokens=sum(use.prompt_tokens for use in uses),
        answer_tokens=sum(use.answer_tokens for use in uses),
        characters=sum(use.characters for use in uses),
        speech_seconds=sum(use.speech_seconds for use in uses),
    )


def _amounts(use: Use) -> str:
    amounts = {
        "s of session": use.session_seconds,
        "tokens sent": use.prompt_tokens,
        "tokens answered": use.answer_tokens,
        "characters": use.characters,
        "s of speech": use.speech_seconds,
    }
    return " + ".join(f"{amount:g} {unit}" for unit, amount in amounts.items() if amount)


def _dollars(item: Item) -> str:
    return "" if item.dollars is None else f" = US$ {item.dollars:.5f}"
