"""Documents: packing folders and records, questions in words, embedding, evaluation."""
from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
import unittest
from pathlib import Path

import numpy as np

import attar
from support import ExpectCode, InFolder, WithArtifact, attar_cli

RECORDS = [{"id": "a", "title": "Lamp", "text": "A red lamp for the desk.", "price": 12, "tags": ["light"]},
           {"id": "b", "title": "Chair", "text": "A blue chair for the garden.", "price": 80, "tags": []},
           {"id": "c", "title": "Table", "text": "A red table for the kitchen – größer als der Stuhl.", "price": 150}]
BUDGET = {"budget": "60kB"}


def write_notes(folder: Path) -> Path:
    (folder / "notes" / "ops").mkdir(parents=True)
    (folder / "notes" / "ops" / "keys.md").write_text("# Keys\n\nTo rotate the keys, run the script\non the bastion host.\n")
    (folder / "notes" / "bread.txt").write_text("Knead flour, water and salt.\nBake the dough.\n")
    (folder / "notes" / "broken.bin").write_bytes(b"\0\1\2\3")
    return folder / "notes"


class PackDocuments(InFolder):
    def assert_code(self, code: str) -> ExpectCode:
        return ExpectCode(self, code)

    def test_the_command_line_gives_the_same_bytes(self) -> None:
        notes = write_notes(self.folder)
        report = attar.pack_documents(notes, self.folder / "a.attar", chunk_tokens=32, threads=2, **BUDGET)
        told = json.loads(attar_cli("pack", notes, "-o", self.folder / "b.attar", "--chunk-tokens", 32, "--budget", "60kB", "--json"))
        self.assertEqual((self.folder / "a.attar").read_bytes(), (self.folder / "b.attar").read_bytes())
        self.assertEqual((report["documents"]["count"], len(report["documents"]["skipped"])), (2, 1))
        self.assertEqual(report["documents"]["skipped"][0]["path"], "broken.bin")
        for each in (report, told):
            del each["path"], each["seconds"], each["documents"]["seconds"]
        self.assertEqual(report, told)

    def test_records_from_memory_are_those_of_a_file(self) -> None:
        (self.folder / "documents.jsonl").write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
        log = ["a red lamp", "blue chairs"]
        (self.folder / "log.txt").write_text("\n".join(log))
        attar.pack_documents(iter(RECORDS), self.folder / "a.attar", queries=log, text_fields=["title", "text"], meta_fields=["price"], **BUDGET)
        attar.pack_documents(str(self.folder / "documents.jsonl"), self.folder / "b.attar", queries=self.folder / "log.txt", text_fields=["title", "text"],
                             meta_fields=["price"], **BUDGET)
        self.assertEqual((self.folder / "a.attar").read_bytes(), (self.folder / "b.attar").read_bytes())
        with attar.open(self.folder / "a.attar") as a:
            self.assertEqual([answer["id"] for answer in a.ask("something red", where="price > 100")], ["c"])
        self.assert_nothing_left()

    def test_vectors_of_ones_own_and_of_the_last_time(self) -> None:
        vectors = np.eye(3, 8, dtype=np.float32)
        attar.pack_documents(RECORDS, self.folder / "a.attar", vectors=vectors, **BUDGET)
        with attar.open(self.folder / "a.attar") as a:
            self.assertEqual(a.ask("x", mode="semantic", vectors=vectors[1])[0]["id"], "b")
            with self.assert_code("invalid_argument"):
                a.ask("a lamp")
        with self.assert_code("invalid_data"):
            attar.pack_documents(RECORDS, self.folder / "b.attar", vectors=vectors[:2], **BUDGET)
        kept = self.folder / "kept.vectors"
        for expected in ((3, 0), (0, 3)):
            report = attar.pack_documents(RECORDS, self.folder / "b.attar", reuse=kept, **BUDGET)
            self.assertEqual((report["documents"]["encoded"], report["documents"]["reused"]), expected)
        with self.assert_code("invalid_argument"):
            attar.pack_documents(RECORDS, self.folder / "b.attar", reuse=self.folder / "a.attar", **BUDGET)
        self.assert_nothing_left()

    def test_a_plan_writes_nothing(self) -> None:
        report = attar.pack_documents(RECORDS, None, **BUDGET)
        self.assertIsNone(report["path"])
        self.assertLessEqual(report["bytes"], 60_000)
        self.assertEqual(report["documents"]["count"], 3)
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["scratch"])

    def test_wrong_arguments(self) -> None:
        out = self.folder / "a.attar"
        with self.assertRaises(attar.GoalUnreachable) as caught:
            attar.pack_documents(RECORDS, out, budget="2kB")
        self.assertGreater(caught.exception.least_bytes, 2000)
        for wrong in ({"language": "klingon"}, {"chunk_tokens": 0}, {"budget": "much"}, {"seed": -1}):
            with self.subTest(wrong), self.assert_code("invalid_argument"):
                attar.pack_documents(RECORDS, out, **wrong)
        for wrong in ({"documents": ["a text"]}, {"documents": 3}, {"queries": [1]}, {"language": None}, {"text_fields": [1]}):
            with self.subTest(wrong), self.assertRaises(TypeError):
                attar.pack_documents(**{"documents": RECORDS, "output": out} | wrong)
        with self.assert_code("io"):
            attar.pack_documents(self.folder / "missing", out)
        with self.assert_code("io"):
            attar.pack_documents(RECORDS, out, encoder=self.folder)
        with self.assert_code("invalid_data"):
            attar.pack_documents([], out)
        records = self.folder / "records.jsonl"
        records.write_text(json.dumps(RECORDS[0]))
        with self.assert_code("invalid_argument"):
            attar.pack_documents(records, records)
        self.assertFalse(out.exists())
        self.assert_nothing_left()

    def test_progress_and_what_it_raises(self) -> None:
        told: list[str] = []
        attar.pack_documents(RECORDS, self.folder / "a.attar", progress=lambda stage, done, total: told.append(stage), **BUDGET)
        self.assertTrue(told)

        def refuse(*_: object) -> None:
            raise LookupError("enough")

        many = [{"id": str(i), "text": f"Text number {i} of a keeper who counts {i % 7} ships."} for i in range(20_000)]
        with self.assertRaisesRegex(LookupError, "enough"):
            attar.pack_documents(many, self.folder / "b.attar", progress=refuse)
        timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        try:
            with self.assertRaises(KeyboardInterrupt):
                attar.pack_documents(many * 5, self.folder / "b.attar", threads=1, recall="0.95@10")
        finally:
            timer.cancel()
        self.assertFalse((self.folder / "b.attar").exists())
        self.assert_nothing_left()


