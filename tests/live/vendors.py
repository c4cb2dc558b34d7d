"""The real services, as the settings name them. Pure."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from config import Settings
from config.names import usual_name
from config.proxies import proxy_for
from config.sections.llm import LlmSettings
from config.sections.tts import TtsSettings
from tests.contract.services import MODELS, ChatService, SpeechService, StreamingService

ACCOUNTS = {"stt.api_key": "AssemblyAI", "llm.api_key": "OpenAI", "tts.api_key": "OpenAI"}


@dataclass(frozen=True, slots=True)
class Vendors:
    """The services of a run; None where another vendor stands in the place of OpenAI's API."""

    streaming: StreamingService
    chat: ChatService | None
    speech: SpeechService | None


def missing_keys(settings: Settings) -> list[str]:
    """Return one sentence with the remedy for each key that the run needs and does not have."""
    needed = {
        "stt.api_key": True,
        "llm.api_key": _is_openai(settings.llm),
        "tts.api_key": _is_openai(settings.tts),
    }
    missing = [key for key, is_needed in needed.items() if is_needed and settings.value(key) is None]
    accounts = {usual_name(key): ACCOUNTS[key] for key in missing}
    return [
        f"{name} is not set; put the API key of your {account} account into .env or the environment."
        for name, account in accounts.items()
    ]


def vendors(settings: Settings) -> Vendors:
    """Return the services; all keys must be set."""
    stt, llm, tts = settings.stt, settings.llm, settings.tts
    streaming = StreamingService(
        name=_name(stt.base_url, "assemblyai.com", "AssemblyAI"),
        url=stt.base_url,
        key=_text(stt.api_key),
        models={**MODELS, stt.family: stt.model},
        proxy=proxy_for(stt.base_url),
    )
    chat = ChatService(
        name=_name(llm.base_url, "openai.com", "OpenAI"),
        url=llm.base_url,
        key=_text(llm.api_key),
        model=llm.model,
        temperature=llm.temperature,
        proxy=proxy_for(llm.base_url),
    )
    speech = SpeechService(
        name=_name(tts.base_url, "openai.com", "OpenAI"),
        url=tts.base_url,
        key=_text(tts.api_key),
        model=tts.model,
        voice=tts.voice,
        speed=tts.speed,
        proxy=proxy_for(tts.base_url),
    )
    return Vendors(streaming, chat if _is_openai(llm) else None, speech if _is_openai(tts) else None)


def _is_openai(section: LlmSettings | TtsSettings) -> bool:
    return section.plugin is None and section.provider == "openai"


def _name(base_url: str, domain: str, vendor: str) -> str:
    host = urlsplit(base_url).hostname or ""
    return vendor if host == domain or host.endswith(f".{domain}") else urlsplit(base_url).netloc


def _text(key: SecretStr | None) -> str:
    return key.get_secret_value() if key is not None else ""
