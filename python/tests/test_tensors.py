"""Tensors: models packed without loss, files back to the byte, single tensors as arrays."""
from __future__ import annotations

import json
import threading
import unittest

import numpy as np

import attar
from support import ExpectCode, InFolder, attar_cli

KINDS = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32, "U8": np.uint8, "BOOL": np.bool_,
         "BF16": np.uint16, "F8_E4M3": np.uint8}


def safetensors(tensors: dict[str, tuple[str, np.ndarray]]) -> bytes:
    header, data = {}, b""
    for name, (kind, array) in tensors.items():
        own = array.tobytes()
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(own)]}
        data += own
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def sample() -> dict[str, tuple[str, np.ndarray]]:
    rng = np.random.default_rng(1)
    out = {}
    for kind, dtype in KINDS.items():
        values = rng.standard_normal((40, 33)) * 0.05
        if kind == "BF16":
            values = (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
        elif np.dtype(dtype).kind != "f":
            values = rng.integers(0, 100 if kind != "BOOL" else 2, (40, 33))
        out[f"w.{kind}"] = (kind, values.astype(dtype))
    out["scalar"] = ("F32", np.array(1.5, np.float32))
    out["empty"] = ("F32", np.zeros((0, 7), np.float32))
    return out


class Tensors(InFolder):
    def setUp(self) -> None:
        super().setUp()
        self.tensors = sample()
        self.model = self.folder / "model.safetensors"
        self.model.write_bytes(safetensors(self.tensors))
        self.path = self.folder / "model.attar"
        self.report = attar.pack_tensors(self.model, self.path, block=4096)

    def assert_code(self, code: str) -> ExpectCode:
        return ExpectCode(self, code)

    def test_arrays_and_files_come_back(self) -> None:
        self.assertEqual(self.report["bytes"], self.path.stat().st_size)
        self.assertEqual(self.report["tensors"], len(self.tensors))
        with attar.open_tensors(self.path) as model:
            self.assertEqual(model.names(), list(self.tensors))
            self.assertEqual(len(model), len(self.tensors))
            for name, (_, array) in self.tensors.items():
                for threads in (1, 0):
                    got = model.get(name, threads=threads)
                    self.assertEqual((got.dtype, got.shape), (array.dtype, array.shape), name)
                    self.assertEqual(got.tobytes(), array.tobytes(), name)
            back = self.folder / "back.safetensors"
            self.assertEqual(model.restore(back)["bytes"], self.model.stat().st_size)
            self.assertEqual(back.read_bytes(), self.model.read_bytes())
            model.verify()
            model.save("w.F32", self.folder / "w.npy")
            np.testing.assert_array_equal(np.load(self.folder / "w.npy"), self.tensors["w.F32"][1])
        self.assertIn("closed", repr(model))
        with self.assertRaisesRegex(attar.Error, "open it again"):
            model.get("w.F32")

    def test_bfloat16_widens_as_the_documentation_says(self) -> None:
        bits = attar.open_tensors(self.path).get("w.BF16")
        wide = (bits.astype(np.uint32) << 16).view(np.float32)
        self.assertTrue(np.all(np.abs(wide) < 1) and np.any(wide != 0))

    def test_the_command_line_says_the_same(self) -> None:
        info = attar.open_tensors(self.path).info
        self.assertEqual(info, json.loads(attar_cli("info", self.path, "--json")))
        told = json.loads(attar_cli("pack", self.model, "-o", self.folder / "cli.attar", "--lossless", "--block", "4KiB", "--json"))
        self.assertEqual(set(told), set(self.report))
        self.assertEqual(told["types"], self.report["types"])
        self.assertEqual((self.folder / "cli.attar").read_bytes(), self.path.read_bytes())

    def test_folders_and_names_in_several_files(self) -> None:
        folder = self.folder / "models"
        folder.mkdir()
        for name in ("a.safetensors", "b.safetensors"):
            (folder / name).write_bytes(safetensors({"w": self.tensors["w.F32"], name[0]: self.tensors["w.I32"]}))
        np.save(folder / "c.npy", np.asfortranarray(self.tensors["w.F64"][1]))
        attar.pack_tensors(folder, self.folder / "f.attar")
        with attar.open_tensors(self.folder / "f.attar") as models:
            self.assertEqual(sorted(models.names()), ["a", "a.safetensors:w", "b", "b.safetensors:w", "c"])
            for name in models.names():
                models.get(name)
            np.testing.assert_array_equal(models.get("c").T, self.tensors["w.F64"][1])
            with self.assert_code("invalid_argument"):
                models.get("w")
            models.restore(self.folder / "back")
        for file in folder.iterdir():
            self.assertEqual((self.folder / "back" / file.name).read_bytes(), file.read_bytes())

    def test_a_budget_is_met_and_told(self) -> None:
        rng = np.random.default_rng(5)
        weights = {"w": rng.standard_normal((300, 256)).astype(np.float32) / 50, "norm": np.ones(256, np.float32)}
        model = self.folder / "floats.safetensors"
        header = {"w": {"dtype": "F32", "shape": [300, 256], "data_offsets": [0, 307200]}, "norm": {"dtype": "F32", "shape": [256], "data_offsets": [307200, 308224]}}
        text = json.dumps(header).encode()
        model.write_bytes(len(text).to_bytes(8, "little") + text + weights["w"].tobytes() + weights["norm"].tobytes())
        plan = attar.plan_tensors(model, budget="40kB", pins="norm=lossless")
        report = attar.pack_tensors(model, self.folder / "s.attar", budget="40kB", pins=["norm=lossless"])
        self.assertEqual(set(plan), set(report))
        self.assertLessEqual(report["bytes"], 40_000)
        self.assertGreater(report["bytes"], 39_800)
        self.assertEqual([own["name"] for own in report["lost"]], ["w"])
        with attar.open_tensors(self.folder / "s.attar") as small:
            self.assertEqual(small.info["goal"], "budget of 40000 bytes")
            compared = small.compare(model)
            self.assertEqual((compared["tensors"], compared["identical"]), (2, 1))
            error = small.get("w") - weights["w"]
            self.assertAlmostEqual(float((error.astype(np.float64) ** 2).sum() / (weights["w"].astype(np.float64) ** 2).sum()), compared["lost"][0]["relative_error"], places=9)
            np.testing.assert_array_equal(small.get("norm"), weights["norm"])
        attar.pack_tensors(model, self.folder / "b.attar", max_error=1e-3)
        self.assertLessEqual(float(np.abs(attar.open_tensors(self.folder / "b.attar").get("w") - weights["w"]).max()), 1e-3)
        with self.assert_code("goal_unreachable"):
            attar.pack_tensors(model, self.folder / "x.attar", budget="500B")
        for given in ({"budget": "40"}, {"max_error": 0}, {"budget": "40kB", "max_error": 1e-3}, {"pins": "none=4bit"}, {"pins": "w"}):
            with self.assert_code("invalid_argument"):
                attar.pack_tensors(model, self.folder / "x.attar", **given)
        with self.assertRaises(attar.Error):
            attar.open_tensors(self.folder / "s.attar").compare(self.model)

    def test_rows_that_are_met_often_lose_less(self) -> None:
        table = np.random.default_rng(6).standard_normal((400, 96)).astype(np.float32) / 50
        model, counts = self.folder / "table.safetensors", self.folder / "counts.txt"
        model.write_bytes(safetensors({"embed": ("F32", table), "head": ("F32", table[::-1])}))
        counts.write_text("".join(f"{4000 // (i + 1)}\n" for i in range(400)))
        report = attar.pack_tensors(model, self.folder / "t.attar", budget="24kB", frequencies=counts, table="embed")
        self.assertLessEqual(report["bytes"], 24_000)
        error = ((attar.open_tensors(self.folder / "t.attar").get("embed") - table).astype(np.float64) ** 2).mean(1)
        self.assertLess(error[:20].mean(), 0.3 * error[200:].mean())
        for given in ({}, {"table": "none"}):
            with self.assert_code("invalid_argument"):
                attar.plan_tensors(model, budget="24kB", frequencies=counts, **given)

    def test_dropped_rows_are_zeros_and_said(self) -> None:
        table = np.random.default_rng(7).standard_normal((500, 96)).astype(np.float32)
        model, rows, path = self.folder / "table.safetensors", self.folder / "rows.txt", self.folder / "k.attar"
        model.write_bytes(safetensors({"embed": ("F32", table), "head": ("F32", table[:100])}))
        kept = np.arange(0, 500, 4)
        rows.write_text("\n".join(map(str, kept)))
        report = attar.pack_tensors(model, path, keep_rows={"emb*": rows})
        self.assertEqual(report["trimmed"], [{"name": "embed", "rows": 500, "dropped": 375}])
        with attar.open_tensors(path) as small:
            expected = np.zeros_like(table)
            expected[kept] = table[kept]
            np.testing.assert_array_equal(small.get("embed"), expected)
            self.assertEqual([own["dropped_rows"] for own in small.info["tensors"]], [375, 0])
            compared = small.compare(model)
            self.assertEqual((compared["identical"], compared["trimmed"]), (1, report["trimmed"]))
        for given in ({"keep_rows": {"none": rows}}, {"keep_tokens": rows}):
            with self.assert_code("invalid_argument"):
                attar.pack_tensors(model, path, **given)

    def test_progressive_artifacts_are_cut(self) -> None:
        whole = attar.pack_tensors(self.model, self.path, progressive=True, pins="w.F64=lossless")
        size = whole["bytes"] - 2000
        cut = attar.cut_tensors(self.path, self.folder / "c.attar", f"{size}B")
        self.assertLessEqual(cut["bytes"], size)
        self.assertEqual(cut["bytes"], (self.folder / "c.attar").stat().st_size)
        told = json.loads(attar_cli("pack", self.path, "-o", self.folder / "d.attar", "--budget", f"{size}B", "--json"))
        self.assertEqual(set(told), set(cut))
        self.assertEqual((self.folder / "c.attar").read_bytes(), (self.folder / "d.attar").read_bytes())
        with attar.open_tensors(self.folder / "c.attar") as small, attar.open_tensors(self.path, budget=f"{size}B") as read:
            self.assertEqual(small.info["refinements"], cut["refinements"])
            self.assertEqual(small.info, json.loads(attar_cli("info", self.folder / "c.attar", "--json")))
            self.assertEqual((read.info["bytes"], read.info["parts"]), (small.info["bytes"], small.info["parts"]))
            self.assertEqual(read.get("w.F32").tobytes(), small.get("w.F32").tobytes())
            self.assertGreater(small.compare(self.model)["weighed_error"], whole["weighed_error"])
        with self.assert_code("goal_unreachable"):
            attar.cut_tensors(self.path, self.folder / "x.attar", "300B")
        with self.assert_code("invalid_argument"):
            attar.cut_tensors(self.path, self.path, "30kB")
        attar.pack_tensors(self.model, self.path)
        with self.assert_code("invalid_argument"):
            attar.open_tensors(self.path, budget="30kB")

    def test_wrong_use_is_refused(self) -> None:
        with self.assert_code("invalid_argument"):
            attar.open_tensors(self.path).get("none")
        for given in ({"block": 100}, {"block": 1 << 30}, {"block": -1}, {"threads": -1}):
            with self.assert_code("invalid_argument"):
                attar.pack_tensors(self.model, self.folder / "x.attar", **given)
        with self.assertRaises(TypeError):
            attar.pack_tensors(self.model, self.folder / "x.attar", block="64KiB")
        with self.assert_code("io"):
            attar.pack_tensors(self.folder / "none", self.folder / "x.attar")
        with self.assertRaisesRegex(attar.Error, "another output"):
            attar.pack_tensors(self.model, self.model)
        with self.assert_code("unsupported"):
            attar.open(self.path)
        attar.pack(np.random.default_rng(2).standard_normal((300, 16)), self.folder / "v.attar", budget="100B/vec", codec="f16")
        with self.assert_code("unsupported"):
            attar.open_tensors(self.folder / "v.attar")

    def test_damage_is_found(self) -> None:
        bytes_ = bytearray(self.path.read_bytes())
        bytes_[len(bytes_) // 2] ^= 1
        damaged = self.folder / "damaged.attar"
        damaged.write_bytes(bytes_)
        with self.assert_code("corrupt"):
            attar.open_tensors(damaged).verify()

    def test_progress_and_threads(self) -> None:
        stages = []
        attar.pack_tensors(self.model, self.folder / "p.attar", progress=lambda stage, done, total: stages.append(stage))
        self.assertTrue(all(isinstance(stage, str) for stage in stages))


        model = attar.open_tensors(self.path)
        read: list[bool] = []

        def work() -> None:
            read.extend(model.get(name).tobytes() == array.tobytes() for name, (_, array) in self.tensors.items())

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.assertEqual(read, [True] * 4 * len(self.tensors))


if __name__ == "__main__":
    unittest.main()
