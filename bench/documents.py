"""Questions in words over three sets: known items, relevance, evidence; Attar by meaning, by words, and both together.

    python bench/documents.py [--encoder DIR] [--only debian,cranfield,hotpot,wang] [--tune]

debian     a package's title finds the rest of its description among 63,666; the share of titles 2,001-4,000 whose description is in the first ten
           (--tune: of titles 1-2,000). Words and vectors take at most 12 MB.
cranfield  nDCG@10 of 113 queries over 1,400 abstracts.
hotpot     100 questions, each with its ten paragraphs among those of all: both gold paragraphs in the first ten.
wang       questions to the sentences that answer them, nDCG@10: for tuning alone (train).
Paired intervals: 95% of 2,000 bootstrap samples of the queries' differences between both together and each leg.
milliseconds  of a question on one thread, by part, the mean over all of them, and the median of the whole; words are searched apart as well. Beside it bm25s (the same words
           and stems, k1 = 1.2, b = 0.75, the same text): its measure, and its time of a question on one thread.
Results: bench/results/documents.json, with --encoder documents_bert.json
"""
from __future__ import annotations

from datasets import DATA, OUT, RESULTS

import argparse
import csv
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import attar_cli
import measures
import speed
from encoder_quality import ndcg, qrels, read_jsonl

TEXT = DATA / "text"
FOLDER = OUT / "documents"
MODES = ("hybrid", "semantic", "lexical")
DEPTH, SAMPLES, ASKED_AT_ONCE = 10, 2000, 500
WORD = r"(?u)\b\w+\b"  # words of one letter too, as Attar has them
NOTE = 64  # bytes by which what the file says of its encoder may differ


@dataclass
class Set:
    """Documents, questions, and which documents (by id) answer a question how well."""

    name: str
    documents: list[dict]
    questions: list[str]
    relevant: list[dict[str, int]]
    measure: str
    budget: str


def known_items(tune: bool) -> Set:
    import subprocess  # noqa: PLC0415

    lines = subprocess.run(["zstd", "-dcq", str(TEXT / "debian.jsonl.zst")], check=True, capture_output=True).stdout.decode().splitlines()
    packages = [json.loads(line) for line in lines]
    documents = []
    for i, package in enumerate(packages):
        rest = package["text"].removeprefix(package["title"]).lstrip(". ")
        documents.append({"_id": str(i), "text": rest or "-"})
    titles = [json.loads(line) for line in (DATA / "vectors" / "debian-titles.jsonl").open()]
    titles = titles[:2000] if tune else titles[2000:]
    return Set("debian", documents, [t["text"] for t in titles], [{str(t["row"]): 1} for t in titles], "found in ten", "")


def cranfield() -> Set:
    folder = TEXT / "cranfield"
    relevant = qrels(folder / "qrels.tsv")
    queries = [q for q in read_jsonl(folder / "queries.jsonl") if q["_id"] in relevant]
    documents = [{"_id": d["_id"], "title": d["title"], "text": d["text"].strip() or d["title"] or "-"} for d in read_jsonl(folder / "corpus.jsonl")]
    return Set("cranfield", documents, [q["text"] for q in queries], [relevant[q["_id"]] for q in queries], "nDCG@10", "")


def hotpot() -> Set:
    data = json.loads((TEXT / "hotpotqa100.json").read_text())
    documents, numbers, questions, relevant = [], {}, [], []
    for item in data:
        context = item["context"]
        pairs = zip(context["title"], context["sentences"]) if isinstance(context, dict) else context
        for title, sentences in pairs:
            if title not in numbers:
                numbers[title] = str(len(documents))
                documents.append({"_id": numbers[title], "title": title, "text": "".join(sentences).strip() or title})
        facts = item["supporting_facts"]
        gold = set(facts["title"] if isinstance(facts, dict) else [f[0] for f in facts])
        questions.append(item["question"])
        relevant.append({numbers[title]: 1 for title in gold if title in numbers})
    return Set("hotpot", documents, questions, relevant, "all in ten", "")


