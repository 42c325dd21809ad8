"""Context: texts to a budget of tokens, marks that come back, evidence that is counted."""
from __future__ import annotations

import json
import os
import unittest
from pathlib import Path

import attar
from support import ExpectCode, InFolder, attar_cli

SAMPLES = Path(os.environ["ATTAR_SOURCE_DIR"]) / "samples"
REPORT = (SAMPLES / "handbook" / "report.md").read_text()


class Context(InFolder):
    def assert_code(self, code: str) -> ExpectCode:
        return ExpectCode(self, code)

    def test_the_command_line_gives_the_same_text(self) -> None:
        made = attar.fit_context({"name": "report.md", "text": REPORT}, tokens=100, query="why did the deploy fail")
        told = json.loads(attar_cli("context", SAMPLES / "handbook" / "report.md", "--tokens", 100, "--query", "why did the deploy fail", "--json"))
        self.assertEqual((made["text"], made["tokens"], made["outcome"]), (told["text"], told["tokens"], told["outcome"]))
        self.assertEqual([cut["id"] for cut in made["cuts"]], [cut["id"] for cut in told["cuts"]])
        self.assertLessEqual(made["tokens"], 100)
        self.assertEqual(made["kinds"], ["markdown"])

    def test_marks_come_back(self) -> None:
        text = "Das Wetter war schön. " + REPORT
        made = attar.fit_context(text, ratio=0.4)
        self.assertTrue(made["estimated"])
        for cut in made["cuts"]:
            self.assertEqual(attar.restore_context(text, cut["id"]), text.encode()[cut["begin"]:cut["end"]].decode())
            self.assertEqual(attar.restore_context(text, f"[-{cut['unit']} {cut['id']}]"), attar.restore_context(text, cut["id"]))
            self.assertIsNone(cut["relevance"])
        with self.assert_code("invalid_argument"):
            attar.restore_context("another text", made["cuts"][0]["id"])

    def test_what_must_be_kept_is_kept_or_refused(self) -> None:
        made = attar.fit_context(REPORT, tokens=60, keep=r"https?://\S+")
        self.assertIn("https://example.org/runbooks/tokens?x=1", made["text"])
        with self.assert_code("goal_unreachable"):
            attar.fit_context(REPORT, tokens=10, keep=[r"https?://\S+"])

    def test_wrong_use_is_refused(self) -> None:
        for given in ({}, {"ratio": 2}, {"tokens": 10, "kind": "poem"}, {"tokens": 10, "keep": ["("]}):
            with self.assert_code("invalid_argument"):
                attar.fit_context(REPORT, **given)
        with self.assertRaises(TypeError):
            attar.fit_context([1], tokens=10)

    def test_evidence_is_counted(self) -> None:
        handbook = attar.read_context(SAMPLES / "handbook")
        self.assertEqual(len(handbook), 3)
        seen = []
        made = attar.evaluate_context(SAMPLES / "handbook-questions.jsonl", handbook, ratio=0.4, progress=lambda stage, done, total: seen.append(stage))
        self.assertEqual((made["kept"], made["evidence"], len(made["questions"])), (1, 20, 16))
        self.assertTrue(0.5 < made["lower_bound"] < 1)


if __name__ == "__main__":
    unittest.main()
