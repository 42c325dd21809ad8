"""How well a probability of relevance tells answers from the rest: --min-relevance, on questions and the sentences that answer them.

    python bench/relevance.py [--fit]

The sentences of wang_train, wang_dev and wang_test, each packed alone; of every question the first ten sentences by words and meaning.
--fit     fits the logistic map to train (features: a score's share of the question's best, the best, log(1 + terms)) and prints its weights,
          which stand in src/engine/relevance_map.cpp, and the cut at which nine of ten answers of dev are kept.
Else      the cut of `--min-relevance auto` on test: precision and recall of what is shown, beside the plain ten, and the Brier score of the probabilities.
Results: bench/results/relevance.json
"""
from __future__ import annotations

from datasets import RESULTS

import argparse
import csv
import json
import sys

import numpy as np

import attar_cli
import measures
from documents import FOLDER, TEXT, ask

KEPT, DEPTH = 0.9, 10


def split(name: str) -> tuple[list[dict], list[str], list[set[str]]]:
    """Sentences, questions with an answer, and which sentences answer them."""
    numbers, answers = {}, {}
    with (TEXT / f"wang_{name}.csv").open() as file:
        for row in csv.DictReader(file):
            number = numbers.setdefault(row["atext"], str(len(numbers)))
            own = answers.setdefault(row["qtext"], set())
            if int(row["label"]):
                own.add(number)
    documents = [{"_id": number, "text": text} for text, number in numbers.items()]
    kept = {q: a for q, a in answers.items() if a}
    return documents, list(kept), list(kept.values())


def asked(name: str) -> tuple[list[list[dict]], list[str], list[set[str]]]:
    documents, questions, answers = split(name)
    FOLDER.mkdir(parents=True, exist_ok=True)
    source, file = FOLDER / f"wang_{name}.jsonl", FOLDER / f"wang_{name}.attar"
    source.write_text("".join(json.dumps(d) + "\n" for d in documents))
    attar_cli.call("pack", str(source), "-o", str(file), "--text", "text", "--json")
    hits, _ = ask(file, questions, "hybrid", DEPTH)
    return hits, questions, answers


def features(name: str) -> tuple[np.ndarray, np.ndarray]:
    import re  # noqa: PLC0415

    hits, questions, answers = asked(name)
    rows, labels = [], []
    for found, question, right in zip(hits, questions, answers):
        terms = len(re.findall(r"\w+", question))
        for hit in found:
            rows.append([1, hit["score"] / found[0]["score"], found[0]["score"], np.log1p(terms)])
            labels.append(hit["id"] in right)
    return np.array(rows), np.array(labels, float)


def fit() -> None:
    x, y = features("train")
    weights = np.zeros(x.shape[1])
    ridge = np.diag([0, *[1e-3] * (x.shape[1] - 1)])
    for _ in range(50):  # Newton's steps
        p = 1 / (1 + np.exp(-x @ weights))
        weights += np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + ridge, x.T @ (y - p) - ridge @ weights)
    x, y = features("dev")
    p = 1 / (1 + np.exp(-x @ weights))
    print("constant, share, best, terms:", ", ".join(f"{w:.4f}" for w in weights))
    print(f"cut that keeps {KEPT:.0%} of the answers that dev's tens hold: {np.quantile(p[y > 0], 1 - KEPT):.4f}")


def shown(hits: list[list[dict]], answers: list[set[str]], cut: float) -> tuple[float, float]:
    """Precision of what is shown, and recall among the answers that the ten hold."""
    found = [[h["id"] in right for h in own if h["relevance"] >= cut] for own, right in zip(hits, answers)]
    held = sum(h["id"] in right for own, right in zip(hits, answers) for h in own)
    return sum(map(sum, found)) / max(1, sum(map(len, found))), sum(map(sum, found)) / max(1, held)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true")
    if not TEXT.is_dir():
        sys.exit(f"skipped: {TEXT} is absent; point ATTAR_DATA to the folder that holds text/")
    if parser.parse_args().fit:
        fit()
        return
    hits, questions, answers = asked("test")
    cut_hits, _ = ask(FOLDER / "wang_test.attar", questions, "hybrid", DEPTH, ("--min-relevance", "auto"))
    kept = [{h["id"] for h in own} for own in cut_hits]
    least = min((h["relevance"] for own in cut_hits for h in own), default=1.0)
    assert all({h["id"] for h in own if h["relevance"] >= least} == ids for own, ids in zip(hits, kept))
    p = np.array([h["relevance"] for own in hits for h in own])
    y = np.array([h["id"] in right for own, right in zip(hits, answers) for h in own], float)
    plain, auto = shown(hits, answers, 0), shown(hits, answers, least)
    line = {"questions": len(questions), "cut": round(least, 4), "precision": round(plain[0], 4), "precision_auto": round(auto[0], 4), "recall_kept": round(auto[1], 4),
            "brier": round(float(((p - y) ** 2).mean()), 4), "brier_constant": round(float(y.mean() * (1 - y.mean())), 4)}
    print(f"wang_test, {line['questions']} questions: precision of ten {line['precision']:.3f}, with --min-relevance auto {line['precision_auto']:.3f}; {line['recall_kept']:.3f} of the answers among them kept; "
          f"Brier {line['brier']:.4f}, of the share alone {line['brier_constant']:.4f}")
    measures.write_json(RESULTS / "relevance.json", line)


if __name__ == "__main__":
    main()
