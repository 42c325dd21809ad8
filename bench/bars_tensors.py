"""The bars of tensors, from bench/results; bars.py prints them."""
from __future__ import annotations

from datasets import RESULTS

from bar import Bar, absent
from measures import read_json

SAVED = {("bf16", "8 MiB"): 0.343, ("bf16", "64 KiB"): 0.339, ("fp32", "8 MiB"): 0.176}
SLACK = 128 * 1024


def codec_bars(lines: dict[tuple[str, str], dict]) -> list[Bar]:
    out = []
    for (kind, block), least in SAVED.items():
        own, rival = lines.get((kind, f"attar {block}")), lines.get((kind, f"lmzip {block}"))
        name = f"MiniLM, {kind}, blocks of {block}"
        if own is None or rival is None:
            out.append(absent(f"{name}, saved", f">= {least:.1%}", "tensors"))
            continue
        out.append(Bar(f"{name}, saved", f">= {least:.1%}", f"{own['saved']:.2%}, lmzip {rival['saved']:.2%}", own["saved"] >= least))
        for way in ("encode", "decode"):
            ratio = own.get(f"{way}_cpu_times_lmzip", 0.0)
            out.append(Bar(f"{name}, {way} in memory, one thread, against lmzip", ">= 2x", f"{ratio:.2f}x by processor's time, {own.get(f'{way}_seconds_times_lmzip', 0.0):.2f}x by the clock; "
                           f"from file to file {own[f'file_{way}_cpu_times_lmzip']:.2f}x", ratio >= 2))
        zipnn = lines.get((kind, "zipnn"))
        if zipnn and "decode_mb_cpu_s" in own:
            ratio = own["decode_mb_cpu_s"] / zipnn["decode_mb_cpu_s"]
            out.append(Bar(f"{name}, decode against zipnn", ">= 1x", f"{ratio:.2f}x by processor's time; {own['decode_mb_cpu_s']:,.0f} MB/s", ratio >= 1))
    return out


def smallest_bars(lines: dict[tuple[str, str], dict]) -> list[Bar]:
    out = []
    for kind in ("bf16", "fp32"):
        own = [line for (of, name), line in lines.items() if of == kind and name.startswith("attar")]
        peers = [line for (of, name), line in lines.items() if of == kind and not name.startswith("attar")]
        if not own or not peers:
            out.append(absent(f"MiniLM, {kind}, smaller than every peer", "saved more", "tensors"))
            continue
        best, rival = max(own, key=lambda line: line["saved"]), max(peers, key=lambda line: line["saved"])
        out.append(Bar(f"MiniLM, {kind}, smaller than every peer", "saved more", f"{best['saved']:.2%} ({best['name']}), {rival['saved']:.2%} ({rival['name']})", best["bytes"] < rival["bytes"]))
    return out


def read_bars(lines: list[dict]) -> list[Bar]:
    own = [line for line in lines if line["name"] == "attar 64 KiB"]
    if not own:
        return [absent("one tensor out of 90 MB, bytes read", "<= its own + 128 KiB", "tensors")]
    worst = max(own, key=lambda line: max(line["asked"], line["loaded"]) - line["bytes"])
    read = max(worst["asked"], worst["loaded"])
    return [Bar("one tensor out of 90 MB, bytes read", "<= its own + 128 KiB", f"{read:,} B for {worst['bytes']:,} B, the worst of {len(own)}", read <= worst["bytes"] + SLACK)]


