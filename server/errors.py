"""What can be wrong with what a person asked for, each said in one sentence; the whole tree of this room.

ServerError
├── BadValue      a control was given a value that it cannot take
├── ConfigError   config.toml cannot be used; all its mistakes at once
├── ExportError   an export cannot be written where it was asked for
├── LayoutError   a layout or its picture cannot be written
├── TakeError     there is no such take or mark, or nothing was played in it
├── PanelError    the panel cannot be served where it was asked for
└── BadMessage    a page sent what the panel does not take
"""


class ServerError(Exception):
    """The root: its text is fit to be shown to the player."""


class BadValue(ServerError):
    """A control was given a value of the wrong kind or out of its range; nothing has changed."""


class ConfigError(ServerError):
    """The configuration cannot be used; the text has a line for each mistake."""


class ExportError(ServerError):
    """An export cannot be written."""


class LayoutError(ServerError):
    """A layout cannot be written."""


class PanelError(ServerError):
    """The panel cannot be served."""


class BadMessage(ServerError):
    """A page sent what the panel does not take; nothing has come of it."""


class TakeError(ServerError):
    """There is no such take or mark, nothing was played in it, or its journal cannot be read."""
