"""Speech recognition by pocketsphinx: an open vocabulary, arbitrated with the demo phrases' own model."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pocketsphinx import Decoder, get_model_path

from standins.assemblyai.language_model import (
    PHRASES,
    cut_dictionary,
    read_phrases,
    sentences,
    trigram_model,
)
from standins.assemblyai.obscene import mask
from standins.assemblyai.words import Word, mean_confidence

# The decoder counts in frames of this length.
FRAME_MS = 10
# The cepstral mean of clean speech under the en-us model. With the package's default (40,3,-1) the first
# utterance of a connection loses words until the mean has been learned.
CEPSTRAL_MEAN = "41.00,-5.29,-0.12,5.09,2.48,-4.07,-1.37,-1.78,-5.08,-2.05,-6.45,-1.42,1.17"
# The phrases' model forces whatever it hears into its few words, so it is believed only when it is this sure,
# and at least as sure as an open vocabulary that is very sure.
PHRASES_SURE = 0.90
OPEN_SURE = 0.95
# Foreign speech never comes out as one whole phrase of several words; what does may be less sure.
WHOLE_PHRASE_SURE = 0.70
WHOLE_PHRASE_WORDS = 3


class Recogniser:
    """Two decoders on the same audio, one stretch of speech at a time.

    Audio is 16 kHz, 16 bit little endian, mono. Every stretch is heard as if it were the first, so the same
    audio gives the same words, whatever came before and however it is cut into pieces. Everything blocks, and
    pocketsphinx keeps the GIL: run it in a process of its own.

    Args:
        phrases: The file with the sentences of the domain.

    Raises:
        ValueError: If a word of the phrases has no pronunciation.
    """

    def __init__(self, phrases: Path = PHRASES) -> None:
        counted = sentences(read_phrases(phrases))
        dictionary = cut_dictionary(
            {word for words in counted for word in words}, Path(get_model_path("en-us/cmudict-en-us.dict"))
        )
        with tempfile.TemporaryDirectory(prefix="verbatim-phrases-") as folder:
            model_file, dictionary_file = Path(folder, "phrases.lm"), Path(folder, "phrases.dict")
            model_file.write_text(trigram_model(counted), encoding="utf-8")
            dictionary_file.write_text(dictionary, encoding="utf-8")
            self._narrow = _decoder(lm=str(model_file), dict=str(dictionary_file))
        self._wide = _decoder()
        self._whole = {tuple(words) for words in counted if len(words) >= WHOLE_PHRASE_WORDS}
        self._listening = False

    def feed(self, pcm: bytes) -> None:
        """Hears audio; the first after `finish` begins a stretch of speech."""
        for decoder in (self._narrow, self._wide):
            if not self._listening:
                decoder.start_utt()
            decoder.process_raw(pcm)
        self._listening = True

    def so_far(self) -> list[Word]:
        """What the stretch holds so far; times count from its first sample, and all may still change."""
        if not self._listening:
            return []
        narrow, wide = _words(self._narrow), _words(self._wide)
        return narrow if mean_confidence(narrow) >= mean_confidence(wide) else wide

    def finish(self) -> list[Word]:
        """Ends the stretch; its words are settled."""
        if not self._listening:
            return []
        self._listening = False
        self._narrow.end_utt()
        self._wide.end_utt()
        chosen = choose(_words(self._wide), _words(self._narrow), self._whole)
        for decoder in (self._narrow, self._wide):
            # Forgets what the front end learned of noise and of the cepstral mean.
            decoder.reinit_feat()
        return [replace(word, settled=True) for word in chosen]


def choose(wide: Sequence[Word], narrow: Sequence[Word], whole: set[tuple[str, ...]]) -> Sequence[Word]:
    """Which of the two decoders is believed at the end of a stretch of speech.

    Args:
        wide: What the open vocabulary heard.
        narrow: What the phrases' model heard.
        whole: The phrases and clauses that are long enough to be evidence by themselves.
    """
    is_whole = tuple(word.text for word in narrow) in whole
    floor = WHOLE_PHRASE_SURE if is_whole else PHRASES_SURE
    if not is_whole and mean_confidence(wide) >= OPEN_SURE:
        floor = mean_confidence(wide)
    return narrow if mean_confidence(narrow) >= floor else wide


def transcribe(pcm: bytes, phrases: Path = PHRASES) -> str:
    """The words of a whole recording, by the same arbitration.

    Args:
        pcm: 16 kHz, 16 bit little endian, mono.
        phrases: The file with the sentences of the domain.
    """
    recogniser = Recogniser(phrases)
    recogniser.feed(pcm)
    return " ".join(word.text for word in recogniser.finish())


def transcribe_openly(pcm: bytes) -> str:
    """The words of a whole recording by the open vocabulary alone, which knows no phrase.

    Args:
        pcm: 16 kHz, 16 bit little endian, mono.
    """
    decoder = _decoder()
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()
    return " ".join(word.text for word in _words(decoder))


def _decoder(**options: str) -> Decoder:
    return Decoder(loglevel="FATAL", cmninit=CEPSTRAL_MEAN, **options)


def _words(decoder: Decoder) -> list[Word]:
    return [
        Word(
            # Alternate pronunciations are written `the(2)`; silence and noise `<sil>` and `[NOISE]`.
            text=mask(segment.word.partition("(")[0]),
            start_ms=FRAME_MS * segment.start_frame,
            end_ms=FRAME_MS * (segment.end_frame + 1),
            confidence=min(1.0, max(0.0, segment.prob)),
        )
        for segment in decoder.seg() or ()
        if segment.word[0] not in "<["
    ]
