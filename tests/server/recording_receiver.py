"""A `ControlReceiver` for tests."""

from server.controls.control_table import Value


class RecordingReceiver:
    """Records the calls as texts: "tempo 90", or an action's name."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def change(self, control: str, value: Value) -> None:
        self.calls.append(f"{control} {value}")

    def act(self, action: str) -> None:
        self.calls.append(action)
