"""Opening, describing, decoding and checking; the package itself."""
from __future__ import annotations

import ast
import inspect
import json
import pickle
import runpy
import tempfile
import unittest
from pathlib import Path

import numpy as np

import attar
from support import DIMS, ROWS, SOURCE, WithArtifact, attar_cli, clustered


class Artifact(WithArtifact):
    def test_says_what_it_is(self) -> None:
        a = self.artifact
        self.assertEqual((a.rows, a.dims, a.metric, len(a)), (ROWS, DIMS, "cosine", ROWS))
        self.assertIn("500 rows x 24, cosine", repr(a))
        self.assertEqual(a.info, json.loads(attar_cli("info", self.path, "--json")))
        self.assertEqual(a.certificates, a.info["certificates"])
        self.assertEqual(len(a.certificates), 1)

    def test_ids(self) -> None:
        a = self.artifact
        self.assertEqual(a.ids([0, 7]), ["row-000", "row-007"])
        self.assertEqual(a.ids(np.array([[1], [-1]], np.int32)), [["row-001"], [None]])
        self.assertEqual(a.ids(5), "row-005")
        self.assertEqual((a.ids([]), a.ids(np.empty((0, 3), np.int64))), ([], []))
        self.assertEqual((a.row_of("row-123"), a.row_of("nobody")), (123, None))
        for beyond in (ROWS, -2, 2**32, 2**40):
            with self.assert_code("invalid_argument"):
                a.ids([beyond])
        with self.assertRaises(TypeError):
            a.ids([0.5])

    def test_decodes_what_the_command_line_unpacks(self) -> None:
        attar_cli("unpack", self.path, "-o", self.folder / "unpacked.npy", "-q")
        unpacked = np.load(self.folder / "unpacked.npy")
        whole = self.artifact.decode()
        self.assertEqual((whole.shape, whole.dtype), ((ROWS, DIMS), np.float32))
        np.testing.assert_array_equal(whole, unpacked)
        np.testing.assert_array_equal(self.artifact.decode(33, 5), unpacked[33:38])
        np.testing.assert_array_equal(self.artifact.decode(ROWS - 2), unpacked[-2:])
        self.assertEqual(self.artifact.decode(ROWS).shape, (0, DIMS))
        for first, count in ((-1, 1), (ROWS + 1, 0), (ROWS, 1), (0, ROWS + 1), (0, -1)):
            with self.assert_code("invalid_argument"):
                self.artifact.decode(first, count)

    def test_evaluates(self) -> None:
        told = self.artifact.evaluate(self.queries, base=self.base, ks=[1, 10], worst=2)
        np.save(self.folder / "q.npy", self.queries)
        np.save(self.folder / "b.npy", self.base)
        expected = json.loads(attar_cli("eval", self.path, "--queries", self.folder / "q.npy", "--base", self.folder / "b.npy", "-k", "1,10", "--json"))
        self.assertEqual(told["recall"], {int(k): v for k, v in expected["recall"].items()})
        self.assertEqual((told["queries"], len(told["worst"]), told["relevance"]), (40, 2, {}))
        with self.assert_code("invalid_argument"):
            self.artifact.evaluate(self.queries)
        with self.assert_code("invalid_argument"):
            self.artifact.evaluate(self.queries, base=self.base, ks=[0])

    def test_closed(self) -> None:
        with attar.open(self.path) as a:
            pass
        a.close()
        self.assertEqual((a.rows, a.dims), (ROWS, DIMS))
        self.assertIn("closed", repr(a))
        for call in (lambda: a.search(self.queries), lambda: a.info, lambda: a.ids([0]), lambda: a.decode(), a.verify):
            with self.assert_code("invalid_argument") as closed:
                call()
            self.assertEqual(closed.error.file, str(self.path))

    def test_a_private_copy_and_paths_of_every_kind(self) -> None:
        expected = self.artifact.search(self.queries)[0]
        for path in (self.path, str(self.path)):
            with attar.open(path, mmap=False) as a:
                np.testing.assert_array_equal(a.search(self.queries)[0], expected)
        odd = self.folder / "n\udcff ö.attar"  # a name that is not UTF-8
        odd.write_bytes(self.path.read_bytes())
        with attar.open(odd) as a:
            self.assertEqual(a.info["path"], str(odd))

    def test_files_that_are_none(self) -> None:
        with self.assert_code("io") as missing:
            attar.open(self.folder / "missing.attar")
        self.assertIn("missing.attar", str(missing.error))
        whole = self.path.read_bytes()
        broken = self.folder / "broken.attar"
        broken.write_bytes(b"no artifact at all, but long enough for a header " * 9)
        with self.assertRaises(attar.Error):
            attar.open(broken)
        broken.write_bytes(whole[: len(whole) // 2])
        with self.assert_code("truncated"):
            attar.open(broken)
        with self.assertRaises(TypeError):
            attar.open(3)

    def test_corruption_is_found_when_bytes_are_used(self) -> None:
        self.artifact.verify()
        whole = bytearray(self.path.read_bytes())
        for at in range(len(whole) // 2, len(whole) // 2 + 4):  # the codes are most of the file
            whole[at] ^= 0x55
        broken = self.folder / "flipped.attar"
        broken.write_bytes(whole)
        with attar.open(broken) as a:
            with self.assert_code("corrupt") as found:
                a.search(self.queries)
            self.assertTrue(found.error.section)
            self.assertIn(f"section '{found.error.section}'", str(found.error))
            with self.assert_code("corrupt"):
                a.verify()
            with self.assert_code("corrupt"):
                a.decode()


class Dropped(unittest.TestCase):
    def test_rows_are_dropped_by_all_that_names_them(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            ids = [f"row-{i:03}" for i in range(ROWS)]
            attar.pack(clustered(), folder / "all.attar", budget="200B/vec", index="graph", ids=ids)
            with attar.open(folder / "all.attar") as a:
                report = a.drop(folder / "left.attar", ids=["row-001", "row-003"], rows=[0])
                self.assertEqual((report["rows"], report["dropped"], report["rebuilt"]), (ROWS - 3, 3, False))
                for wrong in ({"ids": ["nobody"]}, {"rows": [ROWS]}, {}):
                    with self.assertRaises(attar.Error) as found:
                        a.drop(folder / "x.attar", **wrong)
                    self.assertEqual(found.exception.code, "invalid_argument")
                with self.assertRaises(attar.Error):
                    a.drop(folder / "x.attar", where="n = 1")
            with attar.open(folder / "left.attar") as left:
                left.verify()
                self.assertEqual(left.ids([0, 1, 2]), ["row-002", "row-004", "row-005"])
                self.assertEqual(left.certificates, [])
                self.assertEqual(set(report), set(json.loads(attar_cli("drop", folder / "all.attar", "-o", folder / "b.attar", "--id", "row-009", "--json"))))


class Package(unittest.TestCase):
    def test_versions(self) -> None:
        self.assertIn(attar.__version__, attar.build)
        doctor = json.loads(attar_cli("doctor", "--json"))
        self.assertEqual(attar.__version__, doctor["version"])
        self.assertTrue(attar.build.endswith(doctor["level"]), attar.build)

    def test_errors_travel(self) -> None:
        error = attar.Error("says so", "corrupt", "a.attar", "codes", 7)
        self.assertEqual(str(error), "a.attar, section 'codes', byte 7: says so")
        again = pickle.loads(pickle.dumps(error))
        self.assertEqual((str(again), again.code, again.offset), (str(error), "corrupt", 7))
        goal = pickle.loads(pickle.dumps(attar.GoalUnreachable("no", 0.5, 9, 3, 0.25, 1e-3, [])))
        self.assertEqual((goal.code, goal.recall_in_budget, goal.bytes_for_floor, goal.least_bytes), ("goal_unreachable", 0.5, 9, 3))

    def test_the_stubs_tell_what_is_there(self) -> None:
        stub = ast.parse((Path(attar.__file__).parent / "__init__.pyi").read_text())
        checked = 0
        for node in stub.body:
            if isinstance(node, ast.FunctionDef):
                checked += self.compare(node, getattr(attar, node.name))
            if isinstance(node, ast.ClassDef) and node.name != "SearchTimes":
                own = getattr(attar, node.name)
                names = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
                public = {name for name, value in vars(own).items() if not name.startswith("_") and (callable(value) or isinstance(value, property))}
                self.assertEqual(public - names, set())
                for item in node.body:
                    if isinstance(item, ast.FunctionDef) and all(ast.unparse(d) == "overload" for d in item.decorator_list):
                        checked += self.compare(item, getattr(own, item.name))
        self.assertGreater(checked, 12)
        for name in attar.__all__:
            self.assertTrue(getattr(attar, name).__doc__)

    def compare(self, stub: ast.FunctionDef, function: object) -> int:
        """Names and defaults of the parameters."""
        arguments = stub.args
        names = [argument.arg for argument in arguments.args + arguments.kwonlyargs]
        defaults = [None] * (len(arguments.args) - len(arguments.defaults)) + arguments.defaults + arguments.kw_defaults
        told = [(name, default and ast.literal_eval(default)) for name, default in zip(names, defaults)]
        own = [(p.name, None if p.default is p.empty else p.default)
               for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_POSITIONAL]
        self.assertEqual(told, own, stub.name)
        return 1

    def test_the_example_runs(self) -> None:
        runpy.run_path(str(SOURCE / "examples" / "search.py"), run_name="__main__")


if __name__ == "__main__":
    unittest.main()
