"""Replaces the card of a pack that is there, as a whole or not at all."""

import os
from pathlib import Path

from model.pack.card import CARD_FILE, Card
from train.errors import OutputError


def replace_card(card: Card, folder: Path) -> None:
    """Writes the card into the folder of its pack. Raises OutputError where it cannot be written."""
    path = folder / CARD_FILE
    partial = path.with_name(f".{CARD_FILE}.{os.getpid()}")
    try:
        partial.write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror or error}); make room for it") from error
    finally:
        partial.unlink(missing_ok=True)