def make_model(folder: Path) -> None:
    """A small BERT with random weights, as sentence-transformers lays out its files."""
    width, wide, rng, tensors = 32, 48, np.random.default_rng(5), {}
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "cat", ",", *(mark + letter for mark in ("", "##") for letter in "abcdefghijklmnopqrstuvwxyz")]

    def linear(name: str, outputs: int, inputs: int) -> None:
        tensors[f"{name}.weight"] = rng.standard_normal((outputs, inputs)) / np.sqrt(inputs)
        tensors[f"{name}.bias"] = rng.standard_normal(outputs) / 10

    def norm(name: str) -> None:
        tensors[f"{name}.LayerNorm.weight"], tensors[f"{name}.LayerNorm.bias"] = np.ones(width), np.zeros(width)

    for name, count in (("word", len(words)), ("position", 16), ("token_type", 2)):
        tensors[f"embeddings.{name}_embeddings.weight"] = rng.standard_normal((count, width))
    norm("embeddings")
    for part in ("query", "key", "value"):
        linear(f"encoder.layer.0.attention.self.{part}", width, width)
    linear("encoder.layer.0.attention.output.dense", width, width)
    norm("encoder.layer.0.attention.output")
    linear("encoder.layer.0.intermediate.dense", wide, width)
    linear("encoder.layer.0.output.dense", width, wide)
    norm("encoder.layer.0.output")
    header, data = {}, b""
    for name, values in tensors.items():
        raw = values.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": width, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": wide,
                                                    "max_position_embeddings": 16, "type_vocab_size": 2, "vocab_size": len(words)}))


