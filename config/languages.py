"""Languages by their ISO 639-1 codes."""

from typing import Annotated, Final

from pydantic import AfterValidator

from config.values import described, wrong

NAMES: Final[dict[str, str]] = {
    "ar": "Arabic", "bg": "Bulgarian", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian", "fi": "Finnish", "fr": "French",
    "gl": "Galician", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian",
    "it": "Italian", "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "mk": "Macedonian",
    "ms": "Malay", "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian",
    "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian", "sv": "Swedish", "th": "Thai",
    "tl": "Tagalog", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
"""English name by code, as language models and AssemblyAI's voices are told it."""

_CODE = "an ISO 639-1 code such as en, es or ja"


def _language(code: str) -> str:
    lowered = code.lower()
    if lowered not in NAMES:
        raise wrong(f"must be {_CODE}")
    return lowered


Language = Annotated[str, AfterValidator(_language), described(_CODE)]
"""The code of a language."""
