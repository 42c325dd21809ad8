import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Artifact", "Error", "GoalUnreachable", "SearchTimes", "Tensors", "build", "cut_tensors", "embed", "evaluate_context", "export_gguf", "fit_context", "measure_sensitivity", "open", "open_tensors", "pack",
           "pack_documents", "pack_tensors", "plan", "plan_tensors", "read_context", "restore_context"]
__version__: str
build: str

Path = str | os.PathLike[str]
Progress = Callable[[str, int, int], object]

class Error(Exception):
    message: str
    code: str
    file: str | None
    section: str | None
    offset: int | None
    def __init__(
        self, message: str, code: str = "invalid_argument", file: str | None = None, section: str | None = None, offset: int | None = None
    ) -> None: ...

class GoalUnreachable(Error):
    recall_in_budget: float
    bytes_for_floor: int
    least_bytes: int
    recall_in_time: float
    seconds_for_goal: float
    candidates: list[dict[str, Any]]
    def __init__(
        self,
        message: str,
        recall_in_budget: float,
        bytes_for_floor: int,
        least_bytes: int,
        recall_in_time: float,
        seconds_for_goal: float,
        candidates: list[dict[str, Any]],
    ) -> None: ...

class SearchTimes(NamedTuple):
    verify: float
    prepare: float
    scan: float
    filter: float

def pack(
    vectors: ArrayLike | Path,
    output: Path,
    *,
    budget: str | int | None = None,
    recall: str | float | None = None,
    metric: str = "cosine",
    queries: ArrayLike | Path | None = None,
    ids: Path | Iterable[str] | None = None,
    latency: str | None = None,
    qps: str | int | None = None,
    meta: Path | None = None,
    meta_fields: Sequence[str] = (),
    meta_sorted: Sequence[str] = (),
    codec: str = "",
    index: str = "auto",
    keep_originals: str = "",
    seed: int = 1,
    threads: int = 0,
    confidence: float = 0.95,
    memory: str | int = "2GiB",
    field: str = "",
    format: str = "",
    progress: Progress | None = None,
) -> dict[str, Any]: ...
def plan(
    vectors: ArrayLike | Path,
    *,
    budget: str | int | None = None,
    recall: str | float | None = None,
    metric: str = "cosine",
    queries: ArrayLike | Path | None = None,
    ids: Path | Iterable[str] | None = None,
    latency: str | None = None,
    qps: str | int | None = None,
    meta: Path | None = None,
    meta_fields: Sequence[str] = (),
    meta_sorted: Sequence[str] = (),
    codec: str = "",
    index: str = "auto",
    keep_originals: str = "",
    seed: int = 1,
    threads: int = 0,
    confidence: float = 0.95,
    memory: str | int = "2GiB",
    field: str = "",
    format: str = "",
    progress: Progress | None = None,
) -> dict[str, Any]: ...
def pack_documents(
    documents: Path | Iterable[Mapping[str, Any]],
    output: Path | None,
    *,
    budget: str | int | None = None,
    recall: str | float | None = None,
    queries: Path | Mapping[Any, str] | Iterable[str] | None = None,
    latency: str | None = None,
    qps: str | int | None = None,
    text_fields: Sequence[str] = (),
    meta_fields: Sequence[str] = (),
    meta_sorted: Sequence[str] = (),
    encoder: Path = "",
    vectors: ArrayLike | Path | None = None,
    reuse: Path | None = None,
    late_chunking: bool = False,
    language: str = "english",
    chunk_tokens: int = 256,
    codec: str = "",
    index: str = "auto",
    keep_originals: str = "",
    seed: int = 1,
    threads: int = 0,
    confidence: float = 0.95,
    memory: str | int = "2GiB",
    progress: Progress | None = None,
) -> dict[str, Any]: ...
def embed(
    texts: Path | Iterable[str],
    *,
    encoder: Path = "",
    precision: str = "",
    threads: int = 0,
    progress: Progress | None = None,
) -> NDArray[np.float32]: ...
def measure_sensitivity(
    model: Path,
    texts: Path | Iterable[str],
    *,
    noise: float = 0.01,
    seed: int = 1,
    threads: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]: ...
