"""A Max patch as its JSON: objects, and the cords between them; knows no device and no controls."""

import json
from collections.abc import Mapping

MAX_VERSION = {"major": 8, "minor": 5, "revision": 5, "architecture": "x64", "modernui": 1}
Rectangle = tuple[float, float, float, float]
Json = object
"""What JSON can hold."""


class MaxPatch:
    """Collects objects and cords; `add` returns the id by which `connect` knows an object."""

    def __init__(self) -> None:
        self._boxes: list[Json] = []
        self._lines: list[Json] = []

    def add(
        self,
        maxclass: str,
        place: Rectangle,
        text: str = "",
        *,
        inlets: int = 1,
        outlets: int = 1,
        in_device: bool = False,
        attributes: Mapping[str, Json] | None = None,
    ) -> str:
        """An object at left, top, width, height; with `in_device` it is seen in the device itself, at the same place."""
        identity = f"obj-{len(self._boxes) + 1}"
        box: dict[str, Json] = {
            "id": identity,
            "maxclass": maxclass,
            "numinlets": inlets,
            "numoutlets": outlets,
            "outlettype": [""] * outlets,
            "patching_rect": list(place),
        }
        if text:
            box["text"] = text
        if in_device:
            box |= {"presentation": 1, "presentation_rect": list(place)}
        self._boxes.append({"box": {**box, **(attributes or {})}})
        return identity

    def add_object(self, text: str, left: float, top: float, *, inlets: int = 1, outlets: int = 1) -> str:
        """An ordinary object, such as `prepend /fours/tempo`."""
        return self.add("newobj", (left, top, 170.0, 22.0), text, inlets=inlets, outlets=outlets)

    def connect(self, source: str, target: str, outlet: int = 0, inlet: int = 0) -> None:
        """A cord from an outlet to an inlet."""
        self._lines.append({"patchline": {"source": [source, outlet], "destination": [target, inlet]}})

    def as_dict(self) -> dict[str, dict[str, Json]]:
        """The tree of the patch's file."""
        return {
            "patcher": {
                "fileversion": 1,
                "appversion": MAX_VERSION,
                "classnamespace": "box",
                "rect": [80.0, 80.0, 1200.0, 700.0],
                "openinpresentation": 1,
                "devicewidth": 0.0,
                "boxes": self._boxes,
                "lines": self._lines,
            }
        }

    def as_json(self) -> str:
        """The text of the patch's file."""
        return json.dumps(self.as_dict(), indent=1)
