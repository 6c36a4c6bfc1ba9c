"""Whoever carries out what a desk passes on."""

from server.controls.control_table import Value


class RecordingReceiver:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def change(self, control: str, value: Value) -> None:
        self.calls.append(f"{control} {value}")

    def act(self, action: str) -> None:
        self.calls.append(action)
