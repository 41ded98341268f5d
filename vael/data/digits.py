"""The digits that scikit-learn carries: 1,797 images, 8×8, 17 levels of grey; no download.

Optical recognition of handwritten digits, Alpaydin, Kaynak, 1998, UCI Machine Learning Repository.
"""

import numpy as np

from vael.data.base import Dataset, ReadOptions, Source, Split

__all__ = ["Digits"]


class Digits(Source):
    """Small handwritten digits, inside scikit-learn."""

    summary = "small handwritten digits, 8×8 in 17 levels, 1,797 (Alpaydin & Kaynak 1998)"

    def locate(self, options: ReadOptions) -> str:
        return "inside scikit-learn"

    def read(self, options: ReadOptions) -> Dataset:
        from sklearn.datasets import load_digits

        pixels, labels = load_digits(return_X_y=True)
        x = np.asarray(pixels).astype(np.uint8).reshape(-1, 1, 8, 8)
        split = Split(x, np.asarray(labels).astype(np.int64))
        return Dataset("digits", {"all": split}, 17, tuple("0123456789"))