class Embed(InFolder):
    def test_texts_become_unit_vectors(self) -> None:
        texts = ["one text", "größer\nauf zwei Zeilen", "one text"]
        vectors = attar.embed(texts)
        self.assertEqual((vectors.dtype, vectors.shape[0], vectors.ndim), (np.float32, 3, 2))
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
        np.testing.assert_array_equal(vectors[0], vectors[2])
        self.assertLess(float(vectors[0] @ vectors[1]), 0.99)
        (self.folder / "texts.txt").write_text("one text\nanother one\n")
        np.testing.assert_array_equal(attar.embed(self.folder / "texts.txt")[0], vectors[0])
        attar_cli("embed", self.folder / "texts.txt", "-o", self.folder / "texts.npy")
        np.testing.assert_array_equal(attar.embed(self.folder / "texts.txt"), np.load(self.folder / "texts.npy"))
        for wrong in ([" "], []):
            with ExpectCode(self, "invalid_data") as caught:
                attar.embed(wrong)
            self.assertEqual(caught.error.file, "texts")
        with self.assertRaises(TypeError):
            attar.embed([3])
        with ExpectCode(self, "invalid_argument"):
            attar.embed(texts, precision="int4")  # no model is named
        self.assert_nothing_left()

    def test_models_run_from_artifacts_and_tell_their_sensitivity(self) -> None:
        make_model(self.folder / "model")
        attar.pack_tensors(self.folder / "model", self.folder / "model-of-texts.attar")
        texts = ["the cat", "a cat, a cat", "zebra"]
        for precision in ("f32", "int8", "int4"):
            vectors = attar.embed(texts, encoder=self.folder / "model", precision=precision)
            self.assertEqual(vectors.shape, (3, 32))
            np.testing.assert_array_equal(vectors, attar.embed(texts, encoder=self.folder / "model-of-texts.attar", precision=precision))
        found = attar.measure_sensitivity(self.folder / "model", texts, threads=1)
        self.assertEqual((found["texts"], found["noise"], found["seed"]), (3, 0.01, 1))
        self.assertIn("encoder.layer.0.intermediate.dense.weight", found["tensors"])
        self.assertTrue(all(alpha > 0 for alpha in found["tensors"].values()))
        self.assertEqual(found["tensors"], attar.measure_sensitivity(self.folder / "model-of-texts.attar", texts, threads=2)["tensors"])
        with ExpectCode(self, "invalid_argument"):
            attar.measure_sensitivity(self.folder / "model", texts, noise=0)
        self.assert_nothing_left()


