"""`MusicLSTM`: the network of both approaches in torch, for training and for GPUs; knows no vocabulary."""

from torch import Tensor, nn

from model.engines.network_shape import Hyperparameters

LstmState = tuple[Tensor, Tensor]


class MusicLSTM(nn.Module):
    """Embedding, stacked LSTM with dropout, linear: tokens in, logits over the vocabulary out.

    Its weights have the same names in a pack's `.safetensors`.
    """

    def __init__(self, vocabulary_size: int, shape: Hyperparameters) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, shape.embedding)
        between = shape.dropout if shape.layers > 1 else 0.0
        self.lstm = nn.LSTM(shape.embedding, shape.hidden, shape.layers, dropout=between, batch_first=True)
        self.dropout = nn.Dropout(shape.dropout)
        self.output = nn.Linear(shape.hidden, vocabulary_size)

    def forward(self, tokens: Tensor, state: LstmState | None = None) -> tuple[Tensor, LstmState]:
        """Logits (batch, time, vocabulary) for tokens (batch, time), and the state (h, c) after them.

        `state` is a pair of tensors of shape (layers, batch, hidden); None means zeros, the state before all music.
        """
        out, after = self.lstm(self.dropout(self.embedding(tokens)), state)
        logits: Tensor = self.output(self.dropout(out))
        return logits, after
