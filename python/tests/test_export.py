"""Models exported as GGUF."""
from __future__ import annotations

import json
import unittest

import numpy as np

import attar
from support import ExpectCode, InFolder
from test_tensors import safetensors


class Export(InFolder):
    def setUp(self) -> None:
        super().setUp()
        rng = np.random.default_rng(1)
        self.weights = {name: (0.05 * rng.standard_normal(shape)).astype(np.float32) for name, shape in (("a", (96, 64)), ("b", (32, 256)), ("norm", (64,)))}
        self.model = self.folder / "model.safetensors"
        self.model.write_bytes(safetensors({name: ("F32", values) for name, values in self.weights.items()}))
        self.out = self.folder / "model.gguf"

    def test_a_budget_holds_and_the_report_tells_the_types(self) -> None:
        report = attar.export_gguf(self.model, self.out, budget="12kB", metadata={"general.license": "mit"})
        self.assertEqual(report["bytes"], self.out.stat().st_size)
        self.assertLessEqual(report["bytes"], 12_000)
        self.assertEqual(report["budget"], 12_000)
        self.assertTrue(report["optimal"])
        self.assertEqual({tensor["name"] for tensor in report["tensors"]}, set(self.weights))
        self.assertEqual(sum(share["bytes"] for share in report["types"]), sum(tensor["bytes"] for tensor in report["tensors"]))
        self.assertIn(b"general.license", self.out.read_bytes())

    def test_an_artifact_gives_the_same_file(self) -> None:
        attar.export_gguf(self.model, self.out, type="Q5_1")
        plain = self.out.read_bytes()
        attar.pack_tensors(self.model, self.folder / "model.attar")
        attar.export_gguf(self.folder / "model.attar", self.out, type="Q5_1", threads=2)
        self.assertEqual(self.out.read_bytes(), plain)

    def test_sensitivities_turn_the_choice(self) -> None:
        path = self.folder / "alpha.json"
        path.write_text(json.dumps({"tensors": {"a": 1.0, "b": 1e-9}}))
        report = attar.export_gguf(self.model, self.out, budget="20kB", sensitivity=path)
        types = {tensor["name"]: tensor["type"] for tensor in report["tensors"]}
        self.assertEqual(types["a"], "F16")
        self.assertIn(types["b"], ("Q4_K", "Q6_K"))

    def test_what_cannot_be_is_an_error(self) -> None:
        with ExpectCode(self, "goal_unreachable"):
            attar.export_gguf(self.model, self.out, budget="1kB")
        with ExpectCode(self, "invalid_argument"):
            attar.export_gguf(self.model, self.out)
        with ExpectCode(self, "invalid_argument"):
            attar.export_gguf(self.model, self.out, type="Q8_0", pins="none=Q4_0")
        with self.assertRaises(TypeError):
            attar.export_gguf(self.model, self.out, type=8)
        self.assertFalse(self.out.exists())


if __name__ == "__main__":
    unittest.main()
