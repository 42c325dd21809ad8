"""Searching: shapes, types, filters, errors, threads."""
from __future__ import annotations

import json
import tempfile
import threading
import time
import unittest

import numpy as np

import attar
from support import DIMS, ROWS, WithArtifact, attar_cli, clustered, nearest


class Search(WithArtifact):
    def test_finds_the_nearest_rows(self) -> None:
        rows, scores = self.artifact.search(self.queries, 10)
        self.assertEqual((rows.shape, rows.dtype, scores.shape, scores.dtype), ((40, 10), np.int64, (40, 10), np.float32))
        truth = nearest(self.base, self.queries, 10)
        self.assertGreater(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(rows.tolist(), truth.tolist())]), 0.98)
        self.assertTrue((np.diff(scores, axis=1) <= 0).all())

    def test_answers_as_the_command_line_does(self) -> None:
        np.save(self.folder / "q.npy", self.queries)
        lines = attar_cli("search", self.path, "--vector", self.folder / "q.npy", "-k", 5, "--json").splitlines()
        told = [json.loads(line)["hits"] for line in lines]
        rows, scores = self.artifact.search(self.queries, 5)
        self.assertEqual(rows.tolist(), [[hit["row"] for hit in hits] for hits in told])
        np.testing.assert_array_equal(scores, np.array([[hit["score"] for hit in hits] for hits in told], np.float32))
        self.assertEqual(self.artifact.ids(rows), [[hit["id"] for hit in hits] for hits in told])

    def test_one_query_without_its_axis(self) -> None:
        rows, scores = self.artifact.search(self.queries[3])
        self.assertEqual((rows.shape, scores.shape), ((10,), (10,)))
        np.testing.assert_array_equal(rows, self.artifact.search(self.queries[3:4])[0][0])

    def test_no_queries(self) -> None:
        rows, scores = self.artifact.search(np.empty((0, DIMS), np.float32), 4)
        self.assertEqual((rows.shape, scores.shape), ((0, 4), (0, 4)))

    def test_any_layout_and_type_of_queries(self) -> None:
        q = np.round(self.queries * 8) / 8  # the same number in all types
        expected = self.artifact.search(q)[0]
        wide = np.empty((40, 2 * DIMS), np.float32)
        wide[:, ::2] = q
        for other in (q.astype(np.float16), q.astype(np.float64), q.astype(">f4"), np.asfortranarray(q), wide[:, ::2], q[::-1][::-1], q.tolist()):
            np.testing.assert_array_equal(self.artifact.search(other)[0], expected)
        read_only = q.copy()
        read_only.flags.writeable = False
        np.testing.assert_array_equal(self.artifact.search(read_only)[0], expected)
        whole_numbers = np.round(q * 4).astype(np.int8)
        np.testing.assert_array_equal(self.artifact.search(whole_numbers)[0], self.artifact.search(whole_numbers.astype(np.float32))[0])

    def test_more_rows_than_there_are(self) -> None:
        rows, scores = self.artifact.search(self.queries, ROWS + 3)
        self.assertTrue((rows[:, ROWS:] == -1).all() and np.isnan(scores[:, ROWS:]).all())
        np.testing.assert_array_equal(np.sort(rows[0, :ROWS]), np.arange(ROWS))

    def test_threads_and_pieces_do_not_change_answers(self) -> None:
        many = np.tile(self.queries, (60, 1))  # 2,400: more than a piece of 1,024
        rows, scores = self.artifact.search(many, 3, threads=2)
        once, its_scores = self.artifact.search(self.queries, 3)
        np.testing.assert_array_equal(rows, np.tile(once, (60, 1)))
        np.testing.assert_array_equal(scores, np.tile(its_scores, (60, 1)))
        own = np.tile(once[:, 0], 60)
        skipping = self.artifact.search(many, 2, skip=own)[0]
        np.testing.assert_array_equal(skipping, np.tile(once[:, 1:], (60, 1)))

    def test_allowed(self) -> None:
        mask = np.zeros(ROWS, bool)
        mask[[3, 64, 65, ROWS - 1]] = True
        words = np.zeros((ROWS + 63) // 64, np.uint64)
        for row in np.flatnonzero(mask):
            words[row // 64] |= np.uint64(1) << np.uint64(row % 64)
        rows, scores = self.artifact.search(self.queries, 6, allowed=mask)
        self.assertTrue((np.sort(rows[:, :4]) == [3, 64, 65, ROWS - 1]).all())
        self.assertTrue((rows[:, 4:] == -1).all() and np.isnan(scores[:, 4:]).all())
        np.testing.assert_array_equal(self.artifact.search(self.queries, 6, allowed=words)[0], rows)
        self.assertTrue((self.artifact.search(self.queries, 2, allowed=np.zeros(ROWS, bool))[0] == -1).all())
        for wrong in (mask[:-1], mask.astype(np.int64), words[:-1], words[:0], [1, 2, 3], mask.reshape(1, -1)):
            with self.assert_code("invalid_argument"):
                self.artifact.search(self.queries, allowed=wrong)

    def test_skip(self) -> None:
        rows, _ = self.artifact.search(self.base[:5], 1)
        self.assertEqual(rows[:, 0].tolist(), [0, 1, 2, 3, 4])
        without, _ = self.artifact.search(self.base[:5], 1, skip=[0, -1, 2, -1, 4])
        self.assertEqual((without[:, 0] == [0, 1, 2, 3, 4]).tolist(), [False, True, False, True, False])
        self.assertNotEqual(self.artifact.search(self.base[7], 1, skip=7)[0][0], 7)
        for wrong in ([0], [0.0] * 5, [-2] * 5, [2**32] * 5, np.zeros((5, 1), int)):
            with self.assert_code("invalid_argument"):
                self.artifact.search(self.base[:5], skip=wrong)

    def test_exact(self) -> None:
        truth = nearest(self.base, self.queries, 10)
        np.save(self.folder / "originals.npy", self.base)
        for base in (self.base, self.folder / "originals.npy"):
            np.testing.assert_array_equal(self.artifact.search(self.queries, exact=True, base=base)[0], truth)
        with self.assert_code("invalid_argument"):
            self.artifact.search(self.queries, exact=True)  # none were kept
        with self.assert_code("invalid_argument"):
            self.artifact.search(self.queries, base=self.base)
        with self.assert_code("invalid_data") as wrong:
            self.artifact.search(self.queries, exact=True, base=np.full_like(self.base, np.nan))
        self.assertIn("row 0 of base ", str(wrong.error))

    def test_times(self) -> None:
        self.artifact.search(self.queries)
        times = self.artifact.search_times
        self.assertTrue(times.verify >= 0 and times.prepare >= 0 and times.scan > 0)

    def test_wrong_arguments(self) -> None:
        for wrong in (np.zeros((2, DIMS + 1), np.float32), np.zeros((1, 2, DIMS), np.float32), np.zeros(3, np.float32), np.float32(1), np.zeros((DIMS, 0))):
            with self.assert_code("invalid_argument"):
                self.artifact.search(wrong)
        for k in (0, -1, 2**20 + 1, 2**40):
            with self.assert_code("invalid_argument"):
                self.artifact.search(self.queries, k)
        with self.assert_code("invalid_argument"):
            self.artifact.search(self.queries, threads=-1)
        for value in (np.nan, np.inf):
            with self.assert_code("invalid_data"):
                self.artifact.search(np.full((1, DIMS), value, np.float32))
        for wrong in (["a"] * DIMS, np.zeros((1, DIMS), complex), np.zeros((1, DIMS), bool), None, [object()] * DIMS):
            with self.assertRaises(TypeError):
                self.artifact.search(wrong)
        with self.assertRaises(TypeError):
            self.artifact.search(self.queries, 2.5)

    def test_other_threads_run_meanwhile(self) -> None:
        many = np.tile(clustered(2000, seed=4), (20, 1))
        ticks, done = [], threading.Event()

        def tick() -> None:
            while not done.is_set():
                ticks.append(time.perf_counter())
                time.sleep(0.001)

        thread = threading.Thread(target=tick)
        thread.start()
        start = time.perf_counter()
        self.artifact.search(many[:1000], 100, whole=True)
        self.artifact.search(many, 100)
        end = time.perf_counter()
        done.set()
        thread.join()
        inside = sum(start < at < end for at in ticks)
        self.assertGreater(inside, 20 * (end - start), f"{inside} ticks in {end - start:.3f} s")

    def test_threads_share_an_artifact(self) -> None:
        expected = self.artifact.search(self.queries)[0]
        found: list[np.ndarray] = []
        threads = [threading.Thread(target=lambda: found.extend(self.artifact.search(self.queries)[0] for _ in range(50))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(found), 200)
        self.assertTrue(all((rows == expected).all() for rows in found))

    def test_closing_waits_for_nobody_and_breaks_nobody(self) -> None:
        many = np.tile(self.queries, (500, 1))
        artifact = attar.open(self.path)
        results: list[np.ndarray] = []
        thread = threading.Thread(target=lambda: results.append(artifact.search(many)[0]))
        thread.start()
        time.sleep(0.005)
        artifact.close()
        thread.join()
        if results:
            np.testing.assert_array_equal(results[0], self.artifact.search(many)[0])


class Metrics(unittest.TestCase):
    def test_l2_is_squared_distance(self) -> None:
        base = clustered(200)
        with tempfile.TemporaryDirectory() as folder:
            attar.pack(base, f"{folder}/l2.attar", budget="200B/vec", metric="l2", codec="f32")
            with attar.open(f"{folder}/l2.attar") as artifact:
                self.assertEqual(artifact.metric, "l2")
                rows, scores = artifact.search(base[:4], 3)
                self.assertEqual(rows[:, 0].tolist(), [0, 1, 2, 3])
                exact = ((base[rows] - base[:4, None]) ** 2).sum(axis=2)
                np.testing.assert_allclose(scores, exact, atol=1e-3)


if __name__ == "__main__":
    unittest.main()
