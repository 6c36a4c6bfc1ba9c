"""Windows is not at hand: its libraries are replaced by one that records calls, and the numbers are those of its headers."""

import ctypes

import pytest

from server.music import windows_priority
from server.music.windows_priority import (
    BELOW_NORMAL_PRIORITY_CLASS,
    HIGH_PRIORITY_CLASS,
    request_highest_thread_priority,
    request_process_priority,
    request_timers_of_a_millisecond,
)


class RecordingLibraries:
    """Every function of every library, as `load`; `calls` are library, function and arguments."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, tuple[object, ...]]] = []

    def __call__(self, name: str) -> ctypes.CDLL:
        libraries = self

        class Library:
            def __getattr__(self, function: str) -> object:
                def call(*arguments: object) -> int:
                    plain = tuple(getattr(argument, "value", argument) for argument in arguments)
                    libraries.calls.append((name, function, plain))
                    return 1

                return call

        return Library()  # type: ignore[return-value]


def unsigned(value: int) -> int:
    """A handle of Windows, such as -1, as ctypes shows a pointer."""
    return value % (1 << 8 * ctypes.sizeof(ctypes.c_void_p))


def test_a_process_gets_the_priority_class_of_winbase_h() -> None:
    libraries = RecordingLibraries()
    request_process_priority(HIGH_PRIORITY_CLASS, libraries)
    request_process_priority(BELOW_NORMAL_PRIORITY_CLASS, libraries)
    this_process = unsigned(-1)
    assert libraries.calls == [
        ("kernel32", "SetPriorityClass", (this_process, 0x00000080)),
        ("kernel32", "SetPriorityClass", (this_process, 0x00004000)),
    ]


def test_the_music_thread_goes_before_all_others() -> None:
    libraries = RecordingLibraries()
    request_highest_thread_priority(libraries)
    assert libraries.calls == [("kernel32", "SetThreadPriority", (unsigned(-2), 15))]


def test_timers_are_asked_for_once_a_millisecond() -> None:
    libraries = RecordingLibraries()
    request_timers_of_a_millisecond(libraries)
    assert libraries.calls == [("winmm", "timeBeginPeriod", (1,))]


def test_where_there_are_no_such_libraries_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(ctypes, "WinDLL", raising=False)
    windows_priority.request_timers_of_a_millisecond()
    windows_priority.request_highest_thread_priority()
    windows_priority.request_process_priority(HIGH_PRIORITY_CLASS)
