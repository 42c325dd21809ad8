"""MiniLM from fewer bytes: cosines to its own vectors in single precision, and how fast packed weights multiply.

    cmake --preset release -D ATTAR_BUILD_BENCH=ON && cmake --build --preset release --target attar_cli multiply_bench
    python bench/packed_model.py [--only curve|speed] [--threads 2] [ARTIFACT.attar ...]

curve  1,000 passages of an encyclopaedia (2wiki), on which nothing was tuned. Each contender is a checkpoint of some bytes; its weights as they come out of it are run in single precision by
       `attar embed`, and its vectors compared with those of the checkpoint as it is. Bytes are those of all 104 tensors. Contenders: fp16, bf16; int8 (a scale a row) and int4 (groups of 32, bfloat16
       scales) as src/nn keeps them; Q8_0 and Q4_0 as ggml defines them, which are blocks of 32 with a half-precision scale; vectors and what is no float stay as they are.
       Artifacts on the command line join, and those that `attar pack --budget` makes at the bytes of the others, three quarters and half of Q4_0's: with its own weighing of tensors, and
       with what `attar sensitivity` measures on 200 sentences of STS-2014 ("alpha").
       "runs": the whole checkpoint with layers that multiply in each precision, activations rounded too.
speed  matrix–vector products and those of 4 and 8 rows, one thread (bench/multiply_bench.cpp).
Results: bench/results/packed_model.json
"""
from __future__ import annotations

from datasets import DATA, OUT, REPO, RESULTS

import argparse
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

import attar_cli
import measures
import minilm
import speed
import weights

TEXTS, SEED, GROUP = 1_000, 17, 32
PATH = RESULTS / "packed_model.json"
FOLDER = OUT / "packed_model"


def texts() -> Path:
    """A file of TEXTS passages, one a line."""
    source = DATA / "text" / "2wiki_corpus.json"
    if not source.exists():
        raise SystemExit("the passages are absent: point ATTAR_DATA to the folder that holds text/")
    found = [" ".join(passage["text"].split()) for passage in json.loads(source.read_text(encoding="utf-8"))]
    found = sorted({text for text in found if text})
    path = FOLDER / "texts.txt"
    path.write_text("\n".join(found[i] for i in np.random.default_rng(SEED).permutation(len(found))[:TEXTS]) + "\n", encoding="utf-8")
    return path


def embed(model: Path, lines: Path, precision: str, threads: int) -> np.ndarray:
    out = FOLDER / "vectors.npy"
    attar_cli.call("embed", str(lines), "-o", str(out), "--encoder", str(model), "--precision", precision, "-f", "-T", str(threads))
    return np.load(out)


def folder_with(values: dict[str, np.ndarray]) -> Path:
    """The model's folder with other weights, in float32."""
    out = FOLDER / "model"
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(minilm.folder(), out, ignore=shutil.ignore_patterns("model.safetensors"))
    weights.write(out / "model.safetensors", weights.replaced(weights.read(minilm.folder() / "model.safetensors"), values))
    return out


# Ways to keep a matrix (rows, columns): its numbers as they come back, and the bytes that it takes.
Kept = tuple[np.ndarray, int]


def bf16(x: np.ndarray) -> np.ndarray:
    return (weights.to_bf16(x).astype(np.uint32) << 16).view(np.float32).reshape(np.shape(x))


def blocks(matrix: np.ndarray) -> np.ndarray:
    """(rows, groups, 32), the last group of a row filled up with zeros."""
    rows, columns = matrix.shape
    return np.pad(matrix, ((0, 0), (0, -columns % GROUP))).reshape(rows, -1, GROUP)


