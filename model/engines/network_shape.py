"""The shape of a network as a pack's card states it: the sizes of its layers, and the dropout of its training."""

from pydantic import BaseModel, ConfigDict, Field

MOST_UNITS, MOST_LAYERS = 8192, 16
"""A card with larger numbers is wrong: so large a network could not play in time."""


class Hyperparameters(BaseModel):
    """The network's shape; `dropout` acts in training only."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    embedding: int = Field(default=256, ge=1, le=MOST_UNITS)
    hidden: int = Field(default=512, ge=1, le=MOST_UNITS)
    layers: int = Field(default=2, ge=1, le=MOST_LAYERS)
    dropout: float = Field(default=0.45, ge=0.0, lt=1.0)
