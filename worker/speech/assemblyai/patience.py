"""How long the stream waits for what."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """Bounds of one stream, in seconds.

    Attributes:
        connect_seconds: For the handshake, and again for `Begin`; both take well below one on a network that works.
        termination_seconds: For the `Termination` after `Terminate`.
        error_seconds: For the close that follows an `Error` message.
        silent_seconds: Of the caller's speech to which the server says nothing; then it is taken for dead.
        idle_seconds: Without any audio, not even silence; then nobody is there, and the session is ended.
        give_up_seconds: Of failures in a row; then the call ends.
        spread_seconds: Over which first attempts are spread, so that the calls of a worker do not all come at once.
        retry_seconds: The first pause between two attempts; each one after it is twice as long.
        back_off_seconds: The same where the provider is busy.
        longest_wait_seconds: To which these pauses grow.
        replay_seconds: Of audio that is kept while there is no session, for the next one to hear.
        settled_seconds: After which the recogniser has said of silence and noise that there were no words.
        rotation_seconds: Before a session's end from which a pause is used for the next one.
        catch_up_speed: How much faster than real time old audio is sent. AssemblyAI closes with 3007 where that is
            "well above 1" for long (streaming API, "Audio requirements").
    """

    connect_seconds: float = 4.0
    termination_seconds: float = 1.5
    error_seconds: float = 2.0
    silent_seconds: float = 6.0
    idle_seconds: float = 5.0
    give_up_seconds: float = 60.0
    spread_seconds: float = 0.1
    retry_seconds: float = 0.25
    back_off_seconds: float = 1.0
    longest_wait_seconds: float = 5.0
    replay_seconds: float = 10.0
    settled_seconds: float = 5.0
    rotation_seconds: float = 60.0
    catch_up_speed: float = 1.25
