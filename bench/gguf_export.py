"""`attar export --type auto` against one type for all matrices, at the very same bytes: MiniLM as GGUF, read with the Python package gguf, and how far its embeddings turn.

    python bench/gguf_export.py [--type NAME ...]

For each type: the file in that type alone; auto within that file's bytes, without data (alpha is the root of a matrix's number of values); and auto with alpha measured: 1 - cosine of the
embeddings of 200 sentences over the t2 of white noise on one matrix, at t2 = 0.01 (docs/decisions/0036). Every file is read and dequantized by the package, which must find the errors that attar
told, and the model is run in numpy on 1,000 other texts: 500 questions to a bank and 500 first sentences of articles, which no choice has seen. "Gain" is the mean of a text's error in the one
type less that by auto, with its standard error. Before that: what alpha without data should be, a power of the number of values, judged on 200 texts of neither kind.
Result: bench/results/gguf_export.json
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
POWERS = (1.0, 0.75, 0.5, 0.25, 0.0)
RULE_BUDGETS = ("15730496B", "20MB")  # the bytes of Q5_0, and some between its and Q8_0's
LEVEL = 0.01  # t2 of the noise


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
        out[name] = max(1e-9, turned(plain, embed(model, texts, {name: w + noise})) / LEVEL)
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
        error = float(((values[tensor.name].astype(np.float64) - w) ** 2).sum() / max(float((w.astype(np.float64) ** 2).sum()), 1e-300))
        if abs(error - told[tensor.name]["error"]) > 1e-9 + 1e-6 * error:
            raise SystemExit(f"{path.name}: {tensor.name} has an error of {error}, attar told {told[tensor.name]['error']}")
    if set(told) != {tensor.name for tensor in reader.tensors} or reader.get_field("general.architecture").contents() != "bert":
        raise SystemExit(f"{path.name}: other tensors or another architecture than were told")
    return values


def write_alpha(name: str, alpha: dict[str, float]) -> str:
    path = OUT / f"export-{name}.json"
    path.write_text(json.dumps({"tensors": alpha}))
    return str(path)


def rules(model: minilm.MiniLM, source: Path, names: list[str]) -> list[dict]:
    """1 - cosine on the texts that 0036 checks its sums on, with alpha a power of the number of values."""
    texts = two_hundred(1)
    plain, lines = embed(model, texts, {}), []
    for budget in RULE_BUDGETS:
        for power in POWERS:
            weights = write_alpha("rule", {name: float(model.w[name].size) ** power for name in names})
            path, report = export(source, "rule", "--budget", budget, "--sensitivity", weights)
            lines.append({"budget": report["budget"], "power": power, "turned": turned(plain, embed(model, texts, read(path, report, model)))})
            print(f"{budget}, alpha = values ^ {power}: 1 - cosine {lines[-1]['turned']:.6f}", flush=True)
    return lines


def measured(model: minilm.MiniLM, texts: list[str], reference: np.ndarray, path: Path, report: dict) -> tuple[dict, np.ndarray]:
    """What is told of a file, and 1 - cosine of each text."""
    errors = 1 - (reference.astype(np.float64) * embed(model, texts, read(path, report, model))).sum(1)
    return {"bytes": report["bytes"], "t2": report["error"], "optimal": report["optimal"], "seconds": report["seconds"], "turned": float(errors.mean()), "questions": float(errors[:500].mean()),
            "sentences": float(errors[500:].mean()), "types": {share["type"]: share["tensors"] for share in report["types"]}}, errors


def show(line: dict) -> None:
    gain = f"  gain {line['gain']:.6f} +- {line['gain_error']:.6f}" if "gain" in line else ""
    print(f"{line['type']} {line['way']:14} {line['bytes']:>11,} B  t2 {line['t2']:.6f}  1 - cosine {line['turned']:.6f} (questions {line['questions']:.6f}, sentences {line['sentences']:.6f})"
          f"{gain}  {line['types']}  {line['seconds']:.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--type", nargs="*", default=list(TYPES))
    options = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    model, source, texts = minilm.MiniLM(), minilm.folder() / "model.safetensors", thousand()
    alpha = sensitivities(model)
    weights, chosen = write_alpha("weights", alpha), rules(model, source, list(alpha))
    reference, lines = embed(model, texts, {}), []
    for kind in options.type:
        uniform, held = measured(model, texts, reference, *export(source, kind, "--type", kind))
        lines.append({"type": kind, "way": "uniform", **uniform})
        show(lines[-1])
        for way, more in (("auto", []), ("auto by alpha", ["--sensitivity", weights])):
            line, errors = measured(model, texts, reference, *export(source, f"{kind}-{way.replace(' ', '-')}", "--budget", f"{uniform['bytes']}B", *more))
            gain = held - errors
            lines.append({"type": kind, "way": way, **line, "gain": float(gain.mean()), "gain_error": float(gain.std() / len(gain) ** 0.5)})
            show(lines[-1])
    if options.type == list(TYPES):
        measures.write_json(RESULTS / "gguf_export.json", {"command": "python bench/gguf_export.py", "texts": len(texts), "versions": {"gguf": version("gguf")}, "alpha": alpha, "rules": chosen, "lines": lines})


if __name__ == "__main__":
    main()