def wang() -> Set:
    documents, numbers, questions, relevant = [], {}, {}, []
    with (TEXT / "wang_train.csv").open() as file:
        for row in csv.DictReader(file):
            question, sentence, label = row["qtext"], row["atext"], int(row["label"])
            if sentence not in numbers:
                numbers[sentence] = str(len(documents))
                documents.append({"_id": numbers[sentence], "text": sentence})
            questions.setdefault(question, {})
            if label:
                questions[question][numbers[sentence]] = 1
    kept = {q: r for q, r in questions.items() if r}
    return Set("wang", documents, list(kept), list(kept.values()), "nDCG@10", "")


def pack(data: Set, encoder: str) -> tuple[Path, dict]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    source, file = FOLDER / f"{data.name}.jsonl", FOLDER / f"{data.name}{'-bert' if encoder else ''}.attar"
    source.write_text("".join(json.dumps(d) + "\n" for d in data.documents))
    extra = ("--encoder", encoder) if encoder else ()
    if data.name == "debian":  # what words, texts and the rest leave of 12 MB for words and vectors
        extra += ("--budget", f"{debian_budget(source)}B")
    out, seconds, peak = attar_cli.call("pack", str(source), "-o", str(file), "--text", "text", "--chunk-tokens", "512", "--json", *extra)
    return file, json.loads(out) | {"seconds": seconds, "peak_mb": peak}


def debian_budget(source: Path) -> int:
    """A first file, by the quick encoder, says how many bytes everything but words and vectors takes."""
    out, _, _ = attar_cli.call("pack", str(source), "-o", str(FOLDER / "first.attar"), "--text", "text", "--chunk-tokens", "512", "--codec", "lvq", "--budget", "60MB", "--json")
    parts = json.loads(out)["parts"]
    others = sum(size for name, size in parts.items() if name not in ("codes", "model", "words", "terms", "lists"))
    return 12_000_000 + others - NOTE


def ask(file: Path, questions: list[str], mode: str, k: int, extra: tuple[str, ...] = ()) -> tuple[list[list[dict]], dict[str, float]]:
    """The hits of each question, and the milliseconds of one, by part."""
    out, each, spent = [], [], dict.fromkeys(("encode", "semantic", "lexical", "fuse", "read", "show"), 0.0)
    for first in range(0, len(questions), ASKED_AT_ONCE):
        text, _, _ = attar_cli.call("search", str(file), *(q.replace('"', " ") for q in questions[first : first + ASKED_AT_ONCE]), f"--{mode}", "-k", str(k), "-T", "1", "--explain", "--json", *extra)
        *lines, last = (json.loads(line) for line in text.splitlines())
        out += [line["hits"] for line in lines]
        each += [line["milliseconds"] for line in lines]
        spent = {part: spent[part] + seconds for part, seconds in last["explain"]["seconds"].items()}
    return out, {part: round(1e3 * seconds / len(questions), 3) for part, seconds in spent.items()} | {"median": round(float(np.median(each)) + 1e3 * spent["encode"] / len(questions), 3)}


def bm25s_beside(data: Set) -> dict[str, float]:
    """The same words asked of bm25s: its measure, and the milliseconds of a question asked alone on one thread."""
    try:
        import bm25s  # noqa: PLC0415
        import Stemmer  # noqa: PLC0415
    except ImportError:
        return {}
    stemmer = Stemmer.Stemmer("english")
    texts = [f"{d.get('title', '')} {d['text']}".strip() for d in data.documents]
    index = bm25s.BM25(k1=1.2, b=0.75, method="lucene")
    index.index(bm25s.tokenize(texts, stopwords=None, token_pattern=WORD, stemmer=stemmer, show_progress=False), show_progress=False)
    found, started = [], time.perf_counter()
    for question in data.questions:
        ids, _ = index.retrieve(bm25s.tokenize([question], stopwords=None, token_pattern=WORD, stemmer=stemmer, show_progress=False), k=DEPTH, show_progress=False)
        found.append([data.documents[i]["_id"] for i in ids[0]])
    milliseconds = 1e3 * (time.perf_counter() - started) / len(data.questions)
    return {"bm25s": round(float(scores(data, found).mean()), 4), "bm25s_milliseconds": round(milliseconds, 3)}


