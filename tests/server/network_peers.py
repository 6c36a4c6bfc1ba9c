"""Whoever carries out what a desk passes on."""

from server.controls.control_table import Value


class Band:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def change(self, control: str, value: Value) -> None:
        self.done.append(f"{control} {value}")

    def act(self, action: str) -> None:
        self.done.append(action)