def series_bars(lines: list[dict]) -> list[Bar]:
    out = []
    for precision in ("fp32", "bf16"):
        own = [line for line in lines if line["precision"] == precision and line["name"].startswith("attar")]
        rivals = [line for line in lines if line["precision"] == precision and line["name"].startswith("lmzip")]
        name = f"five checkpoints of one training, {precision}"
        if not own or not rivals:
            out.append(absent(name, "smaller than lmzip's, fifth <= 2x the first", "tensors"))
            continue
        best, rival = min(own, key=lambda line: line["bytes"]), min(rivals, key=lambda line: line["bytes"])
        out.append(Bar(f"{name}, bytes", "< lmzip's", f"{best['bytes']:,}, lmzip {rival['bytes']:,}", best["bytes"] < rival["bytes"]))
        out.append(Bar(f"{name}, restoring the fifth", "<= 2x the first", f"{best['last_times_first']:.2f}x, lmzip {rival['last_times_first']:.2f}x", best["last_times_first"] <= 2))
    return out


def budget_bars(result: dict) -> list[Bar]:
    script, out = "weight_budgets", []
    q4 = result.get("q4")
    out.append(Bar("Q4_0's mean error on MiniLM's 36 matrices, bits a weight", "<= 3.70", f"{q4['bits']:.3f}, all in; error {q4['error']:.6f}, Q4_0 {q4['q4_0_error']:.6f} at 4.5", q4["bits"] <= 3.7 and q4["error"] <= q4["q4_0_error"])
               if q4 else absent("Q4_0's mean error, bits a weight", "<= 3.70", script))
    budgets = result.get("budgets", [])
    if budgets:
        least, most = (choose(line["of_budget"] for line in budgets) for choose in (min, max))
        out.append(Bar("budgets of tensors: bytes over the budget", "0.999 to 1", f"{least:.5f} to {most:.5f}, {len(budgets)} budgets", least >= 0.999 and most <= 1))
    else:
        out.append(absent("budgets of tensors: bytes over the budget", "0.999 to 1", script))
    foreseen = [line for line in result.get("predicted", []) if line["sensitivities"] == "measured" and line["bits"] >= 4]
    if foreseen:
        worst = max(foreseen, key=lambda line: abs(line["predicted_over_measured"] - 1))
        out.append(Bar("1 - cosine, predicted over measured, at 4 bits and more", "within 25%", ", ".join(f"{line['predicted_over_measured']:.3f} at {line['bits']:g}" for line in foreseen), abs(worst["predicted_over_measured"] - 1) <= 0.25))
    else:
        out.append(absent("1 - cosine, predicted over measured", "within 25%", script))
    return out + progressive_bars(result) + delta_bars(result) + word_bars(result) + bound_bars(result)


def progressive_bars(result: dict) -> list[Bar]:
    name, required = "progressive, cut to 2 to 6 bits, √(error) over that of the file packed for the size", "falls with every block; <= 1.10, or the gap is told"
    found = result.get("progressive")
    if not found:
        return [absent(name, required, "weight_budgets")]
    ratios = ", ".join(f"{line['norm_over_packed']:.3f} at {line['bits']}" for line in found["cuts"])
    squares = ", ".join(f"{line['over_packed']:.2f}" for line in found["cuts"])
    told = "" if all(line["norm_over_packed"] <= 1.1 for line in found["cuts"]) else "a gap, told: "
    return [Bar(name, required, f"{told}{ratios} (squared {squares}); {'falls' if found['errors_fall'] else 'DOES NOT FALL'}, {found['refinements']:,} blocks", found["errors_fall"])]


def delta_bars(result: dict) -> list[Bar]:
    name, required = "a fine-tune's delta, lossy, against its difference in f16", ">= 8x at cosine >= 0.999"
    good = [line for line in result.get("delta", []) if line["cosine"] >= 0.999]
    if not good:
        return [absent(name, required, "weight_budgets")]
    best = max(good, key=lambda line: line["times_smaller_than_half"])
    return [Bar(name, required, f"{best['times_smaller_than_half']:.1f}x at cosine {best['cosine']:.5f}", best["times_smaller_than_half"] >= 8)]


def word_bars(result: dict) -> list[Bar]:
    name, required = "MiniLM's word table at a quarter of f16, STS-2014 lost", "<= 0.005"
    quarter = [line for line in result.get("words", []) if line["share_of_half"] == 0.25]
    if not quarter:
        return [absent(name, required, "weight_budgets")]
    return [Bar(name, required, f"{quarter[0]['lost']:.4f}; {quarter[0]['bytes']:,} B", quarter[0]["lost"] <= 0.005)]


