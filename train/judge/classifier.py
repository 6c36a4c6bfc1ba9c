"""How well answers can be distinguished from what people played, by classifiers on the measures of phrases; knows no music.

Each classifier is trained on some pieces and tested on the others, so that it cannot recognise a piece.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDS = 5
# The trees are small, as a few hundred phrases are too few for larger ones.
TREES, LEAVES, LEAST_IN_LEAF = 80, 6, 10
# The inverse strength of the logistic regression's penalty.
REGULARISATION = 0.3

Features = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Auc:
    """How often a classifier finds the answer in a pair of an answer and a human phrase: 0.5 is chance, 1 always."""

    regression: float
    trees: float


def telling_apart(
    human: Sequence[Features],
    ours: Sequence[Features],
    pieces: Sequence[str],
    names: Sequence[str],
    random_seed: int = 0,
) -> Auc | None:
    """Both classifiers on the features of these names; `human` and `ours` are of the same pieces, in the same order.

    None where there are too few pieces to hold some of them out. A value that one of a pair lacks counts for neither, so that
    no classifier learns from its absence.
    """
    folds = min(FOLDS, len(set(pieces)))
    if folds < 2:
        return None
    rows = np.array([[_number(row[name]) for name in names] for row in (*human, *ours)])
    pairs = rows.reshape(2, len(human), -1)
    pairs[:, np.isnan(pairs).any(axis=0)] = np.nan
    is_ours = np.repeat([0, 1], len(human))
    split = list(GroupKFold(folds).split(rows, is_ours, [*pieces, *pieces]))
    # A measure that no piece of some training side has cannot be learnt from.
    rows = rows[:, np.all([~np.isnan(rows[training]).all(axis=0) for training, _ in split], axis=0)]
    regression = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=REGULARISATION, max_iter=1000),
    )
    trees = HistGradientBoostingClassifier(
        max_iter=TREES, max_leaf_nodes=LEAVES, min_samples_leaf=LEAST_IN_LEAF, random_state=random_seed
    )
    figures = []
    for classifier in (regression, trees):
        guesses: npt.NDArray[np.float64] = cross_val_predict(
            classifier, rows, is_ours, cv=split, method="predict_proba"
        )
        figures.append(float(roc_auc_score(is_ours, guesses[:, 1])))
    return Auc(*figures)


def _number(value: float | None) -> float:
    return np.nan if value is None else value