def read_context(*paths: Path) -> list[dict[str, str]]: ...
def fit_context(
    texts: str | Mapping[str, str] | Iterable[str | Mapping[str, str]],
    *,
    tokens: int = 0,
    ratio: float = 0.0,
    query: str = "",
    keep: str | Iterable[str] = (),
    tokenizer: Path = "",
    encoder: Path = "",
    kind: str = "",
    min_relevance: float = 0.0,
    threads: int = 0,
) -> dict[str, Any]: ...
def restore_context(
    texts: str | Mapping[str, str] | Iterable[str | Mapping[str, str]], id: str, *, kind: str = ""
) -> str: ...
def evaluate_context(
    questions: Path,
    texts: str | Mapping[str, str] | Iterable[str | Mapping[str, str]] = (),
    *,
    tokens: int = 0,
    ratio: float = 0.0,
    keep: str | Iterable[str] = (),
    tokenizer: Path = "",
    encoder: Path = "",
    kind: str = "",
    min_relevance: float = 0.0,
    threads: int = 0,
    confidence: float = 0.95,
    progress: Progress | None = None,
) -> dict[str, Any]: ...
def open(path: Path, *, mmap: bool = True) -> Artifact: ...
def pack_tensors(
    path: Path,
    output: Path,
    *,
    budget: str | None = None,
    max_error: str | float | None = None,
    pins: str | Iterable[str] = (),
    sensitivity: Path = "",
    frequencies: Path = "",
    table: str = "",
    keep_rows: Mapping[str, Path] | None = None,
    keep_tokens: Path = "",
    progressive: bool = False,
    base: Path = "",
    block: int = 262144,
    threads: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]: ...
def plan_tensors(
    path: Path,
    *,
    budget: str | None = None,
    max_error: str | float | None = None,
    pins: str | Iterable[str] = (),
    sensitivity: Path = "",
    frequencies: Path = "",
    table: str = "",
    keep_rows: Mapping[str, Path] | None = None,
    keep_tokens: Path = "",
    base: Path = "",
    block: int = 262144,
    threads: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]: ...
def cut_tensors(path: Path, output: Path, budget: str) -> dict[str, Any]: ...
def open_tensors(path: Path, *, budget: str | None = None, mmap: bool = True) -> Tensors: ...
def export_gguf(
    path: Path,
    output: Path,
    *,
    type: str = "auto",
    budget: str | None = None,
    pins: Sequence[str] = (),
    sensitivity: Mapping[str, float] | Path | None = None,
    architecture: str = "",
    name: str = "",
    metadata: Mapping[str, str] | None = None,
    base: Path | None = None,
    threads: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]: ...

class Tensors:
    def __init__(self, path: Path, *, budget: str | None = None, mmap: bool = True) -> None: ...
    def __enter__(self) -> Tensors: ...
    def __exit__(self, *_: object) -> None: ...
    def __len__(self) -> int: ...
    def close(self) -> None: ...
    @property
    def info(self) -> dict[str, Any]: ...
    def names(self) -> list[str]: ...
    def get(self, name: str, *, threads: int = 1) -> NDArray[Any]: ...
    def save(self, name: str, path: Path, *, threads: int = 1) -> None: ...
    def restore(self, path: Path, *, threads: int = 0, progress: Progress | None = None) -> dict[str, Any]: ...
    def verify(self, *, threads: int = 0, progress: Progress | None = None) -> None: ...
    def compare(self, original: Path, *, threads: int = 0, progress: Progress | None = None) -> dict[str, Any]: ...

