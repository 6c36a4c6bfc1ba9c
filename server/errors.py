"""All errors of `server`: mistakes in what a user requested, each explained in one sentence.

ServerError
├── BadValue      a control was given a value that it does not accept
├── ConfigError   config.toml cannot be used; all its mistakes at once
├── ExportError   an export cannot be written to the requested path
├── LayoutError   a layout or its picture cannot be written
├── TakeError     there is no such take or mark, or nothing was played in it
├── PanelError    the panel cannot be served at the requested address
├── SetupError    a file for a DAW cannot be written, or was not written by us
├── CalibrationError  the clicks do not show how late notes are
└── BadMessage    a page sent a message that the panel does not accept
"""

from bridge.errors import BridgeError
from model.errors import ModelError


class ServerError(Exception):
    """The root of the tree; the text of every error is written for the user."""


class BadValue(ServerError):
    """A control was given a value of the wrong kind or out of its range; nothing was changed."""


class ConfigError(ServerError):
    """The configuration cannot be used; the text has one line for each mistake."""


class ExportError(ServerError):
    """An export cannot be written."""


class LayoutError(ServerError):
    """A layout cannot be written."""


class PanelError(ServerError):
    """The panel cannot be served."""


class BadMessage(ServerError):
    """A page sent a message that the panel does not accept; it had no effect."""


class TakeError(ServerError):
    """There is no such take or mark, nothing was played in it, or its journal cannot be read."""


class SetupError(ServerError):
    """A file for a DAW cannot be written or may not be touched, or there is no such DAW."""


class CalibrationError(ServerError):
    """How late notes are could not be measured; nothing was changed."""


FORESEEN = (BridgeError, ModelError, ServerError)
"""The errors whose texts are for the user, wherever they come from."""
