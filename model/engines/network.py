"""`MusicLSTM`: the network of both approaches in torch, for training and for GPUs; knows no vocabulary."""

import re
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from model.engines.network_shape import Hyperparameters

LstmState = tuple[Tensor, Tensor]


class MusicLSTM(nn.Module):
    """Embedding, stacked LSTM with dropout, linear: tokens in, logits over the vocabulary out.

    Its weights have the same names in a pack's `.safetensors`: those of one `nn.LSTM` with several layers. Each layer
    is an `nn.LSTM` of its own, with the dropout between them in torch, because cuDNN's own dropout between layers
    keeps a random state that each new seed makes it set up again, and that waits for the GPU.
    """

    def __init__(self, vocabulary_size: int, shape: Hyperparameters) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, shape.embedding)
        inputs = [shape.embedding] + [shape.hidden] * (shape.layers - 1)
        self.lstm = nn.ModuleList(nn.LSTM(size, shape.hidden, batch_first=True) for size in inputs)
        self.dropout = nn.Dropout(shape.dropout)
        self.output = nn.Linear(shape.hidden, vocabulary_size)
        self.register_state_dict_post_hook(_name_as_in_a_pack)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.register_load_state_dict_pre_hook(_name_as_here)  # type: ignore[no-untyped-call]  # as above

    def forward(self, tokens: Tensor, state: LstmState | None = None) -> tuple[Tensor, LstmState]:
        """Logits (batch, time, vocabulary) for tokens (batch, time), and the state (h, c) after them.

        `state` is a pair of tensors of shape (layers, batch, hidden); None means zeros, the state before all music.
        """
        out, after = self.run_lstm(self.dropout(self.embedding(tokens)), state)
        logits: Tensor = self.output(self.dropout(out))
        return logits, after

    def run_lstm(self, inputs: Tensor, state: LstmState | None = None) -> tuple[Tensor, LstmState]:
        """The output of the top layer, shape (batch, time, hidden), for inputs (batch, time, embedding); and the state after them."""
        hidden, cell = [], []
        out = inputs
        with _full_precision(inputs):
            for index, layer in enumerate(self.lstm):
                before = None if state is None else tuple(part[index : index + 1] for part in state)
                out, (next_hidden, next_cell) = layer(self.dropout(out) if index else out, before)
                hidden.append(next_hidden)
                cell.append(next_cell)
        return out, (torch.cat(hidden), torch.cat(cell))


def _full_precision(inputs: Tensor) -> AbstractContextManager[object]:
    """On a GPU, autocast gives cuDNN's LSTM fp16, whatever it is asked for, and small gradients are lost in fp16.

    In fp32 the products of cuDNN's LSTM run in TF32 on the tensor cores; its time goes into the steps one after
    another, so that half the bits would save little.
    """
    return torch.autocast("cuda", enabled=False) if inputs.is_cuda else nullcontext()


def _name_as_in_a_pack(_module: nn.Module, weights: dict[str, Tensor], prefix: str, _metadata: object) -> None:
    for name in [name for name in weights if name.startswith(f"{prefix}lstm.")]:
        weights[re.sub(r"lstm\.(\d+)\.(\w+)_l0$", r"lstm.\2_l\1", name)] = weights.pop(name)


def _name_as_here(_module: nn.Module, weights: dict[str, Tensor], prefix: str, *_: object) -> None:
    for name in [name for name in weights if name.startswith(f"{prefix}lstm.")]:
        weights[re.sub(r"lstm\.(\w+)_l(\d+)$", r"lstm.\2.\1_l0", name)] = weights.pop(name)