class Artifact:
    def __init__(self, path: Path, *, mmap: bool = True) -> None: ...
    def __enter__(self) -> Artifact: ...
    def __exit__(self, *_: object) -> None: ...
    def __len__(self) -> int: ...
    def close(self) -> None: ...
    @property
    def rows(self) -> int: ...
    @property
    def dims(self) -> int: ...
    @property
    def metric(self) -> str: ...
    @property
    def info(self) -> dict[str, Any]: ...
    @property
    def certificates(self) -> list[dict[str, Any]]: ...
    @property
    def holds_texts(self) -> bool: ...
    @property
    def search_times(self) -> SearchTimes: ...
    def search(
        self,
        queries: ArrayLike,
        k: int = 10,
        *,
        threads: int = 1,
        exact: bool = False,
        base: ArrayLike | Path | None = None,
        whole: bool = False,
        where: str = "",
        allowed: NDArray[np.bool_] | NDArray[np.uint64] | None = None,
        skip: ArrayLike | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]: ...
    def ids(self, rows: ArrayLike) -> Any: ...
    def row_of(self, id: str) -> int | None: ...
    def decode(self, first: int = 0, count: int | None = None) -> NDArray[np.float32]: ...
    def verify(self, *, threads: int = 0, progress: Progress | None = None) -> None: ...
    def drop(
        self,
        path: Path,
        *,
        where: str = "",
        ids: Iterable[str] = (),
        rows: Iterable[int] = (),
        threads: int = 0,
        progress: Progress | None = None,
    ) -> dict[str, Any]: ...
    def evaluate(
        self,
        queries: ArrayLike | Path,
        *,
        base: ArrayLike | Path | None = None,
        truth: Path | None = None,
        qrels: Path | None = None,
        query_ids: Path | Iterable[str] | None = None,
        ks: Sequence[int] = (1, 10, 100),
        threads: int = 0,
        confidence: float = 0.95,
        worst: int = 5,
        progress: Progress | None = None,
    ) -> dict[str, Any]: ...
    @overload
    def ask(
        self,
        questions: str,
        k: int = 10,
        *,
        mode: str = "hybrid",
        where: str = "",
        diverse: bool = False,
        fold: bool = False,
        min_relevance: float | str = 0.0,
        ranks: bool = False,
        meaning: float | None = None,
        read: int = 36,
        each_row: bool = False,
        expansions: str | None = None,
        vectors: ArrayLike | None = None,
        snippet_bytes: int = 240,
        encoder: Path = "",
        threads: int = 1,
    ) -> list[dict[str, Any]]: ...
    @overload
    def ask(
        self,
        questions: Iterable[str],
        k: int = 10,
        *,
        mode: str = "hybrid",
        where: str = "",
        diverse: bool = False,
        fold: bool = False,
        min_relevance: float | str = 0.0,
        ranks: bool = False,
        meaning: float | None = None,
        read: int = 36,
        each_row: bool = False,
        expansions: Iterable[str] | None = None,
        vectors: ArrayLike | None = None,
        snippet_bytes: int = 240,
        encoder: Path = "",
        threads: int = 1,
    ) -> list[list[dict[str, Any]]]: ...
    def evaluate_documents(
        self,
        queries: Path | Mapping[Any, str] | Iterable[str],
        qrels: Path | Mapping[Any, Mapping[Any, int]],
        *,
        run: Path | None = None,
        tag: str = "attar",
        ks: Sequence[int] = (1, 10, 100),
        mode: str = "hybrid",
        where: str = "",
        diverse: bool = False,
        fold: bool = False,
        min_relevance: float | str = 0.0,
        ranks: bool = False,
        meaning: float | None = None,
        read: int = 36,
        expansions: Iterable[str] | None = None,
        vectors: ArrayLike | None = None,
        encoder: Path = "",
        tune: bool = False,
        threads: int = 0,
        confidence: float = 0.95,
        progress: Progress | None = None,
    ) -> dict[str, Any]: ...
