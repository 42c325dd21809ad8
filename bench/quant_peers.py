"""Weights with loss, the peers: GGUF's plain types, and arrays within a bound of error by zfpy and pcodec.

    python bench/quant_peers.py [--only gguf|bounds|delta]

gguf     MiniLM's 36 weight matrices and its table of words in one type each, Q4_0, Q5_0 and Q8_0, by the gguf package (the rounding of llama.cpp's reference); norms, biases, the
         tables of positions and token types stay F32, as llama.cpp's converter leaves them; the pooling layer, which no embedding uses, is left out. Bytes: of all tensors, and of the
         GGUF file with their names. t2: squared error over squared weights, a matrix. Embeddings: 1 - cosine with those of the fp32 weights, 1,000 sentences of STS-2014
         (minilm.py), the activations in fp32 throughout.
bounds   absolute: no value off by more than 1e-3; relative: by more than 1e-3 of the range of its array. Arrays: each of the 37 matrices; each of the 384 columns of MiniLM's float32
         vectors of 6,000 sentences of STS-2014; and of the 63,666 description vectors, which are float32 from half precision (two constant columns have no relative bound and
         are left out there). zfpy: fixed accuracy, in two dimensions for matrices, as a file with its header. pcodec has no bound: values
         are counted in steps of twice the bound, less what float32 rounds, as int32, and its frames of those are measured, 4 bytes of a step added; decoded as steps x step in float32.
         Violations are counted over every value, in float64. "lossless" is pcodec on the float32 itself. Ratio: raw bytes over coded ones, all arrays together.
delta    the fine-tune of finetune.py (its fifth checkpoint, fp32) as a difference from the model before: in half precision, all changed tensors; by the sign and one scale a matrix
         (BitDelta, arXiv 2402.10193, its scale the mean size, not trained further), and in uniform steps of a matrix's root mean square difference, counted at their entropy; vectors in
         half precision in both. Embeddings of the tuned model: cosines as above; beside them those of the model before.
Results: bench/results/quant_peers.json
"""
from __future__ import annotations

from datasets import OUT, RESULTS

import argparse
import importlib.metadata
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import datasets
import finetune
import measures
import minilm
import speed
import weights

TYPES = ("Q4_0", "Q5_0", "Q8_0")
BOUND, TEXTS = 1e-3, 6_000


def is_matrix(name: str) -> bool:
    """The tensors that are quantized: 36 matrices of the layers and the table of words."""
    return name == "embeddings.word_embeddings.weight" or (name.startswith("encoder.layer.") and name.endswith(".weight") and "LayerNorm" not in name)


def used(name: str) -> bool:
    return not name.startswith("pooler.") and name != "embeddings.position_ids"


def matrices(model: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: value for name, value in model.items() if is_matrix(name)}


def write_gguf(path: Path, stored: dict[str, tuple[np.ndarray, object]]) -> int:
    import gguf  # noqa: PLC0415

    writer = gguf.GGUFWriter(path, "bert")
    for name, (data, quantized) in stored.items():
        writer.add_tensor(name, data, raw_dtype=quantized)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.stat().st_size


def gguf_lines() -> dict:
    import gguf  # noqa: PLC0415
    from gguf import quants  # noqa: PLC0415

    model = {name: value for name, value in minilm.MiniLM().w.items() if used(name)}
    texts = minilm.texts_to_compare()
    reference = minilm.embed_with(model, texts)
    raw = sum(value.nbytes for value in model.values())
    lines = []
    for kind in TYPES:
        type_id = gguf.GGMLQuantizationType[kind]
        stored, decoded, errors = {}, dict(model), {}
        for name, value in model.items():
            if not is_matrix(name):
                stored[name] = (value, gguf.GGMLQuantizationType.F32)
                continue
            packed = quants.quantize(value, type_id)
            decoded[name] = quants.dequantize(packed, type_id).reshape(value.shape)
            stored[name] = (packed, type_id)
            errors[name] = float(((decoded[name].astype(np.float64) - value) ** 2).sum() / (value.astype(np.float64) ** 2).sum())
        found = minilm.agreement(minilm.embed_with(decoded, texts), reference)
        quantized = sum(stored[name][0].nbytes for name in errors)
        line = {"type": kind, "matrices": len(errors), "matrix_bytes": quantized, "other_bytes": sum(data.nbytes for name, (data, _) in stored.items() if name not in errors),
                "file_bytes": write_gguf(OUT / f"minilm-{kind}.gguf", stored), "bits_per_weight": round(8 * quantized / sum(value.size for value in matrices(model).values()), 4),
                "embedding_error": 1 - found["mean"], "embedding_error_worst": 1 - found["least"], "t2_mean": float(np.mean(list(errors.values()))), "t2": {name: round(error, 9) for name, error in errors.items()}}
        lines.append(line)
        print(f"{kind}: matrices {quantized:,} B ({line['bits_per_weight']} bits a weight), file {line['file_bytes']:,} B; 1 - cosine {line['embedding_error']:.3e} on average, {line['embedding_error_worst']:.3e} at most; "
              f"t2 {line['t2_mean']:.3e} on average over {len(errors)} matrices", flush=True)
    return {"gguf": lines, "gguf_raw_bytes": raw, "texts": len(texts)}


