"""Weights with loss by Attar: budgets, what they cost a model, bounds on errors, differences of a fine-tune, the table of words.

    python bench/weight_budgets.py [--only q4|budgets|progressive|predicted|words|trimmed|delta|bounds]

q4         the 36 matrices of MiniLM's layers as one file: the fewest bits a weight, all of the artifact counted, at which their mean relative squared error is that of Q4_0 (by the gguf
           package, as llama.cpp rounds). Each matrix counts alike (a sensitivity of 1), as in that mean.
budgets    the whole model to budgets of 2 to 8 bits a weight and to shares of its file: bytes of the artifact over the budget, error, seconds.
progressive  the whole model once with --progressive, cut to 2 to 6 bits a weight, beside the file packed for each size along the trellis: the sum of weighed relative errors, the mean over the
           36 matrices of the layers, and the gap, as errors and as their square roots. Cuts at fifty even sizes: errors must fall from one to the next.
predicted  sensitivities by `attar sensitivity` on 200 sentences; the sum of sensitivities times relative errors beside 1 - cosine of the embeddings of 1,000 other sentences, with the
           float32 model in numpy (minilm.py) on the decoded weights. With and without the sensitivities.
words      the word table alone to a quarter, an eighth and a sixteenth of half precision: STS-2014 of the model with it, and as it is, and 1 - cosine of the embeddings of 1,000 of its
           sentences; with steps that are alike, and by frequencies counted in articles, none of the texts of STS-2014 among them.
trimmed    the whole model with the tokens that stand in articles alone, without loss and at 10 MB, dropped rows read as [UNK] (--keep-tokens) or as zeros (--keep-rows): bytes, 1 - cosine of
           the embeddings of 1,000 sentences of STS-2014, apart for those whose tokens are all kept, and STS-2014 where nothing else was lost.
delta      the fine-tune of finetune.py (its fifth checkpoint) against the model before, to bounds and budgets: bytes beside the changed tensors' difference in half precision, and cosines of
           the embeddings by the tuned model.
bounds     the arrays of quant_peers.py within 1e-3, absolute and relative to the largest magnitude: ratio, and violations counted over every value in float64.
Results: bench/results/weight_budgets.json
"""
from __future__ import annotations

from datasets import OUT, RESULTS

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

import attar_cli
import encoder_quality
import finetune
import measures
import minilm
import quant_peers
import speed
import weight_designs
import weights

WORDS = "embeddings.word_embeddings.weight"
CALIBRATION = 200


