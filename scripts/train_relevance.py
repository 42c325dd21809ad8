"""Trains the relevance model of context compression, and writes its weights: src/text/context/weights.inc.

    python scripts/train_relevance.py            # needs numpy and scipy, and build/release/bench/context_bench

It learns from two sets, which count alike:
- questions and the sentences that answer them (wang_train.csv), which have no headings;
- questions of our own making over short encyclopaedia passages (2wiki_corpus.json) that take two passages to answer: words of a
  passage that names another one's title and of that other one (a link), or two titles side by side (a comparison), among the eight
  passages whose words are nearest. No question of HotpotQA is used.
Of each set the loss is that of a softmax over the units of a question; a scale and an intercept then make probabilities of scores,
by logistic regression over all units. Fixed seed: the same data give the same weights.
"""
from __future__ import annotations

import argparse
import csv
import json
import math
import os
import random
import re
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

REPO = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("ATTAR_DATA", REPO.parent / "shared" / "data")) / "text"
NAMES = ["cosine", "nearness", "bm25", "overlap", "digits", "fitting", "asked", "linked", "naming", "first", "length"]
LEAST_WORDS = 4  # of a question


def answered_questions(name: str) -> list[dict]:
    """Questions with candidate sentences: {"question", "passages", "labels"} each."""
    by_question: dict[str, list] = {}
    with open(DATA / name, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            by_question.setdefault(row["qtext"], []).append((row["atext"], int(row["label"])))
    return [{"question": q, "passages": [{"text": t, "paragraph": i} for i, (t, _) in enumerate(rows)], "labels": [label for _, label in rows]}
            for q, rows in by_question.items()]


def words_of(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def lower_words(text: str) -> set[str]:
    return {w.lower() for w in words_of(text)}


class Passages:
    """Passages with titles, the links between them, and which are near some words."""

    STOP = set("the a an of in on at to for and or is was were are be been by with that this which who it its his her he she they their as from".split())

    def __init__(self) -> None:
        by_title: dict[str, str] = {}
        for entry in json.loads((DATA / "2wiki_corpus.json").read_text()):
            if len(entry["text"]) > 60:
                by_title.setdefault(entry["title"], entry["text"])
        self.titles = list(by_title)
        self.sentences = [[s for s in re.split(r'(?<=[.!?])\s+(?=[A-Z"])', text) if s] for text in by_title.values()]
        self.names = [re.sub(r"\s*\(.*?\)", "", title) for title in self.titles]
        texts = [[w.lower() for w in words_of(title + " " + " ".join(s))] for title, s in zip(self.titles, self.sentences)]
        self.words = texts
        self.holders = Counter(w for text in texts for w in set(text))
        self.postings: dict[str, list] = defaultdict(list)
        for i, text in enumerate(texts):
            for word, count in Counter(text).items():
                self.postings[word].append((i, count / (count + 1.2 * (0.25 + 0.75 * len(text) / 60))))

    def links(self) -> list[tuple[int, int, int]]:
        """(passage, sentence, passage that it names); only names of at least two words, which are hardly anything else."""
        by_first: dict[str, list] = defaultdict(list)
        for i, name in enumerate(self.names):
            words = name.lower().split()
            if len(words) >= 2:
                by_first[words[0]].append((words, i))
        out = []
        for a, sentences in enumerate(self.sentences):
            for s, sentence in enumerate(sentences):
                tokens = [t.strip(".,;:()\"'").replace("'s", "") for t in sentence.lower().split()]
                for at, token in enumerate(tokens):
                    out += [(a, s, i) for words, i in by_first.get(token, ()) if i != a and tokens[at:at + len(words)] == words]
        return out

    def near(self, words: list[str], count: int) -> list[int]:
        score: dict[int, float] = defaultdict(float)
        for word in sorted(set(words)):
            if self.holders[word] and self.holders[word] < len(self.titles) / 8:
                for i, weight in self.postings[word]:
                    score[i] += math.log(len(self.titles) / self.holders[word]) * weight
        return sorted(score, key=lambda i: (-score[i], i))[:count]


def two_step_questions(count: int, seed: int) -> list[dict]:
    rng = random.Random(seed)
    passages = Passages()

    def some(words: list[str], share: float) -> list[str]:
        return [w for w in words if w.lower() not in Passages.STOP and rng.random() < share]

    def question(words: list[str], gold: set[tuple[int, int]]) -> dict:
        own = sorted({p for p, _ in gold})
        others = [i for i in passages.near([w.lower() for w in words], 14) if i not in own][:10 - len(own)]
        order = own + others
        rng.shuffle(order)
        units = [({"text": s, "heading": passages.titles[i], "paragraph": p}, int((i, k) in gold)) for p, i in enumerate(order) for k, s in enumerate(passages.sentences[i])]
        return {"question": " ".join(words) + "?", "passages": [u for u, _ in units], "labels": [label for _, label in units]}

    out = []
    links = passages.links()
    rng.shuffle(links)
    for a, s, b in links:
        if len(out) >= count * 0.6:
            break
        k = min(rng.choice([0, 0, 0, 1, 1, 2]), len(passages.sentences[b]) - 1)
        title_a, title_b = lower_words(passages.titles[a]), lower_words(passages.titles[b])
        from_a = [w for w in words_of(passages.sentences[a][s]) if w.lower() not in title_a | title_b]
        from_b = [w for w in words_of(passages.sentences[b][k]) if w.lower() not in title_b]
        if rng.random() < 0.5:  # the one is named, and the other asked for
            words = words_of(passages.names[a]) + some(from_a, 0.25) + some(from_b, 0.25)
        else:
            words = some(from_a, 0.35) + some(from_b, 0.35)
        if len(words) >= LEAST_WORDS:
            out.append(question([rng.choice(["What", "Who", "Which", "When"]), *words], {(a, s), (b, k)}))
    while len(out) < count:
        a = rng.randrange(len(passages.titles))
        near = [i for i in passages.near(passages.words[a], 6) if i != a]
        if near:
            b = rng.choice(near)
            shared = lower_words(passages.sentences[b][0]) - lower_words(passages.titles[a] + " " + passages.titles[b])
            both = [w for w in words_of(passages.sentences[a][0]) if w.lower() in shared]
            out.append(question(["Which", "of", *words_of(passages.names[a]), "or", *words_of(passages.names[b]), *some(both, 0.5)], {(a, 0), (b, 0)}))
    return out


def features_of(questions: list[dict]) -> list[np.ndarray]:
    """By question: units x features."""
    lines = "\n".join(json.dumps({"question": q["question"], "passages": q["passages"]}) for q in questions)
    run = subprocess.run([REPO / "build" / "release" / "bench" / "context_bench", "features"], input=lines, capture_output=True, text=True, check=True)
    return [np.array(json.loads(line)) for line in run.stdout.splitlines()]


def trained(sets: list[tuple[list[np.ndarray], list[dict]]], penalty: float = 2.0) -> tuple[np.ndarray, float]:
    """Weights and intercept."""
    spread = np.concatenate([f for features, _ in sets for f in features]).std(0) + 1e-9
    groups = []
    for features, questions in sets:
        own = [(f / spread, np.array(q["labels"])) for f, q in zip(features, questions) if 0 < sum(q["labels"]) < len(q["labels"])]
        groups += [(f, y / y.sum(), 200 / len(own)) for f, y in own]

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = penalty / 2 * (w @ w), penalty * w
        for f, share, weight in groups:
            z = f @ w
            p = np.exp(z - z.max())
            p /= p.sum()
            value -= weight * (share * np.log(p + 1e-30)).sum()
            slope = slope + weight * (f.T @ (p - share))
        return value, slope

    ranking = minimize(loss, np.zeros(len(spread)), jac=True, method="L-BFGS-B").x / spread
    z = np.concatenate([f @ ranking for features, _ in sets for f in features])
    y = np.concatenate([q["labels"] for _, questions in sets for q in questions])
    scale, intercept = minimize(lambda v: (np.logaddexp(0, v[0] * z + v[1]) - y * (v[0] * z + v[1])).sum(), [1.0, -5.0]).x
    return ranking * scale, float(intercept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=int, default=600, help="of two steps (600)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=REPO / "src" / "text" / "context" / "weights.inc")
    arguments = parser.parse_args()
    answered, two_steps = answered_questions("wang_train.csv"), two_step_questions(arguments.questions, arguments.seed)
    weights, intercept = trained([(features_of(answered), answered), (features_of(two_steps), two_steps)])
    lines = [f"// Written by scripts/train_relevance.py from {len(answered)} questions of wang_train and {len(two_steps)} of its own making over",
             "// passages of 2WikiMultihopQA. In the order of Feature.", "constexpr Features weights = {"]
    lines += [f"    {weight:.4f}F,  // {name}" for name, weight in zip(NAMES, weights)]
    lines += ["};", f"constexpr float intercept = {intercept:.4f}F;", ""]
    arguments.out.write_text("\n".join(lines))
    print(arguments.out.read_text(), end="")


if __name__ == "__main__":
    main()