Codec = Callable[[np.ndarray, float], tuple[int, np.ndarray, float, float]]


def zfp(values: np.ndarray, bound: float) -> tuple[int, np.ndarray, float, float]:
    """Coded bytes, decoded values, seconds of each way (processor's)."""
    import zfpy  # noqa: PLC0415

    started = time.process_time()
    coded = zfpy.compress_numpy(values, tolerance=bound)
    between = time.process_time()
    decoded = zfpy.decompress_numpy(coded)
    return len(coded), decoded, between - started, time.process_time() - between


def pco(values: np.ndarray, bound: float) -> tuple[int, np.ndarray, float, float]:
    from pcodec import ChunkConfig, standalone  # noqa: PLC0415

    started = time.process_time()
    step = np.float32(2 * (bound - np.spacing(np.abs(values).max())))
    steps = np.rint(values.astype(np.float64) / step).astype(np.int32)
    coded = standalone.simple_compress(np.ascontiguousarray(steps.ravel()), ChunkConfig())
    between = time.process_time()
    decoded = (standalone.simple_decompress(coded).astype(np.float32) * step).reshape(values.shape)
    return len(coded) + 4, decoded, between - started, time.process_time() - between


def pco_lossless(values: np.ndarray, _: float) -> tuple[int, np.ndarray, float, float]:
    from pcodec import ChunkConfig, standalone  # noqa: PLC0415

    started = time.process_time()
    coded = standalone.simple_compress(np.ascontiguousarray(values.ravel()), ChunkConfig())
    between = time.process_time()
    decoded = standalone.simple_decompress(coded).reshape(values.shape)
    return len(coded), decoded, between - started, time.process_time() - between


CODECS: dict[str, Codec] = {"zfpy": zfp, "pcodec on steps": pco, "pcodec lossless": pco_lossless}


def weight_arrays() -> Iterator[np.ndarray]:
    yield from matrices(minilm.MiniLM().w).values()


def columns_of(vectors: np.ndarray) -> Iterator[np.ndarray]:
    for column in vectors.T:
        yield np.ascontiguousarray(column, np.float32)


def half_columns() -> Iterator[np.ndarray]:
    return columns_of(np.load(datasets.DATA / "vectors" / "debian-minilm.f16.npy"))


def float_columns() -> Iterator[np.ndarray]:
    path = OUT / "sts-minilm.f32.npy"
    if not path.exists():
        np.save(path, minilm.embed_with(minilm.MiniLM().w, minilm.texts_to_compare(TEXTS)))
    return columns_of(np.load(path))


def bounded(name: str, codec: Codec, arrays: Callable[[], Iterator[np.ndarray]], relative: bool) -> dict:
    raw = coded = violations = values = 0
    encode = decode = worst = 0.0
    for array in arrays():
        bound = BOUND * float(array.max() - array.min()) if relative else BOUND
        if bound == 0:
            continue
        size, back, first, second = codec(array, bound)
        error = np.abs(back.astype(np.float64) - array)
        violations += int((error > bound).sum())
        worst = max(worst, float(error.max()) / bound)
        raw, coded, values, encode, decode = raw + array.nbytes, coded + size, values + array.size, encode + first, decode + second
    return {"codec": name, "raw_bytes": raw, "bytes": coded, "ratio": round(raw / coded, 4), "values": values, "violations": violations, "worst_of_bound": round(worst, 6),
            "encode_mb_cpu_s": round(raw / 1e6 / encode, 1), "decode_mb_cpu_s": round(raw / 1e6 / decode, 1)}


