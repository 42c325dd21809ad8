"""GGUF files that Attar writes, read with the Python package gguf: the same metadata, the same numbers to the bit, and errors at most those of its own quantizers.

    python bench/gguf_reader.py [--ggml FILE]

The file is written by tests/tensor/gguf_file_test.cpp: 65,536 normal numbers, the blocks of each type for them, and what Attar reads from the blocks. Prints the
relative error in root mean square of each type beside the package's, which plain rounding has; fails where something differs. Q4_K and Q6_K the package cannot write: --ggml names a
shared library with ggml's own quantizers as they were exported in 2023, such as lib/avx2/libctransformers.so of ctransformers 0.2.27.
Result: bench/results/gguf_reader.json
"""
from __future__ import annotations

from datasets import OUT, REPO, RESULTS

import argparse
import ctypes
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import gguf
import numpy as np

import measures

PLAIN = ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0")


def write_file() -> gguf.GGUFReader:
    path = OUT / "blocks.gguf"
    OUT.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    test = REPO / "build" / "release" / "tests" / "test_tensor"
    subprocess.run([str(test), "--gtest_filter=GgufOfBlocks.*", "--gtest_brief=1"], check=True, env=os.environ | {"ATTAR_GGUF_OUT": str(path)}, stdout=subprocess.DEVNULL)
    return gguf.GGUFReader(path)


def check_metadata(reader: gguf.GGUFReader) -> None:
    expected = {"general.architecture": "attar-test", "attar.rows": 64, "attar.words": ["one", "", "zw\u00f6lf"], "attar.numbers": [0.5, -2.0], "attar.yes": True}
    for key, value in expected.items():
        if (found := reader.get_field(key).contents()) != value:
            sys.exit(f"{key} is {found}, not {value}")


def relative(values: np.ndarray, read: np.ndarray) -> float:
    values = values.astype(np.float64)
    return float(np.sqrt(((values - read) ** 2).sum() / (values**2).sum()))


def by_library(library: ctypes.CDLL, name: str, values: np.ndarray) -> float:
    """The error of ggml's own quantizer of Q4_K or Q6_K."""
    quantize = getattr(library, f"ggml_quantize_{name.lower().replace('k', 'K')}")
    quantize.restype, quantize.argtypes = ctypes.c_size_t, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_void_p]
    blocks, histogram = np.zeros(values.size, np.uint8), np.zeros(64, np.int64)
    size = quantize(values.ctypes.data, blocks.ctypes.data, values.size, values.size, histogram.ctypes.data)
    return relative(values, gguf.dequantize(blocks[:size], gguf.GGMLQuantizationType[name]).reshape(values.shape))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ggml")
    options = parser.parse_args()
    library = ctypes.CDLL(options.ggml) if options.ggml else None
    reader = write_file()
    check_metadata(reader)
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    values = np.asarray(tensors["numbers"].data)
    lines = []
    for name, tensor in tensors.items():
        if name == "numbers" or name.endswith(".read"):
            continue
        read = gguf.dequantize(np.asarray(tensor.data), tensor.tensor_type).reshape(values.shape)
        if not np.array_equal(read.view(np.uint32), np.asarray(tensors[f"{name}.read"].data).view(np.uint32)):
            sys.exit(f"{name}: the package reads other numbers than Attar")
        line = {"type": name, "bytes": int(tensor.n_bytes), "attar": relative(values, read)}
        if name in PLAIN:
            line["package"] = relative(values, gguf.dequantize(gguf.quantize(values, tensor.tensor_type), tensor.tensor_type))
            if line["attar"] > line["package"]:
                sys.exit(f"{name}: an error of {line['attar']}, the package has {line['package']}")
        if library is not None and name.endswith("_K"):
            line["library"] = by_library(library, name, np.ascontiguousarray(values))
        lines.append(line)
        beside = "".join(f", {who} {line[who]:.6f}" for who in ("package", "library") if who in line)
        print(f"{name:5} {8 * line['bytes'] / values.size:7.4f} bits a value, error {line['attar']:.6f}{beside}")
    measures.write_json(RESULTS / "gguf_reader.json", {"command": "python bench/gguf_reader.py", "values": values.size, "versions": {"gguf": version("gguf")} | ({"library": Path(options.ggml).name} if library else {}), "types": lines})


if __name__ == "__main__":
    main()