def unblocked(found: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return found.reshape(shape[0], -1)[:, : shape[1]]


def over(x: np.ndarray, by: np.ndarray) -> np.ndarray:
    return np.divide(x, by, out=np.zeros_like(x), where=by != 0)


def keep_fp16(matrix: np.ndarray) -> Kept:
    return matrix.astype(np.float16).astype(np.float32), 2 * matrix.size


def keep_bf16(matrix: np.ndarray) -> Kept:
    return bf16(matrix), 2 * matrix.size


def keep_int8(matrix: np.ndarray) -> Kept:
    unit = np.abs(matrix).max(1, keepdims=True) / np.float32(127)
    return np.rint(over(matrix, unit)) * unit, matrix.size + 4 * len(matrix)


def keep_q8_0(matrix: np.ndarray) -> Kept:
    x = blocks(matrix)
    largest = np.abs(x).max(-1, keepdims=True) / np.float32(127)
    codes = np.rint(over(x, largest))
    return unblocked(codes * largest.astype(np.float16).astype(np.float32), matrix.shape), x.size // GROUP * 34


def keep_q4_0(matrix: np.ndarray) -> Kept:
    x = blocks(matrix)
    scale = np.take_along_axis(x, np.abs(x).argmax(-1, keepdims=True), -1) / np.float32(-8)
    codes = np.minimum(np.floor(over(x, scale) + np.float32(8.5)), 15) - 8
    return unblocked(codes * scale.astype(np.float16).astype(np.float32), matrix.shape), x.size // GROUP * 18


def keep_int4(matrix: np.ndarray) -> Kept:
    """As src/nn/spec.md has it."""
    x = blocks(matrix)
    largest = np.take_along_axis(x, np.abs(x).argmax(-1, keepdims=True), -1)
    best, least = np.zeros_like(x), np.full(largest.shape, np.inf, np.float32)
    for i in range(12):
        scale = bf16(largest / np.float32(-8) * np.float32(1.05 - 0.03 * i))
        found = np.rint(np.clip(over(x, scale), -8, 7)) * scale
        error = ((x - found) ** 2).sum(-1, keepdims=True)
        best, least = np.where(error < least, found, best), np.minimum(error, least)
    return unblocked(best, matrix.shape), x.size // GROUP * 18


WAYS: dict[str, Callable[[np.ndarray], Kept]] = {"fp16": keep_fp16, "bf16": keep_bf16, "int8": keep_int8, "Q8_0": keep_q8_0, "Q4_0": keep_q4_0, "int4": keep_int4}


def checkpoint(keep: Callable[[np.ndarray], Kept]) -> tuple[dict[str, np.ndarray], int]:
    """Every matrix kept that way, and the bytes of all tensors."""
    values, size = {}, 0
    for name, tensor in weights.read(minilm.folder() / "model.safetensors").tensors.items():
        if tensor.dtype == "F32" and len(tensor.shape) == 2:
            values[name], taken = keep(tensor.values())
            size += taken
        else:
            size += len(tensor.data)
    return values, size


def line(name: str, size: int, found: np.ndarray, reference: np.ndarray) -> dict:
    agreed = minilm.agreement(found, reference)
    out = {"name": name, "bytes": size, "cosine": round(agreed["mean"], 6), "lost": float(f"{1 - agreed['mean']:.4g}"), "least": round(agreed["least"], 6)}
    print(f"{name}: {size:,} B, cosine {out['cosine']:.6f} (least {out['least']:.6f})", flush=True)
    return out


def sensitivity(threads: int) -> Path:
    """The file of `attar sensitivity`, on texts that are not those of the curve."""
    lines, out = FOLDER / "calibration.txt", FOLDER / "alpha.json"
    lines.write_text("\n".join(minilm.texts_to_compare(200)) + "\n", encoding="utf-8")
    attar_cli.call("sensitivity", str(minilm.folder()), "--calibrate", str(lines), "-o", str(out), "-f", "-T", str(threads))
    return out


def budget_artifacts(kept: list[dict], threads: int) -> list[Path]:
    """Artifacts of the bytes of the others, where attar can."""
    sizes = {line["name"]: line["bytes"] for line in kept}
    wanted = sorted({*sizes.values(), sizes["Q4_0"] * 3 // 4, sizes["Q4_0"] // 2})
    weighed, out = {"budget": [], "alpha": ["--sensitivity", str(sensitivity(threads))]}, []
    for name, more in weighed.items():
        for size in wanted:
            path = FOLDER / f"{name}-{size}.attar"
            try:
                attar_cli.call("pack", str(minilm.folder() / "model.safetensors"), "-o", str(path), "--budget", f"{size}B", "-f", *more)
            except attar_cli.Failed as error:
                print(f"skipped: {size:,} B: {str(error)[-200:]}")
                continue
            out.append(path)
    return out


def artifact_model(path: Path) -> Path:
    """A folder in which the artifact of the weights stands for them; an artifact of a whole folder is its own model."""
    if any(source.endswith("config.json") for source in json.loads(attar_cli.call("info", str(path), "--json")[0])["sources"]):
        return path
    out = FOLDER / f"model-{path.stem}"
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(minilm.folder(), out, ignore=shutil.ignore_patterns("model.safetensors"))
    (out / "model.attar").symlink_to(path.resolve())
    return out


def curve(options: argparse.Namespace) -> dict:
    lines = texts()
    reference = embed(minilm.folder(), lines, "f32", options.threads).astype(np.float64)
    runs = [line(f"layers in {precision}", (minilm.folder() / "model.safetensors").stat().st_size, embed(minilm.folder(), lines, precision, options.threads), reference) for precision in ("bf16", "int8", "int4")]
    kept = []
    for name, keep in WAYS.items():
        values, size = checkpoint(keep)
        kept.append(line(name, size, embed(folder_with(values), lines, "f32", options.threads), reference))
    artifacts = [*options.artifacts, *budget_artifacts(kept, options.threads)]
    packed = [line(f"artifact {path.stem}", path.stat().st_size, embed(artifact_model(path), lines, "f32", options.threads), reference) for path in artifacts]
    # An artifact without loss gives the vectors of the checkpoint, to the bit.
    lossless = FOLDER / "lossless.attar"
    attar_cli.call("pack", str(minilm.folder()), "-o", str(lossless), "--lossless", "-f")
    same = bool(np.array_equal(embed(lossless, lines, "f32", options.threads), reference.astype(np.float32)))
    print(f"without loss: {lossless.stat().st_size:,} B, vectors {'the same' if same else 'DIFFER'}")
    return {"texts": TEXTS, "kept": kept, "runs": runs, "artifacts": packed, "lossless": {"bytes": lossless.stat().st_size, "same": same}}


def speeds() -> dict:
    tool = attar_cli.binary().parent / "bench" / "multiply_bench"
    if not tool.exists():
        print("skipped: build multiply_bench first (cmake -D ATTAR_BUILD_BENCH=ON)")
        return {}
    out = [json.loads(row) for row in subprocess.run([str(tool)], check=True, capture_output=True, text=True).stdout.splitlines()]
    for row in out:
        print(f"{row['level']} {row['precision']} {row['inputs']} x {row['outputs']}, {row['rows']} rows: {row['gb_s']:.1f} GB/s of its bytes, {row['f32_gb_s']:.1f} GB/s as floats")
    return {"products": out}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("curve", "speed"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("artifacts", nargs="*", type=Path)
    options = parser.parse_args()
    if not attar_cli.available():
        raise SystemExit(f"skipped: attar is not built ({attar_cli.binary().relative_to(REPO)})")
    FOLDER.mkdir(parents=True, exist_ok=True)
    parts = {"curve": lambda: curve(options), "speed": speeds}
    result = measures.read_json(PATH) | {"command": "python bench/packed_model.py", "cpu": speed.cpu()}
    for name, part in parts.items():
        if options.only in (None, name):
            result |= part()
    measures.write_json(PATH, result)


if __name__ == "__main__":
    main()
