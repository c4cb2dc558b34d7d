from worker.speech.assemblyai.stream_clock import StreamClock

BEGAN = 1000.0
FRAME = 0.05


def test_audio_that_is_sent_as_it_is_heard_has_one_beginning() -> None:
    clock = StreamClock(0.0)
    for at in range(100):
        clock.send(FRAME, BEGAN + at * FRAME + 0.03 * (at % 3))
    assert clock.wall_clock(0.0) == BEGAN
    assert clock.wall_clock(4.0) == BEGAN + 4.0
    assert clock.zero == BEGAN


def test_audio_that_waited_for_the_connection_keeps_its_time() -> None:
    clock = StreamClock(0.0)
    for waiting in range(60, 0, -1):  # three seconds, in one burst
        clock.send(FRAME, BEGAN - waiting * FRAME)
    assert clock.wall_clock(0.0) == BEGAN - 3.0
    assert round(clock.wall_clock(3.0), 6) == BEGAN


def test_a_pause_in_which_nothing_is_sent_moves_only_what_follows() -> None:
    clock = StreamClock(0.0)
    clock.send(1.0, BEGAN)
    clock.send(1.0, BEGAN + 11.0)
    clock.send(1.0, BEGAN + 12.0)
    assert clock.wall_clock(0.5) == BEGAN + 0.5
    assert clock.wall_clock(1.5) == BEGAN + 11.5
    assert clock.wall_clock(2.5) == BEGAN + 12.5
    assert clock.zero == BEGAN + 10.0


def test_a_new_connection_begins_at_zero_again() -> None:
    clock = StreamClock(0.0)
    clock.send(1.0, BEGAN)
    clock.begin(BEGAN + 5.0)
    clock.send(1.0, BEGAN + 7.0)
    assert clock.wall_clock(0.25) == BEGAN + 7.25
