"""Context compression: what is left of evidence, answers, logs and literals, and how fast.

    python bench/context.py [--only NAME ...]      # evidence, answers, logs, literals, speed; all without it
    python bench/context.py --headroom PYTHON      # headroom-ai in an environment of its own beside it (pip install headroom-ai)

evidence   HotpotQA: the share of gold supporting sentences kept at 30% and 15% of the tokens (characters / 4), mean over 100 questions.
           `ranked`: sentences by our probability (titles seen), taken while they fit, as the baselines are: BM25 over title and sentence,
           stems, without function words. `text`: attar context as a user runs it, names of files and marks of cuts in the budget.
           Both halves are shown: the choice between designs looked at the first fifty, the weights at no question of it.
answers    wang_test: mean average precision and reciprocal rank of candidate sentences, over questions with answers and others.
logs       eight logs of 2,000 lines, each to half of its tokens: templates (numbers and identifiers masked by an expression of this
           script, not by Attar's own reader) of which no line is left, and lines with ERROR or FATAL that are missing.
literals   numbers, identifiers, paths and addresses of every stretch that is said to be kept, looked for in the text.
speed      MB a second on one core, the whole command; logs without a question, prose with one.
peers      headroom-ai's TextCrusher and LogCompressor run offline. winnow-compress is a client of a server with LLMLingua-2's weights,
           selective-context needs GPT-2's: neither runs offline.
Results: bench/results/context.json
"""
from __future__ import annotations

from datasets import DATA, OUT, REPO, RESULTS

import argparse
import csv
import json
import math
import os
import re
import subprocess
import time
from collections import Counter
from pathlib import Path

import numpy as np
import Stemmer

import attar_cli
import measures

TEXT = DATA / "text"
FOLDER = OUT / "context"
SHARES = (0.30, 0.15)
TOOL = REPO / "build" / "release" / "bench" / "context_bench"
FUNCTION_WORDS = set("a an the of in on at to for and or is was were are be been by with that this which who whom whose what when where how did do does has have had it "
                     "its his her he she they their as from than then there also not but both if into out up so no".split())
stem = Stemmer.Stemmer("english").stemWords


# ---- evidence ----

def listed(value: object) -> list:
    return json.loads(value) if isinstance(value, str) else value  # some copies of the set hold lists as text


def hotpot() -> list[dict]:
    out = []
    for entry in json.loads((TEXT / "hotpotqa100.json").read_text()):
        gold = {tuple(fact) for fact in listed(entry["supporting_facts"])}
        context = listed(entry["context"])
        units = [(title, place, sentence, paragraph) for paragraph, (title, sentences) in enumerate(context) for place, sentence in enumerate(sentences)]
        out.append({"question": entry["question"], "context": context, "units": units, "gold": [int((t, p) in gold) for t, p, _, _ in units]})
    return out


def tokens(text: str) -> int:
    return (len(text) + 3) // 4


def taken(scores: np.ndarray, entry: dict, share: float) -> float:
    """The share of gold sentences among the best that fit."""
    costs = np.array([len(sentence) / 4 for _, _, sentence, _ in entry["units"]])
    gold, left, kept = np.array(entry["gold"]), share * costs.sum(), 0
    for i in np.argsort(-scores, kind="stable"):
        if costs[i] <= left:
            left -= costs[i]
            kept += gold[i]
    return kept / gold.sum()


def bm25(entry: dict) -> np.ndarray:
    def terms(text: str) -> list[str]:
        return stem([w for w in re.findall(r"\w+", text.lower()) if w not in FUNCTION_WORDS])

    texts = [terms(f"{title} {sentence}") for title, _, sentence, _ in entry["units"]]
    holders = Counter(w for text in texts for w in set(text))
    average = sum(map(len, texts)) / len(texts)
    asked = set(terms(entry["question"]))
    out = []
    for text in texts:
        counts = Counter(text)
        out.append(sum(math.log(1 + (len(texts) - holders[w] + 0.5) / (holders[w] + 0.5)) * counts[w] * 2.2 / (counts[w] + 1.2 * (0.25 + 0.75 * len(text) / average))
                       for w in asked if w in counts))
    return np.array(out)


def scores(questions: list[dict]) -> list[np.ndarray]:
    lines = "\n".join(json.dumps(q) for q in questions)
    run = subprocess.run([TOOL, "scores"], input=lines, capture_output=True, text=True, check=True)
    return [np.array(json.loads(line)) for line in run.stdout.splitlines()]


def evidence_text(entries: list[dict], share: float) -> np.ndarray:
    """By question, through the command line."""
    lines = []
    for entry in entries:
        gold = [sentence.strip() for (_, _, sentence, _), g in zip(entry["units"], entry["gold"]) if g]
        lines.append(json.dumps({"question": entry["question"], "evidence": gold, "context": [{"title": t, "text": "".join(s)} for t, s in entry["context"]]}))
    file = FOLDER / "hotpot.jsonl"
    file.write_text("\n".join(lines) + "\n")
    out, _, _ = attar_cli.call("context", "--eval", str(file), "--ratio", str(share), "--json")
    result = json.loads(out)
    over = [q for q in result["questions"] if q["tokens"] > q["budget"]]
    if over:
        raise RuntimeError(f"{len(over)} texts above their budgets")
    return np.array([q["kept"] for q in result["questions"]]), result["lower_bound"]


