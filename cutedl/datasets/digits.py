"""Digits that need no download: a stand-in of MNIST's shape, drawn from the fonts that ship with matplotlib.

60,000 training and 10,000 test samples, 28 x 28 uint8, ink 255 on 0: a digit 0 to 9 in one of twenty fonts, rotated,
sheared, stretched, shifted, bent by a smooth random field, its stroke thinned or thickened. Both splits come from the
same process and share no draw. They take a few seconds to make on one core and are kept in the user's cache folder.

**They are not MNIST and an accuracy on them is not an MNIST accuracy.** Measured, test accuracy:

    softmax regression, SGD(0.1), batch 64, 10 epochs        86.8 %   (MNIST: 92.2 %)
    784-128-10 relu, Adam(0.001), batch 64, 5 epochs         98.4 %   (MNIST: 97.5 %)

Mean pixel 34.3 (MNIST: 33.3); 18.9 % of the pixels carry ink (MNIST: 19.1 %). A linear model finds them
harder than MNIST, one with a hidden layer finds them easier.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from cutedl import checks, streams
from cutedl.dataset import Dataset
from cutedl.datasets import cache, glyphs, samples
from cutedl.datasets.distortion import Distortion, coordinates, cut, look_up
from cutedl.datasets.samples import Split, Splits
from cutedl.errors import CorruptDataError
from cutedl.files import publish

__all__ = ["SOURCE", "arrays", "load", "render"]

SOURCE = "SYNTHETIC digits (rendered from fonts; not MNIST)"
_VERSION = 1  # one more whenever the code draws other pixels from the same parameters
_CHUNK = 256  # samples worked on at once: what is computed for them fits the processor's cache


def load(
    batch_size: int = 64, flatten: bool = True, one_hot: bool = True, normalize: bool = True
) -> tuple[Dataset, Dataset]:
    """Return the stand-in's training and test Dataset: 60,000 and 10,000 samples.

    flatten: data (N, 784) instead of (N, 28, 28). normalize: float32 in [0, 1] instead of uint8.
    one_hot: labels float32 (N, 10) instead of int64 class indices (N,).

    Raises ArgumentError for a batch_size below 1.
    """
    return samples.datasets(
        arrays(), batch_size=batch_size, flatten=flatten, one_hot=one_hot, normalize=normalize, source=SOURCE
    )


def arrays() -> Splits:
    """Return (x_train, y_train), (x_test, y_test), uint8: shapes (60000, 28, 28), (60000,), (10000, 28, 28), (10000,).

    Made at the first call and kept in the user's cache folder. Warns if the copy there is damaged, or none can be kept;
    the digits are the same.
    """
    return _splits(60_000, 10_000)


def render(count: int, seed: int = 0) -> Split:
    """Return new samples and their digits, uint8 (count, 28, 28) and (count,), drawn by (seed, count) alone.

    Raises ArgumentError for a count below 1 or a negative seed.

    >>> images, labels = render(3, seed=0)
    >>> images.shape, labels
    ((3, 28, 28), array([...], dtype=uint8))
    """
    rng = streams.stream(checks.integer("seed", seed, low=0), "digits")
    distortion = Distortion()
    pictures = glyphs.atlas(distortion.softness)
    labels = rng.integers(10, size=checks.integer("count", count), dtype=np.uint8)
    fonts = rng.integers(len(glyphs.FONTS), size=count)
    which = labels * np.intp(len(glyphs.FONTS)) + fonts
    images = np.empty((count, 28 * 28), np.uint8)
    for start in range(0, count, _CHUNK):
        part = slice(start, start + _CHUNK)
        where = coordinates(len(which[part]), distortion, rng)
        images[part] = cut(look_up(pictures, which[part], where), distortion, rng)
    return images.reshape(count, 28, 28), labels


def _splits(train: int, test: int) -> Splits:
    from hashlib import sha256

    # the name holds whatever decides the pixels: a cache made otherwise is not found, rather than found wrong
    parameters = repr((_VERSION, train, test, glyphs.FONTS, Distortion()))
    path = cache.folder() / f"digits-{sha256(parameters.encode()).hexdigest()[:16]}.npz"
    splits = _restore(path)
    if splits is None:
        splits = render(train, seed=0), render(test, seed=1)
        _keep(path, splits)
    return splits


def _restore(path: Path) -> Splits | None:
    try:
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            # np.load itself stops reading before the checksum when a header lies about its length
            if file.zip.testzip() is not None:
                raise CorruptDataError("a checksum does not agree.")
            return (file["x_train"], file["y_train"]), (file["x_test"], file["y_test"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception as error:  # a damaged zip file raises a dozen kinds of error, and all mean: make it anew
        warnings.warn(f"{path} is damaged ({error}); the digits are made anew.", stacklevel=4)
        return None


def _keep(path: Path, splits: Splits) -> None:
    (x_train, y_train), (x_test, y_test) = splits
    try:
        with publish(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    except OSError as error:
        warnings.warn(f"the digits cannot be kept for the next time ({error}).", stacklevel=4)
