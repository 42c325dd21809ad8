"""Packing: from arrays and files, goals out of reach, errors, progress, Ctrl-C."""
from __future__ import annotations

import json
import os
import signal
import threading
import unittest

import numpy as np

import attar
from support import DIMS, ROWS, ExpectCode, InFolder, attar_cli, clustered

GOAL = {"budget": "60B/vec", "threads": 2}


class Pack(InFolder):
    def assert_code(self, code: str) -> ExpectCode:
        return ExpectCode(self, code)

    def test_arrays_files_and_the_command_line_give_the_same_bytes(self) -> None:
        base, log = clustered(), clustered(150, seed=3)
        names = [f"ö {i}" for i in range(ROWS)]
        np.save(self.folder / "base.npy", base)
        np.save(self.folder / "log.npy", log)
        (self.folder / "ids.txt").write_text("\n".join(names), encoding="utf-8")
        report = attar.pack(base, self.folder / "arrays.attar", queries=log, ids=names, **GOAL)
        attar.pack(self.folder / "base.npy", str(self.folder / "files.attar"), queries=str(self.folder / "log.npy"), ids=self.folder / "ids.txt", **GOAL)
        told = json.loads(attar_cli("pack", self.folder / "base.npy", "-o", self.folder / "cli.attar", "--queries", self.folder / "log.npy",
                                    "--ids", self.folder / "ids.txt", "--budget", "60B/vec", "--json"))
        whole = (self.folder / "arrays.attar").read_bytes()
        self.assertEqual(whole, (self.folder / "files.attar").read_bytes())
        self.assertEqual(whole, (self.folder / "cli.attar").read_bytes())
        self.assertEqual(report["bytes"], len(whole))
        for key in ("path", "seconds"):
            del report[key], told[key]
        for key in ("prepare_seconds", "search_seconds"):  # by the clock
            self.assertGreater(report["explain"].pop(key), 0)
            self.assertGreater(told["explain"].pop(key), 0)
        self.assertEqual(report, told)
        self.assert_nothing_left()

    def test_layouts_and_types_of_vectors(self) -> None:
        base = np.round(clustered(100) * 4)
        attar.pack(base, self.folder / "a.attar", codec="f32", **GOAL | {"budget": "300B/vec"})
        with attar.open(self.folder / "a.attar") as a:
            expected = a.decode()
        for other in (np.asfortranarray(base), base.astype(">f4"), base.astype(np.float64), base.astype(np.float16), base.astype(np.int8),
                      base[::-1][::-1], base.tolist()):
            attar.pack(other, self.folder / "b.attar", codec="f32", **GOAL | {"budget": "300B/vec"})
            with attar.open(self.folder / "b.attar") as b:
                np.testing.assert_array_equal(b.decode(), expected)
        self.assert_nothing_left()

    def test_plan_writes_nothing(self) -> None:
        report = attar.plan(clustered(), recall=0.9, **GOAL)
        self.assertIsNone(report["path"])
        self.assertLessEqual(report["bytes"], report["budget_bytes"])
        self.assertEqual(sum(report["parts"].values()), report["bytes"])
        self.assertEqual(sum(candidate["chosen"] for candidate in report["candidates"]), 1)
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["scratch"])

    def test_options_reach_the_engine(self) -> None:
        report = attar.pack(clustered(), self.folder / "a.attar", budget=60_000, metric="ip", codec="lvq", index="flat", keep_originals="f16",
                            seed=7, confidence=0.9, memory=100_000_000)
        self.assertEqual((report["budget_bytes"], report["metric"]), (60_000, "ip"))
        self.assertEqual((report["certificates"][0]["seed"], report["certificates"][0]["confidence"]), (7, 0.9))
        with attar.open(self.folder / "a.attar") as a:
            self.assertEqual((a.info["codec"], a.info["originals"]), ("lvq", "f16"))
            rows, _ = a.search(clustered(3), 1, exact=True)  # the originals inside
            self.assertEqual(rows[:, 0].tolist(), (clustered(3) @ clustered().T).argmax(axis=1).tolist())
        (self.folder / "base.jsonl").write_text("\n".join(json.dumps({"v": row}) for row in clustered(50).tolist()))
        self.assertEqual(attar.plan(self.folder / "base.jsonl", field="v", format="jsonl", budget="200B/vec")["rows"], 50)

    def test_attributes_and_conditions(self) -> None:
        rows = self.folder / "rows.jsonl"
        rows.write_text("".join(f'{{"n": {i}, "kind": "k{i % 7}", "note": "x{i}"}}\n' for i in range(ROWS)))
        path = self.folder / "a.attar"
        report = attar.pack(clustered(), path, budget="260B/vec", codec="f16", meta=rows, meta_fields=["n", "kind"], meta_sorted=["n"])
        self.assertIn("attributes", report["parts"])
        self.assertTrue(report["why"])
        with attar.open(path) as artifact:
            queries = clustered(5, seed=9)
            found, _ = artifact.search(queries, 10, where="n >= 100 and kind = 'k3'")
            self.assertTrue(((found >= 100) & (found % 7 == 3)).all())
            self.assertGreater(artifact.search_times.filter, 0)
            among = np.arange(ROWS) % 7 == 3
            np.testing.assert_array_equal(artifact.search(queries, 10, allowed=among)[0], artifact.search(queries, 10, where="kind = 'k3'")[0])
            none, scores = artifact.search(queries, 10, where="n > 9999")
            self.assertTrue((none == -1).all() and np.isnan(scores).all())
            with self.assertRaises(attar.Error) as wrong:
                artifact.search(queries, where="size < 3")
            self.assertEqual(wrong.exception.code, "invalid_argument")
            self.assertIn("kind", str(wrong.exception))

    def test_goals_in_time(self) -> None:
        report = attar.plan(clustered(), budget="200B/vec", latency="10s", qps=1)
        self.assertGreater(report["bytes"], 0)
        with self.assertRaises(attar.GoalUnreachable) as out:
            attar.plan(clustered(), budget="200B/vec", latency="0.001us")
        self.assertGreater(out.exception.seconds_for_goal, 0)
        with self.assertRaises(attar.Error):
            attar.plan(clustered(), latency="soon")

    def test_goal_out_of_reach(self) -> None:
        output = self.folder / "a.attar"
        for call in (lambda **goal: attar.pack(clustered(), output, **goal), lambda **goal: attar.plan(clustered(), **goal)):
            with self.assertRaises(attar.GoalUnreachable) as caught:
                call(budget="20B/vec", recall="0.8@10", queries=clustered(300, seed=3))
            goal = caught.exception
            self.assertEqual(goal.code, "goal_unreachable")
            self.assertIn("0.8@10", str(goal))
            self.assertGreater(goal.least_bytes, 0)
            self.assertGreater(goal.bytes_for_floor, 20 * ROWS)
            self.assertLess(goal.recall_in_budget, 0.8)
            self.assertTrue(goal.candidates and "recall" in goal.candidates[0])
        self.assertFalse(output.exists())
        self.assert_nothing_left()

    def test_wrong_arguments(self) -> None:
        base, out = clustered(), self.folder / "a.attar"
        for wrong in ({"budget": "much"}, {"recall": "1.5"}, {"recall": 2}, {"metric": "hamming"}, {"codec": "zip"}, {"index": "tree"}, {"memory": "1MB"},
                      {"memory": "64B/vec"}, {"memory": -5}, {"confidence": 1.5}, {"seed": -1}, {"seed": 2**64}, {"threads": 2000}, {"keep_originals": "f8"},
                      {"queries": np.zeros((3, DIMS + 1), np.float32)}):
            with self.subTest(wrong), self.assertRaises(attar.Error) as caught:
                attar.pack(base, out, **wrong)
            self.assertIn(caught.exception.code, ("invalid_argument", "invalid_data"), wrong)
        for wrong in ({"seed": 1.5}, {"ids": [1, 2]}, {"queries": ["a"]}, {"codec": None}, {"unknown": 1}):
            with self.subTest(wrong), self.assertRaises(TypeError):
                attar.pack(base, out, **wrong)
        self.assertFalse(out.exists())
        self.assert_nothing_left()

    def test_wrong_data_names_the_argument(self) -> None:
        base, out = clustered(), self.folder / "a.attar"
        bad = base.copy()
        bad[17, 3] = np.nan
        with self.assert_code("invalid_data") as caught:
            attar.pack(bad, out, **GOAL)
        self.assertEqual(caught.error.file, "vectors")
        self.assertIn("17", str(caught.error))
        with self.assert_code("unsupported") as caught:
            attar.pack(base[0], out, **GOAL)
        for ids in (["x"] * ROWS, ["x"], ["a\nb"] + [str(i) for i in range(1, ROWS)], ["a\r"] * ROWS, [""] * ROWS):
            with self.assert_code("invalid_data") as caught:
                attar.pack(base, out, ids=ids, **GOAL)
            self.assertEqual(caught.error.file, "ids")
        with self.assert_code("io"):
            attar.pack(self.folder / "missing.npy", out, **GOAL)
        with self.assert_code("io"):
            attar.pack(base, self.folder / "missing" / "a.attar", **GOAL)
        with self.assert_code("invalid_argument"):
            attar.pack(base, self.folder, **GOAL)
        self.assert_nothing_left()

    def test_an_input_is_not_overwritten(self) -> None:
        path = self.folder / "base.npy"
        np.save(path, clustered())
        before = path.read_bytes()
        for call in (lambda: attar.pack(path, path, **GOAL), lambda: attar.pack(clustered(), path, queries=str(path), **GOAL)):
            with self.assert_code("invalid_argument"):
                call()
        self.assertEqual(path.read_bytes(), before)

    def test_progress(self) -> None:
        told: list[tuple[str, int, int]] = []
        threads: set[int] = set()

        def listen(stage: str, done: int, total: int) -> None:
            told.append((stage, done, total))
            threads.add(threading.get_ident())

        attar.pack(clustered(3000), self.folder / "a.attar", progress=listen, **GOAL)
        self.assertIn("writing", [stage for stage, _, _ in told])
        self.assertTrue(all(done <= total for _, done, total in told if total))
        self.assertEqual(threads, {threading.get_ident()})
        with attar.open(self.folder / "a.attar") as a:
            told.clear()
            a.verify(progress=listen)
            self.assertTrue(told)

    def test_what_progress_raises_stops_the_work(self) -> None:
        def refuse(*_: object) -> None:
            raise LookupError("enough")

        with self.assertRaisesRegex(LookupError, "enough"):
            attar.pack(clustered(3000), self.folder / "a.attar", progress=refuse, **GOAL)
        with self.assertRaises(TypeError):
            attar.pack(clustered(3000), self.folder / "a.attar", progress=3, **GOAL)
        self.assertFalse((self.folder / "a.attar").exists())
        self.assert_nothing_left()

    def test_ctrl_c_is_heard(self) -> None:
        base = clustered(40_000, 128)
        (self.folder / "a.attar").write_text("as it was")
        timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        try:
            with self.assertRaises(KeyboardInterrupt):
                attar.pack(base, self.folder / "a.attar", threads=1, recall="0.95@10")
        finally:
            timer.cancel()
        self.assertEqual((self.folder / "a.attar").read_text(), "as it was")
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["a.attar", "scratch"])
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
