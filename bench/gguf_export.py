"""`attar export --type auto` against one type for all matrices, at the very same bytes: MiniLM as GGUF, read with the Python package gguf, and how far its embeddings turn.

    python bench/gguf_export.py [--type NAME ...]

For each type: the file in that type alone; auto within that file's bytes, without data (errors count by number of values); and auto with alpha measured: 1 - cosine of the embeddings of 200
sentences over the t2 of white noise on one matrix, at t2 = 0.01 (docs/decisions/0036). Every file is read and dequantized by the package, which must find the errors that attar told, and the
model is run in numpy on 1,000 other texts: 500 questions to a bank and 500 first sentences of articles, which no choice has seen. Result: bench/results/gguf_export.json
"""
from __future__ import annotations

from datasets import DATA, OUT, RESULTS

import argparse
import csv
import json
from importlib.metadata import version
from pathlib import Path

import gguf
import numpy as np

import attar_cli
import measures
import minilm
from weight_designs import embed, turned, two_hundred

TYPES = ("Q4_0", "Q5_0", "Q8_0")
LEVEL = 0.01  # t2 of the noise
FORMAT = "attar-tensor-weights-1"


def thousand() -> list[str]:
    """500 questions of Banking77's test part, then 500 first sentences of HotpotQA's articles, at even distances."""
    with (DATA / "text" / "banking77_test.csv").open(encoding="utf-8") as file:
        questions = [row[0] for row in csv.reader(file)][1:]
    articles = {title: sentences[0].strip() for question in json.loads((DATA / "text" / "hotpotqa100.json").read_text()) for title, sentences in question["context"]}
    sentences = [articles[title] for title in sorted(articles) if articles[title]]
    return [*questions[:: len(questions) // 500][:500], *sentences[:: len(sentences) // 500][:500]]


def sensitivities(model: minilm.MiniLM) -> dict[str, float]:
    """alpha of every tensor with two axes."""
    texts = two_hundred(0)
    plain, rng, out = embed(model, texts, {}), np.random.default_rng(7), {}
    for name, w in model.w.items():
        if w.ndim < 2 or name.endswith("position_ids"):
            continue
        noise = rng.standard_normal(w.shape).astype(np.float32)
        noise *= np.float32(np.linalg.norm(w) * LEVEL**0.5 / np.linalg.norm(noise))
        out[name] = max(0.0, turned(plain, embed(model, texts, {name: w + noise})) / LEVEL)
    return out


def export(source: Path, name: str, *options: str) -> tuple[Path, dict]:
    path = OUT / f"export-{name}.gguf"
    out, _, _ = attar_cli.call("export", str(source), "-o", str(path), "-f", "--json", *options)
    return path, json.loads(out)


def read(path: Path, report: dict, model: minilm.MiniLM) -> dict[str, np.ndarray]:
    """The floats of a file as the package reads them, which must have the errors and the shapes that were told."""
    told, values = {tensor["name"]: tensor for tensor in report["tensors"]}, {}
    reader = gguf.GGUFReader(path)
    for tensor in reader.tensors:
        w = model.w[tensor.name]
        if tensor.tensor_type.name != told[tensor.name]["type"] or tuple(int(n) for n in reversed(tensor.shape)) != w.shape:
            raise SystemExit(f"{path.name}: {tensor.name} is {tensor.tensor_type.name} {tensor.shape}")
        if tensor.tensor_type.name == "I64":
            continue
        values[tensor.name] = gguf.dequantize(np.asarray(tensor.data), tensor.tensor_type).reshape(w.shape).astype(np.float32)
        error = float(((values[tensor.name].astype(np.float64) - w) ** 2).sum() / (w.astype(np.float64) ** 2).sum())
        if abs(error - told[tensor.name]["error"]) > 1e-9 + 1e-6 * error:
            raise SystemExit(f"{path.name}: {tensor.name} has an error of {error}, attar told {told[tensor.name]['error']}")
    if set(told) != {tensor.name for tensor in reader.tensors} or reader.get_field("general.architecture").contents() != "bert":
        raise SystemExit(f"{path.name}: other tensors or another architecture than were told")
    return values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--type", nargs="*", default=list(TYPES))
    options = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    model, source, texts = minilm.MiniLM(), minilm.folder() / "model.safetensors", thousand()
    alpha = sensitivities(model)
    weights = OUT / "export-weights.json"
    weights.write_text(json.dumps({"format": FORMAT, "tensors": alpha}))
    reference = embed(model, texts, {})
    lines = []
    for kind in options.type:
        budget = ""
        for way in ("uniform", "auto", "auto by alpha"):
            more = ["--type", kind] if way == "uniform" else ["--type", "auto", "--budget", budget, *(["--weights", str(weights)] if way == "auto by alpha" else [])]
            path, report = export(source, f"{kind}-{way.replace(' ', '-')}", *more)
            budget = budget or f"{report['bytes']}B"
            rows = embed(model, texts, read(path, report, model))
            lines.append({"type": kind, "way": way, "bytes": report["bytes"], "t2": report["error"], "optimal": report["optimal"], "seconds": report["seconds"],
                          "turned": turned(reference, rows), "questions": turned(reference[:500], rows[:500]), "sentences": turned(reference[500:], rows[500:]),
                          "types": {share["type"]: share["tensors"] for share in report["types"]}})
            print(f"{kind} {way:14} {report['bytes']:>11,} B  t2 {report['error']:.6f}  1 - cosine {lines[-1]['turned']:.6f} (questions {lines[-1]['questions']:.6f}, "
                  f"sentences {lines[-1]['sentences']:.6f})  {lines[-1]['types']}  {report['seconds']:.1f} s", flush=True)
    if options.type == list(TYPES):
        measures.write_json(RESULTS / "gguf_export.json", {"command": "python bench/gguf_export.py", "texts": len(texts), "versions": {"gguf": version("gguf")}, "alpha": alpha, "lines": lines})


if __name__ == "__main__":
    main()