class Ask(unittest.TestCase):
    assert_code = WithArtifact.assert_code

    @classmethod
    def setUpClass(cls) -> None:
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.folder = Path(holder.name)
        cls.path = cls.folder / "docs.attar"
        attar.pack_documents(RECORDS + [{"id": "d", "title": "Lamp", "text": "A red lamp for the desk!", "price": 13}], cls.path, **BUDGET)

    def setUp(self) -> None:
        self.artifact = attar.open(self.path)
        self.addCleanup(self.artifact.close)

    def test_answers_as_the_command_line_does(self) -> None:
        for options, flags in (({}, ["--hybrid"]), ({"mode": "semantic", "k": 2}, ["--semantic", "-k", 2]), ({"mode": "lexical"}, ["--lexical"]),
                               ({"diverse": True, "read": 8}, ["--diverse", "--read", 8]), ({"fold": True}, ["--fold"]),
                               ({"min_relevance": "auto", "each_row": True}, ["--min-relevance", "auto", "--rows"]),
                               ({"where": "price < 100"}, ["--where", "price < 100"])):
            with self.subTest(options):
                told = json.loads(attar_cli("search", self.path, "a red lamp", "--json", *flags))
                answers = self.artifact.ask("a red lamp", **options)
                self.assertTrue(answers)
                self.assertEqual([list(answer) for answer in answers], [list(hit) for hit in told["hits"]])
                for answer, hit in zip(answers, told["hits"]):
                    answer["marks"] = [list(mark) for mark in answer["marks"]]
                    for key in hit:
                        if isinstance(hit[key], float):
                            self.assertAlmostEqual(answer[key], hit[key], 5)
                        else:
                            self.assertEqual(answer[key], hit[key], key)

    def test_one_question_and_many(self) -> None:
        one = self.artifact.ask("blue chair")
        self.assertEqual((one[0]["id"], one[0]["title"], one[0]["record"], one[0]["line"]), ("b", "Chair", 2, None))
        both = self.artifact.ask(("blue chair", "a lamp"), threads=2)
        self.assertEqual((both[0], len(both)), (one, 2))
        self.assertEqual((self.artifact.ask([]), self.artifact.ask("volcano", mode="lexical")), ([], []))
        many = self.artifact.ask(["blue chair"] * 600, 1)  # more than a piece of 256
        self.assertEqual(many, [one[:1]] * 600)

    def test_marks_count_characters(self) -> None:
        answer = self.artifact.ask("Stuhl", mode="lexical")[0]
        self.assertEqual([answer["snippet"][begin:end] for begin, end in answer["marks"]], ["Stuhl"])
        self.assertEqual(self.artifact.ask("Stuhl", mode="lexical", snippet_bytes=0)[0]["snippet"], "")

    def test_phrases_sets_and_expansions(self) -> None:
        ids = [answer["id"] for answer in self.artifact.ask('"red table"')]
        self.assertEqual(ids, ["c"])
        folded = self.artifact.ask("a red lamp for the desk", fold=True)
        self.assertEqual((folded[0]["title"], folded[0]["folded"]), ("Lamp", 1))
        self.assertEqual(self.artifact.ask("a red lamp", min_relevance=1.0), [])
        found = self.artifact.ask("volcano", mode="lexical", expansions="a blue chair")
        self.assertEqual(found[0]["id"], "b")
        texts = [""] * 299 + ["a blue chair"]
        several = self.artifact.ask(["volcano"] * 300, mode="lexical", expansions=texts)
        self.assertEqual(several, [[]] * 299 + [found])

    def test_fusion_and_vectors_of_questions(self) -> None:
        plain = self.artifact.ask("a red lamp")
        self.assertEqual(plain[0]["title"], self.artifact.ask("a red lamp", ranks=True)[0]["title"])
        self.assertNotEqual(plain[0]["score"], self.artifact.ask("a red lamp", meaning=1)[0]["score"])
        questions = ["a red lamp", "blue chair"] * 150
        vectors = attar.embed(questions)
        given = self.artifact.ask(questions, 1, mode="semantic", vectors=vectors)
        self.assertEqual([[a["row"] for a in own] for own in given], [[a["row"] for a in own] for own in self.artifact.ask(questions, 1, mode="semantic")])
        self.assertEqual(self.artifact.ask("a red lamp", 1, mode="semantic", vectors=vectors[0].tolist()), given[0])
        for wrong in (vectors, vectors[:1, :-1]):
            with self.assert_code("invalid_argument"):
                self.artifact.ask("a red lamp", vectors=wrong)

    def test_wrong_arguments(self) -> None:
        for wrong in ({"k": 0}, {"meaning": 2}, {"mode": "both"}, {"where": "colour = 1"}, {"min_relevance": 2}, {"mode": "lexical", "diverse": True}, {"threads": -1},
                      {"read": -1}):
            with self.subTest(wrong), self.assert_code("invalid_argument"):
                self.artifact.ask("x", **wrong)
        with self.assert_code("invalid_argument"):
            self.artifact.ask(["x", "y"], expansions=["z"])
        with self.assert_code("io"):
            self.artifact.ask("x", encoder=self.folder)
        for wrong in ({"questions": [1]}, {"questions": None}, {"questions": ["x"], "expansions": "y"}, {"questions": "x", "where": 3}):
            with self.subTest(wrong), self.assertRaises(TypeError):
                self.artifact.ask(**wrong)

    def test_closed_and_vectors(self) -> None:
        self.assertTrue(self.artifact.holds_texts)
        self.artifact.ask("a lamp")
        self.artifact.close()
        with self.assert_code("invalid_argument"):
            self.artifact.ask("a lamp")
        path = self.folder / "vectors.attar"
        attar.pack(np.random.default_rng(1).standard_normal((300, 16)).astype(np.float32), path, budget="100B/vec")
        with attar.open(path) as vectors:
            self.assertFalse(vectors.holds_texts)
            with self.assert_code("invalid_argument"):
                vectors.ask("a lamp")

    def test_threads_share_an_artifact(self) -> None:
        expected = self.artifact.ask("a red lamp")
        found: list[list[dict]] = []
        threads = [threading.Thread(target=lambda: found.extend(self.artifact.ask("a red lamp") for _ in range(20))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, [expected] * 80)

    def test_evaluates(self) -> None:
        queries, qrels = {"q1": "blue chair", 2: "a red table", "q3": "anything"}, {"q1": {"b": 2}, "2": {"c": 1, "elsewhere": 1}}
        told = self.artifact.evaluate_documents(queries, qrels, ks=[1, 10], run=self.folder / "out.trec", tag="mine")
        (self.folder / "queries.jsonl").write_text("".join(json.dumps({"_id": str(id), "text": text}) + "\n" for id, text in queries.items()))
        (self.folder / "qrels.txt").write_text("q1 0 b 2\n2 0 c 1\n2 0 elsewhere 1\n")
        expected = json.loads(attar_cli("eval", self.path, "--queries", self.folder / "queries.jsonl", "--qrels", self.folder / "qrels.txt", "-k", "1,10", "--json"))
        self.assertEqual((told["questions"], told["judged"]), (3, 2))
        self.assertEqual(told["relevance"]["recall@10"]["mean"], 0.75)
        for key in ("relevance", "legs"):
            self.assertEqual(told[key], expected[key])
        self.assertTrue((self.folder / "out.trec").read_text().startswith("q1 Q0 b 1 "))
        many = {i: text for i, text in enumerate(["blue chair", "a red table"] * 12)}
        tuned = self.artifact.evaluate_documents(many, {i: {"bc"[i % 2]: 1} for i in many}, tune=True, threads=2)["tuned"]
        self.assertTrue(0 <= tuned["meaning"] <= 1 and tuned["gain"]["low"] <= tuned["gain"]["mean"] <= tuned["gain"]["high"])
        self.assertIsNone(told["tuned"])
        with self.assert_code("invalid_argument"):
            self.artifact.evaluate_documents(queries, qrels, tune=True)
        alone = self.artifact.evaluate_documents(["blue chair"], {1: {"b": 1}}, mode="lexical")
        self.assertEqual((alone["legs"], alone["relevance"]["mrr"]["mean"]), (None, 1))
        with self.assert_code("invalid_data") as caught:
            self.artifact.evaluate_documents(["blue chair"], {"q9": {"b": 1}})
        self.assertEqual(caught.error.file, "qrels")
        with self.assert_code("invalid_argument"):
            self.artifact.evaluate_documents(queries, qrels, run=self.path)
        with self.assert_code("invalid_argument"):
            self.artifact.evaluate_documents(queries, qrels, ks=[0])
        with self.assertRaises(TypeError):
            self.artifact.evaluate_documents(queries, {"q1": {"b": 0.5}})

        def refuse(*_: object) -> None:
            raise LookupError("enough")

        with self.assertRaisesRegex(LookupError, "enough"):
            self.artifact.evaluate_documents(["blue chair"] * 20_000, {1: {"b": 1}}, progress=refuse)


if __name__ == "__main__":
    unittest.main()
