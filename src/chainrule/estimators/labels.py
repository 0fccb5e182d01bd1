"""Class labels to what the network learns, and its outputs back to labels."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.preprocessing import LabelBinarizer, label_binarize
from sklearn.utils.multiclass import check_classification_targets


@dataclass(frozen=True, eq=False)
class Labels:
    """The classes of one target, as `sklearn.preprocessing.LabelBinarizer` finds them.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted labels; for a multilabel target the numbers of its columns.
    kind : {"binary", "multiclass", "multilabel-indicator"}
    sparse : bool
        Whether a multilabel target came, and its predictions go, as a sparse matrix.
    """

    classes: NDArray[Any]
    kind: str
    sparse: bool = False

    @classmethod
    def of(cls, y: Any) -> Self:
        """Find the classes of y; raises scikit-learn's own errors for continuous or mixed targets."""
        check_classification_targets(y)
        return cls.read(LabelBinarizer().fit(y))

    @classmethod
    def read(cls, binarizer: LabelBinarizer) -> Self:
        """Take the classes of a binarizer that was fitted."""
        return cls(binarizer.classes_, binarizer.y_type_, binarizer.sparse_input_)

    @classmethod
    def meant(cls, classes: Any, out_activation: str, n_outputs: int) -> Self:
        """Return what scikit-learn's attributes mean: softmax one class of several, else yes or no."""
        kind = "binary" if n_outputs == 1 else "multilabel-indicator"
        return cls(np.asarray(classes), "multiclass" if out_activation == "softmax" else kind)

    def binarizer(self) -> LabelBinarizer:
        """Return scikit-learn's object for these labels."""
        y, n = self.classes, len(self.classes)
        if self.kind == "multilabel-indicator":
            y = np.eye(max(2, n), n, dtype=int)
        return LabelBinarizer(sparse_output=self.sparse).fit(y)

    @property
    def n_outputs(self) -> int:
        """Number of the network's outputs: one for two classes, else one per class."""
        return 1 if self.kind == "binary" else len(self.classes)

    @property
    def out_activation(self) -> str:
        """Name of the output activation: softmax for classes that exclude each other, else logistic."""
        return "softmax" if self.kind == "multiclass" else "logistic"

    def encode(self, y: Any) -> NDArray[Any]:
        """Turn labels into class indices (n_samples,), or booleans (n_samples, n_outputs) unless multiclass.

        A one-hot matrix of many classes would dwarf the data; the engine takes indices.
        """
        multilabel = self.kind == "multilabel-indicator"
        if not multilabel and y.ndim > 1:
            raise ValueError("The object was not fitted with multilabel input.")
        if multilabel:
            indicators: NDArray[Any] = label_binarize(y, classes=self.classes)
            return indicators.astype(bool)
        index = self.index(y)
        return index if self.kind == "multiclass" else (index == 1).reshape(-1, 1)

    def index(self, y: NDArray[Any]) -> NDArray[np.int64]:
        """Return the positions among the classes of labels (n_samples,), all of which must be known."""
        return np.searchsorted(self.classes, y).astype(np.int64, copy=False)

    def knows(self, y: NDArray[Any]) -> bool:
        """Whether labels (n_samples,) are all among the classes."""
        nearest = np.minimum(self.index(y), len(self.classes) - 1)
        return bool((self.classes[nearest] == y).all())

    def labels(self, encoded: NDArray[Any]) -> Any:
        """Undo `encode`."""
        if self.kind == "multilabel-indicator":
            return encoded.astype(int)
        return self.classes[encoded if self.kind == "multiclass" else encoded[:, 0].astype(np.intp)]

    def decode(self, outputs: NDArray[Any]) -> Any:
        """Turn outputs (n_samples, n_outputs) into the most probable labels."""
        labels = self.labels(self.decide(outputs))
        if not (self.kind == "multilabel-indicator" and self.sparse):
            return labels
        as_array = get_config().get("sparse_interface", "spmatrix") == "sparray"
        return (scipy.sparse.csr_array if as_array else scipy.sparse.csr_matrix)(labels)

    def decide(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Turn outputs into what `encode` gives: the index of the largest, or which exceed one half."""
        decided: NDArray[Any]
        if self.kind == "multiclass":
            decided = outputs.argmax(axis=1)
        elif self.kind == "binary" and len(self.classes) == 1:
            decided = np.zeros(outputs.shape, dtype=bool)  # there is no other class to decide for
        else:
            decided = outputs > 0.5
        return decided
