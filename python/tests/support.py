"""What the tests share: small bases, an artifact of one, and the command line to compare with."""
from __future__ import annotations

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np

import attar

SOURCE = Path(os.environ["ATTAR_SOURCE_DIR"])
CLI = os.environ["ATTAR_CLI"]
ROWS, DIMS = 500, 24


def clustered(rows: int = ROWS, dims: int = DIMS, seed: int = 1) -> np.ndarray:
    """Rows around ten centres, as embeddings of related texts lie."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((10, dims))
    return (centres[np.arange(rows) % 10] + 0.6 * rng.standard_normal((rows, dims))).astype(np.float32)


def nearest(base: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    """The truth under cosine."""
    unit = base / np.linalg.norm(base, axis=1, keepdims=True)
    return np.argsort(-(queries @ unit.T), axis=1, kind="stable")[:, :k]


def attar_cli(*arguments: object) -> str:
    return subprocess.run([CLI, *map(str, arguments)], capture_output=True, text=True, check=True).stdout


class InFolder(unittest.TestCase):
    """Tests with a folder of their own: `folder`. `scratch` is where temporary files go."""

    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)
        self.scratch = self.folder / "scratch"
        self.scratch.mkdir()
        saved = tempfile.tempdir
        tempfile.tempdir = str(self.scratch)
        self.addCleanup(setattr, tempfile, "tempdir", saved)

    def assert_nothing_left(self) -> None:
        self.assertEqual(list(self.scratch.iterdir()), [])


class WithArtifact(unittest.TestCase):
    """Tests on one artifact of `base`, packed once: `path`, and `artifact` open."""

    @classmethod
    def setUpClass(cls) -> None:
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.folder = Path(holder.name)
        cls.base = clustered()
        cls.queries = clustered(40, seed=2)
        cls.path = cls.folder / "base.attar"
        cls.names = [f"row-{i:03}" for i in range(ROWS)]
        cls.report = attar.pack(cls.base, cls.path, budget="200B/vec", queries=clustered(120, seed=3), ids=cls.names, codec="f16")

    def setUp(self) -> None:
        self.artifact = attar.open(self.path)
        self.addCleanup(self.artifact.close)

    def assert_code(self, code: str):
        """Expects attar.Error with this code."""
        return ExpectCode(self, code)


class ExpectCode:
    def __init__(self, test: unittest.TestCase, code: str) -> None:
        self.test, self.code = test, code

    def __enter__(self) -> ExpectCode:
        return self

    def __exit__(self, kind, error, trace) -> bool:
        self.test.assertIsInstance(error, attar.Error, f"wanted {self.code}")
        self.test.assertEqual(error.code, self.code, str(error))
        self.test.assertTrue(error.message)
        self.error = error
        return True