def bound_bars(result: dict) -> list[Bar]:
    name, required = "values beyond --max-error, weights and columns", "0"
    lines = result.get("bounds", [])
    if not lines:
        return [absent(name, required, "weight_budgets")]
    peers = {(line["set"], line["bound"], line["codec"]): line["ratio"] for line in read_json(RESULTS / "quant_peers.json").get("bounds", [])}
    beside = [f"{line['set']}: {line['ratio']:.2f} (zfpy {peers.get((line['set'], '1e-3', 'zfpy'), 0):.2f}, pcodec on steps {peers.get((line['set'], '1e-3', 'pcodec on steps'), 0):.2f})" for line in lines if line["bound"] == "1e-3"]
    violations, values = sum(line["violations"] for line in lines), sum(line["values"] for line in lines)
    return [Bar(name, required, f"{violations:,} of {values:,}; ratios at 1e-3: {'; '.join(beside)}", violations == 0)]


def packed_model_bars(result: dict) -> list[Bar]:
    kept = {line["name"]: line for line in result.get("kept", [])}
    if not kept:
        return [absent("MiniLM from an artifact", "the same vectors", "packed_model")]
    out = [Bar("MiniLM from an artifact without loss", "the same vectors", f"{'the same' if result['lossless']['same'] else 'others'}, {result['lossless']['bytes']:,} B", result["lossless"]["same"])]
    own, rival = kept["int4"], kept["Q4_0"]
    out.append(Bar("MiniLM, int4 at Q4_0's bytes, 1 - cosine", "< Q4_0's", f"{own['lost']:.5f}, Q4_0 {rival['lost']:.5f}", own["lost"] < rival["lost"] and own["bytes"] <= rival["bytes"]))
    for line in result.get("artifacts", []):
        for peer in kept.values():  # those of the same bytes, which the artifact does not pass
            if 0.99 * peer["bytes"] <= line["bytes"] <= peer["bytes"]:
                out.append(Bar(f"MiniLM, {line['name']}, 1 - cosine", f"< {peer['name']}'s at no more bytes", f"{line['lost']:.2e} in {line['bytes']:,} B, {peer['lost']:.2e} in {peer['bytes']:,} B", line["lost"] < peer["lost"]))
    return out


def export_bars() -> list[Bar]:
    lines = {(line["type"], line["way"]): line for line in read_json(RESULTS / "gguf_export.json").get("lines", [])}
    out = []
    for kind in ("Q4_0", "Q5_0", "Q8_0"):
        name, required = f"GGUF, auto by measured alpha, 1 - cosine at {kind}'s bytes", f"< {kind}'s"
        uniform, plain, own = (lines.get((kind, way)) for way in ("uniform", "auto", "auto by alpha"))
        if uniform is None or plain is None or own is None:
            out.append(absent(name, required, "gguf_export"))
            continue
        out.append(Bar(name, required, f"{own['turned']:.6f}, {kind} {uniform['turned']:.6f} (less by {own['gain']:.2g} +- {own['gain_error']:.1g}); without data {plain['turned']:.6f}; "
                       f"{own['bytes']:,} of {uniform['bytes']:,} B", own["turned"] < uniform["turned"] and own["bytes"] <= uniform["bytes"]))
    return out


def bars() -> list[Bar]:
    result = read_json(RESULTS / "tensors.json")
    lines = {(line["set"], line["name"]): line for line in result.get("codecs", [])}
    return codec_bars(lines) + smallest_bars(lines) + read_bars(result.get("reads", [])) + series_bars(result.get("series", [])) + budget_bars(read_json(RESULTS / "weight_budgets.json")) + packed_model_bars(read_json(RESULTS / "packed_model.json")) + export_bars()
