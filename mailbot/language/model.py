"""The fitted model as plain arrays: read and written without pickles, applied with numpy alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from mailbot.case import Label
from mailbot.errors import Permanent
from mailbot.language.corpus import TOPICS
from mailbot.language.network import Layers, Network

F32 = NDArray[np.float32]
I16 = NDArray[np.int16]
U32 = NDArray[np.uint32]

FORMAT = 8  # of the file; another number means that it was written by another version

RIGHTS = tuple(label for label in Label if label is not Label.NOT_PRIVACY)
PRIVACY, MARKETING, AUTOMATED = "privacy", "marketing", "automated"
# One column per question that the model answers about a sentence and about a mail.
COLUMNS = (PRIVACY, *(right.value for right in RIGHTS), MARKETING, AUTOMATED, *TOPICS)


@dataclass(frozen=True, slots=True)
class Weights:
    """A sparse linear map: sorted feature hashes, a row of small integers each, a scale a column.

    Features that were never seen have no row and count nothing.
    """

    hashes: U32
    rows: I16
    scale: F32
    bias: F32

    def find(self, hashes: U32) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row numbers of those hashes that are known, and where among the hashes they stand."""
        order = np.argsort(hashes)  # neighbours are found in memory that was just read
        risen = hashes[order]
        at = self.hashes.searchsorted(risen)
        at[at == len(self.hashes)] = 0
        known = self.hashes[at] == risen
        return at[known], order[known]

    def total(self, hashes: Sequence[int]) -> F32:
        """The sum of the rows of some features."""
        at, _ = self.find(np.array(hashes, np.uint32))
        summed: F32 = self.rows[at].sum(0, dtype=np.int64).astype(np.float32) * self.scale
        return summed


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Everything fitted.

    `words`: what a run of sentences says, a column for each of COLUMNS.
    `mail_weights`, `mail_bias`: columns × figures (combine.py) to log-odds.
    `network`: the second reader, whose log-odds are added.
    `thresholds`: the probability from which a column counts as said, chosen on held-out folds.
    """

    words: Weights
    mail_weights: F32
    mail_bias: F32
    network: Network
    thresholds: F32
    letters: Weights
    languages: tuple[str, ...]
    digest: str
    open_above: float
    ask_above: float
    figures: str = field(default="")


def save(model: Model, path: Path) -> None:
    """Write a model to a file, the same bytes for the same model."""
    arrays: dict[str, Any] = {
        "format": np.array([FORMAT]),
        "columns": np.array(COLUMNS),
        "languages": np.array(model.languages),
        "texts": np.array([model.digest, model.figures]),
        "routes": np.array([model.open_above, model.ask_above], np.float64),
        "mail_weights": model.mail_weights,
        "mail_bias": model.mail_bias,
        "thresholds": model.thresholds,
        "network_rows": model.network.rows,
        "network_scale": model.network.scale,
    }
    for name in Layers.__slots__:
        arrays[f"network_{name}"] = getattr(model.network.layers, name)
    for name, weights in (("words", model.words), ("letters", model.letters)):
        arrays[f"{name}_hashes"] = np.diff(weights.hashes, prepend=np.uint32(0))
        arrays[f"{name}_rows"] = weights.rows
        arrays[f"{name}_scale"] = weights.scale
        arrays[f"{name}_bias"] = weights.bias
    # Not compressed: unpacking would take two thirds of the time of loading.
    with path.open("wb") as file:
        np.savez(file, **arrays)


def shipped_model() -> Traversable:
    """The model file that ships with the package."""
    return files("mailbot.language").joinpath("model.npz")


def load(source: Path | Traversable) -> Model:
    """Read a model. Raises Permanent if the file is missing, damaged or of another version."""
    try:
        file = source.open("rb")
    except OSError as error:
        raise Permanent(
            "the language model is missing: run `python -m mailbot.language.fit`"
        ) from error
    try:
        # Array by array from the file: its whole content is never held beside them.
        with file, np.load(file, allow_pickle=False) as arrays:
            return _from_arrays({name: arrays[name] for name in arrays.files})
    except (ValueError, KeyError, OSError, EOFError, BadZipFile) as error:
        raise Permanent(
            "the language model cannot be read: run `python -m mailbot.language.fit`"
        ) from error


def _from_arrays(arrays: dict[str, Any]) -> Model:
    if int(arrays["format"][0]) != FORMAT or tuple(arrays["columns"].tolist()) != COLUMNS:
        raise ValueError("another version of the model")

    def weights(name: str) -> Weights:
        return Weights(
            hashes=np.cumsum(arrays[f"{name}_hashes"], dtype=np.uint32),
            rows=arrays[f"{name}_rows"],
            scale=arrays[f"{name}_scale"],
            bias=arrays[f"{name}_bias"],
        )

    layers = Layers(**{name: arrays[f"network_{name}"] for name in Layers.__slots__})
    digest, figures = arrays["texts"].tolist()
    return Model(
        words=weights("words"),
        mail_weights=arrays["mail_weights"],
        mail_bias=arrays["mail_bias"],
        network=Network(arrays["network_rows"], arrays["network_scale"], layers),
        thresholds=arrays["thresholds"],
        letters=weights("letters"),
        languages=tuple(arrays["languages"].tolist()),
        digest=digest,
        open_above=float(arrays["routes"][0]),
        ask_above=float(arrays["routes"][1]),
        figures=figures,
    )