def headroom(python: str, program: str, data: object) -> object:
    environment = os.environ | {"HEADROOM_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1"}
    run = subprocess.run([python, "-c", program], input=json.dumps(data), capture_output=True, text=True, check=True, env=environment)
    return json.loads(run.stdout.splitlines()[-1])


CRUSH = """
import json, sys
from headroom.transforms.text_crusher import TextCrusher
out = []
for text, question, share in json.load(sys.stdin):
    best, low, high = None, 0.0, 1.0
    for _ in range(12):  # its ratio is not kept: the largest that fits is looked for
        ratio = (low + high) / 2
        result = TextCrusher().compress(text, question, ratio)
        got = result if isinstance(result, str) else getattr(result, "compressed", None) or getattr(result, "text", None) or getattr(result, "content", "")
        if (len(got) + 3) // 4 <= share * len(text) / 4:
            best, low = got, ratio
        else:
            high = ratio
    out.append(best or "")
print(json.dumps(out))
"""


def evidence(arguments: argparse.Namespace) -> dict:
    entries = hotpot()
    own = scores([{"question": e["question"], "passages": [{"text": s, "heading": t, "paragraph": p} for t, _, s, p in e["units"]]} for e in entries])
    out = {}
    for share in SHARES:
        line = {"bm25": [taken(bm25(e), e, share) for e in entries], "ranked": [taken(s, e, share) for s, e in zip(own, entries)]}
        line["text"], bound = evidence_text(entries, share)
        if arguments.headroom:
            texts = headroom(arguments.headroom, CRUSH, [["\n\n".join(t + "\n" + "".join(s) for t, s in e["context"]), e["question"], share] for e in entries])
            line["headroom-ai"] = [np.mean([s.strip() in text for (_, _, s, _), g in zip(e["units"], e["gold"]) if g]) for e, text in zip(entries, texts)]
        out[str(share)] = {name: {"mean": round(float(np.mean(v)), 4), "interval": [round(x, 4) for x in measures.mean_interval(np.array(v))[1:]],
                                  "halves": [round(float(np.mean(v[:50])), 4), round(float(np.mean(v[50:])), 4)]} for name, v in line.items()}
        out[str(share)]["text"]["lower_bound"] = bound
        print(f"evidence at {share:.0%}: " + ", ".join(f"{name} {v['mean']:.4f}" for name, v in out[str(share)].items()), flush=True)
    return out


# ---- answers ----

