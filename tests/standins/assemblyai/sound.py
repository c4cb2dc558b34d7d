"""Audio for the tests: 16 kHz, 16 bit little endian, mono."""

import io

import av
import numpy as np

SAMPLE_RATE = 16_000
BYTES_PER_MS = 32
CHUNK_MS = 50


def silence(ms: int) -> bytes:
    return bytes(ms * BYTES_PER_MS)


def tone(ms: int, hertz: float = 300.0, loudness: float = 6000.0) -> bytes:
    """A steady tone, loud enough to be a voice for the light engine."""
    at = np.arange(ms * SAMPLE_RATE // 1000) / SAMPLE_RATE
    return (loudness * np.sin(2 * np.pi * hertz * at)).astype("<i2").tobytes()


def noise(ms: int, loudness: float) -> bytes:
    """White noise of this root mean square, always the same."""
    random = np.random.default_rng(7)
    return random.normal(0.0, loudness, ms * SAMPLE_RATE // 1000).astype("<i2").tobytes()


def through_opus(pcm: bytes) -> bytes:
    """Encodes and decodes as a voice track does: Opus at 24 kbit/s, 20 ms frames, voice profile."""
    stored = io.BytesIO()
    with av.open(stored, "w", format="ogg") as writer:
        stream = writer.add_stream("libopus", rate=48_000, layout="mono")
        stream.bit_rate = 24_000
        stream.codec_context.options = {"application": "voip"}
        whole = av.AudioFrame.from_ndarray(np.frombuffer(pcm, np.int16).reshape(1, -1), format="s16", layout="mono")
        whole.rate = SAMPLE_RATE
        cut = av.AudioResampler("s16", "mono", 48_000, frame_size=960)
        for frame in [*cut.resample(whole), *cut.resample(None)]:
            frame.pts = None
            writer.mux(stream.encode(frame))
        writer.mux(stream.encode(None))
    stored.seek(0)
    heard = io.BytesIO()
    with av.open(stored) as reader:
        back = av.AudioResampler("s16", "mono", SAMPLE_RATE)
        for frame in reader.decode(audio=0):
            for piece in back.resample(frame):
                heard.write(piece.to_ndarray().tobytes())
    return heard.getvalue()


def chunks(pcm: bytes, ms: int = CHUNK_MS) -> list[bytes]:
    """Cut as a client sends it; what is left over at the end is dropped."""
    size = ms * BYTES_PER_MS
    return [pcm[at : at + size] for at in range(0, len(pcm) - size + 1, size)]
