"""The bars of context compression, from bench/results/context.json; bars.py prints them."""
from __future__ import annotations

from datasets import RESULTS

from bar import Bar, absent
from measures import read_json

EVIDENCE = {"0.3": 0.92, "0.15": 0.82}
SPEED = {"logs": 20, "prose with a question": 2}


def evidence_bars(result: dict) -> list[Bar]:
    out = []
    for share, least in EVIDENCE.items():
        line = result["evidence"].get(share, {})
        for way, words in (("ranked", "sentences ranked"), ("text", "names and marks in the budget")):
            own, bm25, peer = line[way]["mean"], line["bm25"]["mean"], line.get("headroom-ai", {}).get("mean")
            others = f"BM25 {bm25:.4f}" + ("" if peer is None else f", headroom-ai {peer:.4f}")
            out.append(Bar(f"HotpotQA, gold sentences kept at {float(share):.0%}, {words}", f">= {least}, above peers", f"{own:.4f}, halves {line[way]['halves']}; {others}",
                           own >= least and own > bm25 and (peer is None or own > peer)))
    return out


def context_bars() -> list[Bar]:
    result = read_json(RESULTS / "context.json")
    if not all(name in result for name in ("evidence", "answers", "logs", "literals", "speed")):
        return [absent("context compression", "evidence, answers, logs, literals, speed", "context")]
    answers, logs, literals = result["answers"], result["logs"]["attar"]["all"], result["literals"]
    out = evidence_bars(result)
    out.append(Bar("answer sentences, wang_test, MAP and MRR", "above 0.68 and 0.79", f"{answers['map']:.4f} and {answers['mrr']:.4f}, {answers['questions']} questions", answers["map"] > 0.68 and answers["mrr"] > 0.79))
    out.append(Bar("eight logs to half of their tokens", "no template, no ERROR or FATAL line lost", f"{logs['templates_lost']} of {logs['templates']} and {logs['errors_lost']} of {logs['errors']}, {logs['tokens'] / logs['input_tokens']:.1%} of the tokens",
                   logs["templates_lost"] == 0 and logs["errors_lost"] == 0 and logs["tokens"] <= logs["input_tokens"] / 2))
    out.append(Bar("literals of kept stretches lost, all sets", "0", f"{literals['lost']} of {literals['literals']:,}", literals["lost"] == 0))
    for name, least in SPEED.items():
        rate = result["speed"][name]["megabytes_per_second"]
        out.append(Bar(f"context, {name}, one core", f">= {least} MB/s", f"{rate} MB/s", rate >= least))
    return out