def scores(data: Set, found: list[list[str]]) -> np.ndarray:
    """The measure of each question."""
    if data.measure == "nDCG@10":
        return np.array([ndcg(ids, relevant) for ids, relevant in zip(found, data.relevant)])
    return np.array([set(relevant) <= set(ids[:DEPTH]) for ids, relevant in zip(found, data.relevant)], float)


def interval(difference: np.ndarray) -> list[float]:
    rng = np.random.default_rng(1)
    means = difference[rng.integers(0, len(difference), (SAMPLES, len(difference)))].mean(1)
    return [round(float(x), 4) for x in np.quantile(means, [0.025, 0.975])]


def measure(data: Set, encoder: str) -> dict:
    file, report = pack(data, encoder)
    own, spent = {}, {}
    for mode in MODES:
        hits, spent[mode] = ask(file, data.questions, mode, DEPTH, ("--encoder", encoder) if encoder else ())
        own[mode] = scores(data, [[h["id"] for h in found] for found in hits])
    line = {"set": data.name, "measure": data.measure, "encoder": report["documents"]["encoder"], "questions": len(data.questions), "documents": len(data.documents),
            "bytes": report["bytes"], "words_and_vectors": sum(size for name, size in report["parts"].items() if name in ("codes", "model", "words", "terms", "lists")),
            "text_bytes": report["documents"]["text_bytes"], "pack_seconds": round(report["seconds"], 1), "milliseconds": spent} | {mode: round(float(s.mean()), 4) for mode, s in own.items()} | bm25s_beside(data)
    if data.name == "hotpot":
        hits, _ = ask(file, data.questions, "hybrid", DEPTH, ("--diverse", *(("--encoder", encoder) if encoder else ())))
        diverse = scores(data, [[h["id"] for h in found] for found in hits])
        line |= {"diverse": round(float(diverse.mean()), 4), "diverse_above_plain": interval(diverse - own["hybrid"])}
    for leg in ("semantic", "lexical"):
        line[f"above_{leg}"] = interval(own["hybrid"] - own[leg])
    print(f"{data.name:10} {line['encoder']:20} {data.measure}: " + ", ".join(f"{mode} {line[mode]:.4f}" for mode in MODES)
          + f"; above meaning {line['above_semantic']}, above words {line['above_lexical']}; {report['bytes']:,} bytes, words and vectors {line['words_and_vectors']:,}; {spent['hybrid']['median']:.2f} ms a question (median); words {spent['lexical']['lexical']:.3f} ms, "
          f"bm25s {line.get('bm25s')} in {line.get('bm25s_milliseconds')} ms"
          + (f"; --diverse {line['diverse']:.4f}, above plain {line['diverse_above_plain']}" if "diverse" in line else ""), flush=True)
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="")
    parser.add_argument("--only", default="debian,cranfield,hotpot")
    parser.add_argument("--tune", action="store_true")
    options = parser.parse_args()
    if not TEXT.is_dir():
        sys.exit(f"skipped: {TEXT} is absent; point ATTAR_DATA to the folder that holds text/")
    makers = {"debian": lambda: known_items(options.tune), "cranfield": cranfield, "hotpot": hotpot, "wang": wang}
    lines = [measure(makers[name](), options.encoder) for name in options.only.split(",")]
    if options.tune or options.only != "debian,cranfield,hotpot":
        return
    file = RESULTS / ("documents_bert.json" if options.encoder else "documents.json")
    measures.write_json(file, {"cpu": speed.cpu(), "lines": lines})


if __name__ == "__main__":
    main()