def bound_lines() -> dict:
    sets = {"MiniLM's 37 matrices": weight_arrays, "384 columns, float32": float_columns}
    if (datasets.DATA / "vectors" / "debian-minilm.f16.npy").exists():
        sets["384 columns, float32 from half"] = half_columns
    lines = []
    for what, arrays in sets.items():
        for relative in (False, True):
            for name, codec in CODECS.items():
                if codec is pco_lossless and relative:  # the same again
                    continue
                line = {"set": what, "bound": "1e-3 of the range" if relative else "none" if codec is pco_lossless else "1e-3"} | bounded(name, codec, arrays, relative)
                lines.append(line)
                print(f"{what}, {line['bound']}, {name}: ratio {line['ratio']:.3f}, {line['violations']:,} of {line['values']:,} values beyond the bound, largest error {line['worst_of_bound']:.4f} of it; "
                      f"MB/s {line['encode_mb_cpu_s']:.0f} and {line['decode_mb_cpu_s']:.0f}", flush=True)
    return {"bounds": lines}


def entropy_bytes(steps: np.ndarray) -> float:
    _, counts = np.unique(steps, return_counts=True)
    return float((counts * np.log2(counts.sum() / counts)).sum() / 8)


def by_sign(delta: np.ndarray) -> tuple[np.ndarray, float]:
    return np.where(delta >= 0, np.float32(1), np.float32(-1)) * np.abs(delta).mean(), delta.size / 8 + 4


def by_ternary(delta: np.ndarray, kept: float) -> tuple[np.ndarray, float]:
    """ComPEFT (arXiv 2311.13171): signs of the largest magnitudes and one scale; counted at the entropy of their places and signs, which Golomb codes come near to."""
    size = np.abs(delta)
    chosen = size >= np.quantile(size, 1 - kept)
    signs = np.sign(delta) * chosen
    return (signs * size[chosen].mean()).astype(np.float32), entropy_bytes(signs.astype(np.int8)) + 4


def by_steps(delta: np.ndarray, of_rms: float) -> tuple[np.ndarray, float]:
    step = np.float32(of_rms * np.sqrt((delta.astype(np.float64) ** 2).mean()))
    steps = np.rint(delta / step)
    return steps * step, entropy_bytes(steps) + 4


def delta_lines() -> dict:
    before, after = finetune.checkpoint(0), finetune.checkpoint(finetune.CHECKPOINTS)
    if not after.exists():
        print("delta skipped: make the series first: python bench/finetune.py --with PYTHON")
        return {}
    start, tuned = weights.read(before).values(), weights.read(after).values()
    deltas = {name: tuned[name] - start[name] for name in tuned if not np.array_equal(tuned[name], start[name])}
    texts = minilm.texts_to_compare()
    reference = minilm.embed_with(tuned, texts)
    half = sum(2 * delta.size for delta in deltas.values())
    ways = {"model before": lambda d: (np.zeros_like(d), 0.0), "half precision": lambda d: (d.astype(np.float16).astype(np.float32), 2.0 * d.size), "sign and scale": by_sign}
    ways |= {f"ternary, the largest {kept:.0%}": lambda d, kept=kept: by_ternary(d, kept) for kept in (0.05, 0.1, 0.2, 0.3, 0.5)}
    ways |= {f"steps of {share:g} rms": lambda d, share=share: by_steps(d, share) for share in (1.0, 1.5, 2.0, 3.0)}
    lines = []
    for name, way in ways.items():
        decoded, size = dict(start), 0.0
        for tensor, delta in deltas.items():
            back, own = way(delta) if delta.ndim > 1 or name == "model before" else ways["half precision"](delta)
            decoded[tensor], size = start[tensor] + back, size + own
        found = minilm.agreement(minilm.embed_with(decoded, texts), reference)
        lines.append({"way": name, "bytes": round(size), "times_smaller_than_half": round(half / size, 3) if size else None, "cosine": round(found["mean"], 7), "cosine_least": round(found["least"], 7)})
        print(f"delta, {name}: {size:,.0f} B, {half / size if size else float('inf'):.2f} times smaller than half precision; cosine {found['mean']:.6f} on average, {found['least']:.6f} at least", flush=True)
    return {"delta": lines, "delta_half_bytes": half, "delta_tensors": len(deltas)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("gguf", "bounds", "delta"))
    options = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    result = measures.read_json(RESULTS / "quant_peers.json") | {"command": "python bench/quant_peers.py", "cpu": speed.cpu(), "threads": 1}
    result["versions"] = {name: importlib.metadata.version(name) for name in ("gguf", "zfpy", "pcodec")}
    for name, part in (("gguf", gguf_lines), ("bounds", bound_lines), ("delta", delta_lines)):
        if options.only in (None, name):
            result |= part()
    measures.write_json(RESULTS / "quant_peers.json", result)


if __name__ == "__main__":
    main()
