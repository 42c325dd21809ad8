"""Model files packed without loss or to a budget: see pack_tensors() and open_tensors() of the package."""
from __future__ import annotations

import collections
import math
import os
from typing import Any, Callable, Iterable, Mapping, Union

import numpy as np

from attar import _attar
from attar._errors import Error

_Path = Union[str, "os.PathLike[str]"]
_Texts = Union[str, Iterable[str]]
_Progress = Callable[[str, int, int], object]

# numpy has no type for bfloat16 and for floats of 8 bits: their bits come as whole numbers.
_TYPES = {"BOOL": "|b1", "U8": "|u1", "I8": "|i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8", "I64": "<i8",
          "F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "<u2", "F8_E4M3": "|u1", "F8_E5M2": "|u1", "bytes": "|u1"}


def _threads(value: int) -> int:
    if not isinstance(value, (int, np.integer)):
        raise TypeError(f"threads must be a whole number, not {type(value).__name__}")
    if not 0 <= value <= 1024:
        raise Error(f"threads is {value}; give 0 to 1024")
    return int(value)


def _view(raw: np.ndarray, type_name: str, shape: list[int]) -> np.ndarray:
    """The bytes as the tensor's numbers, in its shape; types that numpy cannot say (quantized blocks) stay bytes."""
    name = _TYPES.get(type_name, type_name if type_name[:1] in "<|" else "|u1")
    array = raw.view(np.dtype(name))
    return array.reshape(shape) if array.size == math.prod(shape) else array


def _given(budget: str | None, max_error: str | float | None, pins: _Texts, sensitivity: _Path, frequencies: _Path, table: str, keep_rows: Mapping[str, _Path] | None, keep_tokens: _Path, base: _Path,
           block: int, threads: int, progressive: bool = False) -> dict[str, Any]:
    if not isinstance(block, (int, np.integer)):
        raise TypeError(f"block must be a number of bytes, not {type(block).__name__}")
    if not 0 <= block < 2**63:
        raise Error(f"block is {block}; give 4096 to {64 << 20}, as 65536")
    return {"budget": budget or "", "max_error": "" if max_error is None else str(max_error), "pins": [pins] if isinstance(pins, str) else list(pins),
            "sensitivity": os.fspath(sensitivity), "frequencies": os.fspath(frequencies), "table": table,
            "keep_rows": [(name, os.fspath(rows)) for name, rows in (keep_rows or {}).items()], "keep_tokens": os.fspath(keep_tokens), "base": os.fspath(base), "block": int(block), "threads": _threads(threads),
            "progressive": bool(progressive)}


def pack_tensors(path: _Path, output: _Path, *, budget: str | None = None, max_error: str | float | None = None, pins: _Texts = (), sensitivity: _Path = "",
                 frequencies: _Path = "", table: str = "", keep_rows: Mapping[str, _Path] | None = None, keep_tokens: _Path = "", progressive: bool = False,
                 base: _Path = "", block: int = 256 << 10, threads: int = 0, progress: _Progress | None = None) -> dict[str, Any]:
    """Packs a model file (.safetensors, .gguf, .npy, or any other as bytes), or a folder of such: without loss, so that restore() gives the
    files back to the byte, unless a budget, a bound or pins say what float tensors may lose, or lists which rows of tables are kept. get() gives one tensor without the others.

    budget       a ceiling on the whole artifact, never exceeded: "45MB", "3.5bit" (a weight), "20%" (of the input)
    max_error    no float comes back further off: 1e-3, or "0.1%" of its tensor's largest magnitude; not with a budget
    pins         what holds for tensors of a name: "embed.*=8bit", "*.2.*>=4bit", "*norm*=lossless", "head=1e-3"; the first that fits counts
    sensitivity  a JSON file of what an error on each tensor costs, as `attar sensitivity` writes it
    frequencies  a file of counts, one a line: how often each row of a table is met; frequent rows take finer steps, rare ones coarser ones
    table        the name of that table, where several have as many rows
    keep_rows    of tables by their names (* and ? as in pins), the file with the numbers of the rows that are kept, one a line; dropped rows are read as zeros
    keep_tokens  a file with the tokens of a BERT model's vocabulary that are kept, one a line; path is its folder, or the weights' file in it. Others are read as [UNK]
    progressive  so that cut_tensors() and open_tensors(budget=) may take any smaller size of the artifact; a budget is then its largest size
    base         the artifact of a former version; what changed is packed as its difference
    block        bytes that are decoded together, 4 KiB to 64 MiB; smaller ones cost some tenths of a percent
    threads      0: one per available core; the artifact is the same for any number
    progress     as in pack()

    Returns a dict with the keys of `attar pack --lossless --json` (docs/cli.md). Raises Error: "goal_unreachable" for a budget that is too small, "io",
    "invalid_data" for a folder without files, "invalid_argument" for a block out of range, goals of a wrong form, pins that fit no tensor.
    """
    source, target = os.fspath(path), os.fspath(output)
    if os.path.exists(source) and os.path.exists(target) and os.path.samefile(source, target):
        raise Error("is the input; give another output", file=target)
    return _attar.pack_tensors(source, target, _given(budget, max_error, pins, sensitivity, frequencies, table, keep_rows, keep_tokens, base, block, threads, progressive), progress)


def cut_tensors(path: _Path, output: _Path, budget: str) -> dict[str, Any]:
    """Writes as much of an artifact packed with progressive=True as fits the budget ("20MB", "3.5bit", "10%"): a copy of its first part, in
    milliseconds, which states its own losses and may be cut again. Returns a dict with the keys of `attar pack` of such an artifact
    (docs/cli.md). Raises Error: "goal_unreachable" for a budget that is too small, "invalid_argument" for an artifact that is not progressive."""
    source, target = os.fspath(path), os.fspath(output)
    if os.path.exists(source) and os.path.exists(target) and os.path.samefile(source, target):
        raise Error("is the input; give another output", file=target)
    return _attar.cut_tensors(source, target, budget)


def plan_tensors(path: _Path, *, budget: str | None = None, max_error: str | float | None = None, pins: _Texts = (), sensitivity: _Path = "", frequencies: _Path = "", table: str = "",
                 keep_rows: Mapping[str, _Path] | None = None, keep_tokens: _Path = "", base: _Path = "", block: int = 256 << 10, threads: int = 0, progress: _Progress | None = None) -> dict[str, Any]:
    """What pack_tensors() would make with these goals, tensor by tensor; nothing is written. Returns a dict with the same keys, as expected
    from a sample where the file is large. Raises as pack_tensors() does."""
    return _attar.plan_tensors(os.fspath(path), _given(budget, max_error, pins, sensitivity, frequencies, table, keep_rows, keep_tokens, base, block, threads), progress)


def open_tensors(path: _Path, *, budget: str | None = None, mmap: bool = True) -> Tensors:
    """Opens an artifact of tensors. With a budget ("20MB"), one packed with progressive=True is read as if it had been cut to that size.
    mmap=False reads a private copy, for files that others may write meanwhile.

    Raises Error: "goal_unreachable" and "invalid_argument" as cut_tensors(), "unsupported" for an artifact of something else, "io", "corrupt", "truncated", "too_new", "too_old", "over_limit".
    """
    return Tensors(path, budget=budget, mmap=mmap)


class Tensors:
    """A packed model, open for reading. Threads may share it; a context manager closes it."""

    def __init__(self, path: _Path, *, budget: str | None = None, mmap: bool = True) -> None:
        self._path = os.fspath(path)
        self._open: Any = _attar.TensorArtifact(self._path, bool(mmap), budget or "")

    def __enter__(self) -> Tensors:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<attar.Tensors {self._path!r}{'' if self._open else ', closed'}>"

    def __len__(self) -> int:
        return len(self.info["tensors"])

    def close(self) -> None:
        """Gives up the file; reads that other threads are in end first. Later calls raise Error."""
        self._open = None

    @property
    def _handle(self) -> Any:
        handle = self._open
        if handle is None:
            raise Error("is closed; open it again", file=self._path)
        return handle

    @property
    def info(self) -> dict[str, Any]:
        """What `attar info --json` tells (docs/cli.md): bytes by part; type, shape, codec and bytes of each tensor; digest."""
        return self._handle.info()

    def names(self) -> list[str]:
        """The tensors in the order of the files, each by the name that get() takes: "source:name" where several sources have it."""
        tensors = self.info["tensors"]
        times = collections.Counter(tensor["name"] for tensor in tensors)
        return [tensor["name"] if times[tensor["name"]] == 1 else f"{tensor['source']}:{tensor['name']}" for tensor in tensors]

    def get(self, name: str, *, threads: int = 1) -> np.ndarray:
        """One tensor as an array of its own, in its shape; only its blocks are read, checked and decoded.

        Where numpy has no such type, the bits come as whole numbers: BF16 as uint16, F8_E4M3 and F8_E5M2 as uint8. As float32, a BF16
        tensor is `(w.astype(np.uint32) << 16).view(np.float32)`. Quantized blocks and files taken as bytes are flat uint8. An array that
        an .npy file holds in Fortran's order has its axes reversed.

        threads  over its blocks; 0: one per available core

        Raises Error "invalid_argument" where there is no such tensor or several, "corrupt", "over_limit".
        """
        handle = self._handle
        number = handle.find(name)
        tensor = handle.tensor(number)
        raw = np.empty(tensor["bytes"], np.uint8)
        handle.read(number, raw, _threads(threads))
        return _view(raw, tensor["type"], tensor["shape"])

    def save(self, name: str, path: _Path, *, threads: int = 1) -> None:
        """Writes one tensor as .npy, as `attar get` does: piece by piece, so that it need not fit in memory."""
        handle = self._handle
        handle.save(handle.find(name), os.fspath(path), _threads(threads))

    def restore(self, path: _Path, *, threads: int = 0, progress: _Progress | None = None) -> dict[str, Any]:
        """Gives the files back, to the byte: the only one as `path`, several into the folder `path`. What stood there under these names is
        replaced. Returns a dict with the keys of `attar unpack --json` (docs/cli.md). Raises Error "corrupt", "io"."""
        return self._handle.restore(os.fspath(path), _threads(threads), progress)

    def verify(self, *, threads: int = 0, progress: _Progress | None = None) -> None:
        """Checks every checksum of the file, and of every tensor once decoded. Raises Error "corrupt" where one does not hold."""
        self._handle.verify(_threads(threads), progress)

    def compare(self, original: _Path, *, threads: int = 0, progress: _Progress | None = None) -> dict[str, Any]:
        """Measures every tensor against the file or folder that was packed: the key "comparison" of `attar verify --json` (docs/cli.md).
        Raises Error "invalid_argument" where that is another one, "corrupt" where an error is not the one that the artifact states."""
        return self._handle.compare(os.fspath(original), _threads(threads), progress)