def tensors_file(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    weights.write(path, weights.Weights({name: weights.Tensor("F32", value.shape, np.ascontiguousarray(value, np.float32).tobytes()) for name, value in arrays.items()}, {}))
    return path


def pack(source: Path, artifact: Path, *options: object) -> dict:
    out, _, _ = attar_cli.call("pack", str(source), "-o", str(artifact), "-f", "--json", *map(str, options))
    return json.loads(out)


def unpacked(artifact: Path, folder: Path) -> dict[str, np.ndarray]:
    back = folder / "back.safetensors"
    attar_cli.call("unpack", str(artifact), "-o", str(back), "-f")
    return weights.read(back).values()


def layers() -> dict[str, np.ndarray]:
    return {name: value for name, value in minilm.MiniLM().w.items() if quant_peers.is_matrix(name) and name != WORDS}


def q4_error(arrays: dict[str, np.ndarray]) -> float:
    from gguf import GGMLQuantizationType, quants  # noqa: PLC0415

    kind = GGMLQuantizationType.Q4_0
    errors = [((quants.dequantize(quants.quantize(value, kind), kind) - value).astype(np.float64) ** 2).sum() / (value.astype(np.float64) ** 2).sum() for value in arrays.values()]
    return float(np.mean(errors))


def q4_lines(folder: Path) -> dict:
    arrays = layers()
    source, artifact, alike = tensors_file(folder / "layers.safetensors", arrays), folder / "layers.attar", folder / "alike.json"
    alike.write_text(json.dumps({"format": "attar-sensitivity 1", "tensors": dict.fromkeys(arrays, 1.0)}))
    count, asked = sum(value.size for value in arrays.values()), q4_error(arrays)
    low, high, best = 3.0, 4.5, {}
    for _ in range(9):
        bits = (low + high) / 2
        report = pack(source, artifact, "--budget", f"{bits:.5f}bit", "--sensitivity", alike)
        error = float(np.mean([line["relative_error"] for line in report["lost"]]))
        if error <= asked:
            high, best = bits, {"bits": 8 * report["bytes"] / count, "error": error, "bytes": report["bytes"]}
        else:
            low = bits
    line = {"q4_0_error": asked, "q4_0_bits": 4.5} | best
    print(f"q4: mean relative error {line['error']:.6f} (Q4_0 {asked:.6f}) at {line['bits']:.4f} bits a weight, all in (Q4_0 4.5)", flush=True)
    return {"q4": line}


def budget_lines(folder: Path) -> dict:
    source, artifact = minilm.folder() / "model.safetensors", folder / "model.attar"
    lines = []
    for budget in ("2bit", "2.5bit", "3bit", "3.5bit", "4bit", "5bit", "6bit", "8bit", "12bit", "10MB", "20MB", "45MB", "20%"):
        report = pack(source, artifact, "--budget", budget)
        lines.append({"budget": budget, "budget_bytes": report["budget_bytes"], "bytes": report["bytes"], "of_budget": report["bytes"] / report["budget_bytes"],
                      "weighed_error": report["weighed_error"], "seconds": report["seconds"], "largest_error": max(line["relative_error"] for line in report["lost"])})
        print(f"budget {budget}: {report['bytes']:,} of {report['budget_bytes']:,} B ({lines[-1]['of_budget']:.5f}), {report['seconds']:.1f} s", flush=True)
    return {"budgets": lines}


def errors_of(artifact: Path) -> tuple[float, float]:
    """As the file states them: the sum of weighed relative errors, and the mean of the layers' matrices."""
    out, _, _ = attar_cli.call("info", str(artifact), "--json")
    info, names = json.loads(out), set(layers())
    return info["weighed_error"], float(np.mean([line["loss"]["relative_error"] if line["loss"] else 0 for line in info["tensors"] if line["name"] in names]))


def progressive_lines(folder: Path) -> dict:
    source, whole, artifact = minilm.folder() / "model.safetensors", folder / "progressive.attar", folder / "model.attar"
    report = pack(source, whole, "--progressive")
    lines = []
    for bits in (2, 3, 4, 5, 6):
        cut = pack(whole, artifact, "--budget", f"{bits}bit")
        own, own_mean = errors_of(artifact)
        attar_cli.call("verify", str(artifact), "--base", str(source))
        packed = pack(source, artifact, "--budget", f"{bits}bit")
        peer, peer_mean = errors_of(artifact)
        lines.append({"bits": bits, "bytes": cut["bytes"], "cut_seconds": cut["seconds"], "packed_bytes": packed["bytes"], "packed_seconds": packed["seconds"], "weighed_error": own, "packed_weighed_error": peer,
                      "mean_error": own_mean, "packed_mean_error": peer_mean, "over_packed": own / peer, "norm_over_packed": (own / peer) ** 0.5, "mean_over_packed": own_mean / peer_mean})
        print(f"progressive, {bits} bits: {cut['bytes']:,} B in {1000 * cut['seconds']:.0f} ms; error {own:.6f}, packed for the size {peer:.6f}: {own / peer:.3f} times, {(own / peer) ** 0.5:.3f} as norms; "
              f"mean of matrices {own_mean / peer_mean:.3f} times", flush=True)
    errors = [pack(whole, artifact, "--budget", f"{size}B")["weighed_error"] for size in np.linspace(3e6, report["bytes"], 50).astype(int)]
    falling = all(after < before for before, after in zip(errors, errors[1:]))
    refinements = cut["former_refinements"]
    print(f"progressive: {report['bytes']:,} B in {report['seconds']:.1f} s, {refinements:,} refinements; errors of fifty cuts {'fall' if falling else 'DO NOT FALL'}", flush=True)
    return {"progressive": {"bytes": report["bytes"], "seconds": report["seconds"], "refinements": refinements, "errors_fall": falling, "cuts": lines}}


def sensitivities(folder: Path) -> Path:
    """Of the model's tensors, on sentences that no embedding here is judged by."""
    texts, out = folder / "calibration.txt", folder / "sensitivity.json"
    texts.write_text("\n".join(minilm.texts_to_compare(1_000 + CALIBRATION)[1_000:]) + "\n", encoding="utf-8")
    attar_cli.call("sensitivity", str(minilm.folder()), "--calibrate", str(texts), "-o", str(out))
    return out


def predicted_lines(folder: Path) -> dict:
    source, artifact = minilm.folder() / "model.safetensors", folder / "model.attar"
    texts, measured = minilm.texts_to_compare(), sensitivities(folder)
    alphas = json.loads(measured.read_text())["tensors"]
    reference = minilm.embed_with(minilm.MiniLM().w, texts)
    lines = []
    for bits in (3, 3.5, 4, 4.5, 5, 6):
        for way, options in (("measured", ("--sensitivity", measured)), ("by the rule", ())):
            report = pack(source, artifact, "--budget", f"{bits}bit", *options)
            turned = 1 - minilm.agreement(minilm.embed_with(unpacked(artifact, folder), texts), reference)["mean"]
            foreseen = sum(alphas.get(line["name"], 0) * line["relative_error"] for line in report["lost"])
            lines.append({"bits": bits, "sensitivities": way, "bytes": report["bytes"], "turned": turned, "predicted": foreseen, "predicted_over_measured": foreseen / turned})
            print(f"predicted, {bits} bits, steps by {way}: 1 - cosine {turned:.6f}, predicted {foreseen:.6f} ({foreseen / turned:.3f} of it)", flush=True)
    return {"predicted": lines}


def sts_of(values: dict[str, np.ndarray]) -> float:
    scores = encoder_quality.sts(lambda texts: minilm.embed_with(values, texts))
    return float(np.mean(list(scores.values())))


def word_lines(folder: Path) -> dict:
    values = minilm.MiniLM().w
    table = values[WORDS]
    source, artifact = tensors_file(folder / "words.safetensors", {WORDS: table}), folder / "words.attar"
    half, whole = 2 * table.size, sts_of(values)
    texts = minilm.texts_to_compare()
    reference = minilm.embed_with(values, texts)
    often, counted = weight_designs.frequencies(minilm.MiniLM(), len(table)), folder / "counts.txt"
    counted.write_text("\n".join(str(int(count)) for count in often) + "\n")
    lines, by_frequency = [{"share_of_half": 1.0, "bytes": half, "sts": whole}], []
    for share in (1 / 4, 1 / 8, 1 / 16):
        for way, into, options in (("alike", lines, ()), ("by frequency", by_frequency, ("--frequencies", counted))):
            report = pack(source, artifact, "--budget", f"{int(half * share)}B", *options)
            back = unpacked(artifact, folder)
            sts = sts_of(values | back)
            turned = 1 - minilm.agreement(minilm.embed_with(values | back, texts), reference)["mean"]
            by_row = ((back[WORDS] - table).astype(np.float64) ** 2).sum(1)
            met = float((often * by_row).sum() / (often * (table.astype(np.float64) ** 2).sum(1)).sum())
            into.append({"share_of_half": share, "bytes": report["bytes"], "sts": sts, "lost": whole - sts, "turned": turned, "relative_error": report["lost"][0]["relative_error"], "error_by_frequency": met})
            print(f"word table, {share:g} of half precision ({report['bytes']:,} B), steps {way}: STS-2014 {sts:.4f}, whole {whole:.4f}, 1 - cosine {turned:.5f}, error by frequency {met:.5f}", flush=True)
    return {"words": lines, "words_by_frequency": by_frequency}


def trimmed_lines(folder: Path) -> dict:
    model, source, artifact = minilm.MiniLM(), minilm.folder() / "model.safetensors", folder / "trimmed.attar"
    often = weight_designs.frequencies(model, len(model.w[WORDS]))  # a half more than the count
    met = {name for name, number in model.tokenizer.get_vocab().items() if often[number] >= 1}
    special = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
    numbers = {model.tokenizer.token_to_id(name) for name in met | special}
    tokens, rows = folder / "tokens.txt", folder / "rows.txt"
    tokens.write_text("\n".join(sorted(met)) + "\n", encoding="utf-8")
    rows.write_text("\n".join(map(str, sorted(numbers))) + "\n")
    texts = minilm.texts_to_compare()
    reference = minilm.embed_with(model.w, texts)
    whole = np.array([numbers.issuperset(ids) for ids in model.tokens(texts)])
    lines = [{"kept_tokens": len(numbers), "tokens": len(model.w[WORDS]), "texts_of_kept_tokens": int(whole.sum()), "texts": len(texts), "sts": sts_of(model.w)}]
    print(f"trimmed: {len(numbers):,} tokens are kept; {whole.sum()} of {len(texts)} texts have these alone", flush=True)
    for dropped, trim in (("none", ()), ("as [UNK]", ("--keep-tokens", tokens)), ("as zeros", ("--keep-rows", f"{WORDS}={rows}"))):
        for budget in (None, "10MB"):
            loss = ("--budget", budget) if budget else () if trim else ("--lossless",)
            report = pack(source, artifact, *trim, *loss)
            attar_cli.call("verify", str(artifact), "--base", str(source))
            values = unpacked(artifact, folder)
            turned = 1 - (minilm.embed_with(values, texts).astype(np.float64) * reference).sum(1)
            line = {"dropped": dropped, "budget": budget, "bytes": report["bytes"], "turned_of_kept": float(turned[whole].mean()), "turned_of_others": float(turned[~whole].mean())}
            if budget is None and trim:
                line["sts"] = sts_of(values)
            lines.append(line)
            print("trimmed, rows dropped", ", ".join(f"{key} {value}" for key, value in line.items()), flush=True)
    return {"trimmed": lines}


def delta_lines(folder: Path) -> dict:
    before, after = finetune.checkpoint(0), finetune.checkpoint(finetune.CHECKPOINTS)
    if not after.exists():
        print("delta skipped: make the series first: python bench/finetune.py --with PYTHON")
        return {}
    start, tuned = weights.read(before).values(), weights.read(after).values()
    changed = [name for name in tuned if not np.array_equal(tuned[name], start[name])]
    half = sum(2 * tuned[name].size for name in changed)
    texts = minilm.texts_to_compare()
    reference = minilm.embed_with(tuned, texts)
    base, artifact = folder / "before.attar", folder / "tuned.attar"
    pack(before, base, "--lossless")
    lines = []
    for times in (6, 8, 10, 12, 16, 24):
        report = pack(after, artifact, "--base", base, "--budget", f"{int(half / times)}B")
        cosine = minilm.agreement(minilm.embed_with(unpacked(artifact, folder), texts), reference)
        lines.append({"budget_of_half": 1 / times, "bytes": report["bytes"], "times_smaller_than_half": half / report["bytes"], "cosine": cosine["mean"], "cosine_least": cosine["least"]})
        print(f"delta, 1/{times} of half precision: {report['bytes']:,} B, {half / report['bytes']:.2f} times smaller; cosine {cosine['mean']:.6f} on average, {cosine['least']:.6f} at least", flush=True)
    return {"delta": lines, "delta_half_bytes": half}


def bound_line(name: str, arrays: list[np.ndarray], bound: str, folder: Path) -> dict:
    source, artifact = tensors_file(folder / "arrays.safetensors", {f"a{i:04}": array for i, array in enumerate(arrays)}), folder / "arrays.attar"
    report = pack(source, artifact, "--max-error", bound)
    back = unpacked(artifact, folder)
    violations, worst = 0, 0.0
    for i, array in enumerate(arrays):
        limit = float(np.abs(array.astype(np.float64)).max()) * 1e-3 if bound.endswith("%") else float(bound)
        error = np.abs(back[f"a{i:04}"].astype(np.float64) - array)
        violations += int((error > limit).sum())
        worst = max(worst, float(error.max()) / limit) if limit else worst
    raw = sum(array.nbytes for array in arrays)
    line = {"set": name, "bound": bound, "raw_bytes": raw, "bytes": report["bytes"], "ratio": raw / report["bytes"], "values": sum(array.size for array in arrays), "violations": violations,
            "worst_of_bound": worst, "seconds": report["seconds"]}
    print(f"{name}, within {bound}: ratio {line['ratio']:.3f}, {violations:,} of {line['values']:,} values beyond the bound, largest error {worst:.4f} of it; {report['seconds']:.1f} s", flush=True)
    return line


def bound_lines(folder: Path) -> dict:
    sets = {"MiniLM's 37 matrices": quant_peers.weight_arrays, "384 columns, float32": quant_peers.float_columns, "384 columns, float32 from half": quant_peers.half_columns}
    return {"bounds": [bound_line(name, list(arrays()), bound, folder) for name, arrays in sets.items() for bound in ("1e-3", "0.1%")]}


PARTS: dict[str, Callable[[Path], dict]] = {"q4": q4_lines, "budgets": budget_lines, "progressive": progressive_lines, "predicted": predicted_lines, "words": word_lines, "trimmed": trimmed_lines, "delta": delta_lines, "bounds": bound_lines}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS)
    options = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    result = measures.read_json(RESULTS / "weight_budgets.json") | {"command": "python bench/weight_budgets.py", "cpu": speed.cpu()}
    with tempfile.TemporaryDirectory(dir=OUT) as name:
        for part, lines in PARTS.items():
            if options.only in (None, part):
                result |= lines(Path(name))
                measures.write_json(RESULTS / "weight_budgets.json", result)


if __name__ == "__main__":
    main()
