"""A JACK client that records each MIDI message with its frame, in a process of its own, as the reference of `bench onsets`.

Lines on stdout: `PORT FRAME SONG HEX` for a message, with SONG as the frame of JACK's transport; `gap FRAME FRAMES` where cycles are
missing before FRAME; `xrun FRAME` where the server reported one. Frames come from JACK and not from a clock, so they are right
however late this process runs. It ends on SIGINT.
"""

import signal
from threading import Event

import jack

PORTS = ("clock", "notes")


def main() -> None:
    """Records until SIGINT."""
    done = Event()
    signal.signal(signal.SIGINT, lambda _number, _frame: done.set())
    client = jack.Client("onset-recorder", no_start_server=True)
    ports = [client.midi_inports.register(name) for name in PORTS]
    lines: list[str] = []
    expected = [-1]

    @client.set_process_callback  # type: ignore[untyped-decorator]
    def process(frames: int) -> None:
        first = client.last_frame_time
        if expected[0] not in {-1, first}:
            lines.append(f"gap {first} {first - expected[0]}")
        expected[0] = first + frames
        _, position = client.transport_query_struct()
        song = position.frame
        for port, name in zip(ports, PORTS, strict=True):
            for offset, data in port.incoming_midi_events():
                lines.append(f"{name} {first + offset} {song + offset} {bytes(data).hex()}")

    @client.set_xrun_callback  # type: ignore[untyped-decorator]
    def note_xrun(_delayed_us: float) -> None:
        lines.append(f"xrun {client.frame_time}")

    with client:
        print("ready", flush=True)
        done.wait()
    print(*lines, sep="\n", flush=True)


if __name__ == "__main__":
    main()
