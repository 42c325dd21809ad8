"""Models as GGUF files: see export_gguf() of the package."""
from __future__ import annotations

import os
from typing import Any, Callable, Iterable, Mapping, Union

from attar import _attar
from attar._errors import Error
from attar._tensors import _threads

_Path = Union[str, "os.PathLike[str]"]
_Progress = Callable[[str, int, int], object]


def export_gguf(path: _Path, output: _Path, *, type: str = "auto", budget: str | None = None, pins: str | Iterable[str] = (),
                sensitivity: _Path = "", architecture: str = "", name: str = "", metadata: Mapping[str, str] | None = None,
                base: _Path = "", threads: int = 0, progress: _Progress | None = None) -> dict[str, Any]:
    """Writes the tensors of a model file (.safetensors, .gguf, .npy), a folder of such or an artifact of tensors as a GGUF file, in ggml's own types.

    type          "auto": each matrix in the type that serves best within the budget; or one for all: "F32", "F16", "BF16", "Q8_0", "Q6_K", "Q5_1",
                  "Q5_0", "Q4_1", "Q4_0", "Q4_K"
    budget        of the whole file, never exceeded: "60MB", "30%" of the input, "4.5bit" a value; "auto" needs one
    pins          "embed.*=Q8_0": tensors whose name fits the pattern have this type
    sensitivity   a JSON file {"tensors": {"name": 0.12}}: what an error on each tensor costs; without, the square root of its number of values
    architecture, name  general.architecture and general.name, where the input's are not to stand
    metadata      texts by key
    base          the artifact that the input is coded against
    progress      as in pack()

    Returns a dict with the keys of `attar export --json` (docs/cli.md). Raises Error: "goal_unreachable" where no file fits the budget, with the least that does;
    "invalid_argument", "invalid_data", "unsupported", and those of the input.
    """
    source, target = os.fspath(path), os.fspath(output)
    if os.path.exists(source) and os.path.exists(target) and os.path.samefile(source, target):
        raise Error("is the input; give another output", file=target)
    options = {"type": type, "budget": budget, "pins": [pins] if isinstance(pins, str) else list(pins), "sensitivity": os.fspath(sensitivity), "architecture": architecture,
               "name": name, "metadata": list((metadata or {}).items()), "base": os.fspath(base), "threads": _threads(threads)}
    return _attar.export_gguf(source, target, options, progress)