def answers(_: argparse.Namespace) -> dict:
    by_question: dict[str, list] = {}
    with open(TEXT / "wang_test.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            by_question.setdefault(row["qtext"], []).append((row["atext"], int(row["label"])))
    asked = [(q, rows) for q, rows in by_question.items() if 0 < sum(label for _, label in rows) < len(rows)]
    own = scores([{"question": q, "passages": [{"text": t, "paragraph": i} for i, (t, _) in enumerate(rows)]} for q, rows in asked])
    precision, rank = [], []
    for score, (_, rows) in zip(own, asked):
        labels = np.array([label for _, label in rows])
        # Of equal scores those without an answer go first: ties are no luck.
        order = np.lexsort((labels, -score))
        hits = np.flatnonzero(labels[order])
        precision.append(np.mean([(i + 1) / (r + 1) for i, r in enumerate(hits)]))
        rank.append(1 / (hits[0] + 1))
    out = {"questions": len(asked), "map": round(float(np.mean(precision)), 4), "mrr": round(float(np.mean(rank)), 4),
           "map_interval": [round(x, 4) for x in measures.mean_interval(np.array(precision))[1:]]}
    print(f"answers of wang_test: MAP {out['map']:.4f}, MRR {out['mrr']:.4f}, {out['questions']} questions", flush=True)
    return out


# ---- logs ----

IDENTIFIER = re.compile(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|0x[0-9a-fA-F]+|(?<![A-Za-z0-9])(?=[a-fA-F]*\d)[0-9a-fA-F]{8,}(?![A-Za-z0-9])")


def template(line: str) -> str:
    return re.sub(r"\d+", "#", IDENTIFIER.sub("#", line.strip()))


SQUEEZE = """
import json, sys
from headroom.transforms.log_compressor import LogCompressor
print(json.dumps([LogCompressor().compress(text).compressed for text in json.load(sys.stdin)]))
"""


def left_of_log(source: str, text: str) -> dict:
    lines = source.splitlines()
    kept = {line.strip() for line in text.splitlines()}
    templates, shown = {template(line) for line in lines if line.strip()}, {template(line) for line in kept}
    severe = [line for line in lines if re.search(r"\b(ERROR|FATAL)\b", line)]
    return {"templates": len(templates), "templates_lost": len(templates - shown), "errors": len(severe), "errors_lost": sum(line.strip() not in kept for line in severe),
            "tokens": tokens(text), "input_tokens": tokens(source)}


def logs(arguments: argparse.Namespace) -> dict:
    files = sorted((DATA / "logs").glob("*.log"))
    sources = [file.read_bytes().decode("utf-8", "replace") for file in files]
    texts = [attar_cli.call("context", str(file), "--ratio", "0.5", "-q")[0] for file in files]
    out = {"attar": {file.stem: left_of_log(source, text) for file, source, text in zip(files, sources, texts)}}
    if arguments.headroom:
        squeezed = headroom(arguments.headroom, SQUEEZE, sources)
        out["headroom-ai"] = {file.stem: left_of_log(source, text) for file, source, text in zip(files, sources, squeezed)}
    for name, line in out.items():
        total = {key: sum(row[key] for row in line.values()) for key in next(iter(line.values()))}
        line["all"] = total
        print(f"logs, {name}: {total['templates_lost']} of {total['templates']} templates lost, {total['errors_lost']} of {total['errors']} ERROR and FATAL lines, "
              f"{total['tokens'] / total['input_tokens']:.1%} of the tokens", flush=True)
    return out


# ---- literals ----

LITERAL = re.compile(r"https?://[^\s\"'<>\\]+|(?:/[\w.+-]+){2,}|\b[A-Za-z_]+[A-Za-z0-9]*_[A-Za-z0-9_]+\b|\b[a-z]+[A-Z]\w*\b|[-+]?\d[\d.,:]*\d|\d|\b(?:not|no|never|none|without|cannot)\b|\w+n't\b", re.IGNORECASE)


def literal_files() -> list[Path]:
    out = sorted((DATA / "logs").glob("*.log")) + [DATA / "plain" / "lcet10.txt"] + sorted(TEXT.glob("chunk_*.md"))
    out += sorted((REPO / "src").rglob("*.cpp"))[::8] + sorted((REPO / "bench").glob("*.py")) + sorted((REPO / "docs").glob("*.md"))
    out += [p for p in sorted((REPO / "tests" / "golden").glob("*.json")) if p.stat().st_size < 200_000]
    hotpot_folder = FOLDER / "hotpot"
    hotpot_folder.mkdir(parents=True, exist_ok=True)
    for i, entry in enumerate(hotpot()):
        file = hotpot_folder / f"{i:03}.md"
        file.write_text("\n\n".join(f"# {t}\n\n" + "".join(s) for t, s in entry["context"]) + "\n")
        out.append(file)
    return out


def literals(_: argparse.Namespace) -> dict:
    files, seen, lost, examples = literal_files(), 0, 0, []
    for file in files:
        source = file.read_bytes()
        for question in ((), ("--query", "what failed, when, and why was it not seen")):
            report = json.loads(attar_cli.call("context", str(file), "--ratio", "0.3", "--json", *question)[0])
            text = report["text"]
            for span in report["kept"]:
                for found in LITERAL.findall(source[span["begin"]:span["end"]].decode("utf-8", "replace")):
                    seen += 1
                    if found not in text:
                        lost += 1
                        examples.append(f"{file.name}: {found}")
    print(f"literals: {lost} of {seen:,} lost, {len(files)} files {examples[:5]}", flush=True)
    return {"files": len(files), "literals": seen, "lost": lost, "examples": examples[:20]}


# ---- speed ----

def speed(_: argparse.Namespace) -> dict:
    lines = b"".join(file.read_bytes() for file in sorted((DATA / "logs").glob("*.log")))
    log, prose = FOLDER / "all.log", FOLDER / "prose.md"
    log.write_bytes(lines * 20)
    prose.write_bytes(b"".join(file.read_bytes() for file in sorted(TEXT.glob("chunk_*.md"))) * 2 + (DATA / "plain" / "lcet10.txt").read_bytes() * 2)
    out = {}
    for name, file, extra in (("logs", log, ()), ("prose with a question", prose, ("--query", "What did the company say about its revenue in the fourth quarter?"))):
        megabytes = file.stat().st_size / 1e6
        seconds = min(attar_cli.call("context", str(file), "--ratio", "0.3", "-q", *extra)[1] for _ in range(5))
        out[name] = {"megabytes": round(megabytes, 2), "seconds": round(seconds, 3), "megabytes_per_second": round(megabytes / seconds, 1)}
        print(f"speed, {name}: {out[name]['megabytes_per_second']} MB/s ({megabytes:.1f} MB, the best of five)", flush=True)
    return out


PARTS = {"evidence": evidence, "answers": answers, "logs": logs, "literals": literals, "speed": speed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--headroom", default="", help="a Python that has headroom-ai")
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = RESULTS / "context.json"
    result = measures.read_json(file)
    for name in arguments.only:
        start = time.perf_counter()
        result[name] = PARTS[name](arguments)
        result[name + "_seconds"] = round(time.perf_counter() - start, 1)
    result["command"] = "python bench/context.py --headroom PYTHON"
    result["not_run"] = {"winnow-compress": "a client; its server needs the weights of LLMLingua-2, which are not offline", "selective-context": "needs the weights of GPT-2, which are not offline"}
    measures.write_json(file, result)


if __name__ == "__main__":
    main()
