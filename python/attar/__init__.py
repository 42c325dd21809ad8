"""Attar: budget in, proof out. Packs embedding vectors or documents to a number of bytes, searches them while they are packed.

    report = attar.pack(vectors, "docs.attar", budget="200B/vec", recall="0.95@10", queries=log)
    with attar.open("docs.attar") as docs:
        rows, scores = docs.search(queries, k=10)

    attar.pack_documents("notes/", "notes.attar", budget="20MB")
    with attar.open("notes.attar") as notes:
        for answer in notes.ask("how do I rotate the keys"):
            print(answer["path"], answer["line"], answer["snippet"])

    attar.pack_tensors("model.safetensors", "model.attar")                 # without loss
    weights = attar.open_tensors("model.attar").get("embed_tokens.weight")

Vectors, queries and originals are numpy arrays (rows x dims; float16, float32, float64, int8 or uint8) or paths of files
(.npy, .fvecs, .bvecs, .fbin, .u8bin, .i8bin, .f16bin, JSON lines). What fails raises attar.Error, whose `code` tells what kind of
failure it was; a goal that cannot be had raises attar.GoalUnreachable. Long calls hear Ctrl-C, and all release the GIL.
"""
from __future__ import annotations

import contextlib
import json
import operator
import os
import tempfile
from typing import Any, Callable, Iterable, Mapping, NamedTuple, Sequence, Union

import numpy as np

from attar import _attar
from attar._errors import Error, GoalUnreachable
from attar._export import export_gguf
from attar._tensors import Tensors, cut_tensors, open_tensors, pack_tensors, plan_tensors

__all__ = ["Artifact", "Error", "GoalUnreachable", "SearchTimes", "Tensors", "build", "cut_tensors", "embed", "evaluate_context", "export_gguf", "fit_context", "measure_sensitivity", "open", "open_tensors", "pack",
           "pack_documents", "pack_tensors", "plan", "plan_tensors", "read_context", "restore_context"]
__version__: str = _attar.version
#: Version, compiler, architecture, build type and the instruction-set level in force. Packing is deterministic for one of these.
build: str = _attar.build

Path = Union[str, "os.PathLike[str]"]
Progress = Callable[[str, int, int], object]

_FLOAT32, _INT64 = np.dtype(np.float32), np.dtype(np.int64)
_MAX_HITS: int = _attar.max_hits
_NO_ROW = 0xFFFFFFFF


class SearchTimes(NamedTuple):
    """Where the time of a search went, seconds. A search of the originals is all `scan`."""

    verify: float  #: checksums of blocks seen for the first time
    prepare: float  #: transforms and tables of the queries
    scan: float
    filter: float  #: finding the rows that `where` holds for


# ---- arguments ----------------------------------------------------------------------------------------------------------


def _whole(name: str, value: Any, least: int, most: int) -> int:
    """A whole number in its limits; TypeError where it is none."""
    number = value if type(value) is int else operator.index(value)
    if not least <= number <= most:
        raise Error(f"{name} is {number}; it must lie between {least} and {most}")
    return number


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike))


def _numbers(name: str, value: Any) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name}: give an array of numbers, not of {array.dtype}")
    return array


def _size(value: Any) -> Any:
    """A size in words; a whole number is one of bytes."""
    return f"{value}B" if isinstance(value, (int, np.integer)) else value


def _texts(name: str, value: Any) -> list[str]:
    if isinstance(value, str):
        raise TypeError(f"{name}: give a list of strings, not one string")
    texts = list(value)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{name}: give strings, not {type(text).__name__}")
    return texts


def _not_an_input(output: Path | None, *inputs: Any) -> None:
    for given in inputs:
        if output is not None and _is_path(given) and os.path.exists(output) and os.path.exists(given) and os.path.samefile(output, given):
            raise Error("is an input as well; name another output", file=os.fspath(output))


class _Files(contextlib.ExitStack):
    """The engine reads files: an array is written to a temporary one, in $TMPDIR, that is gone at the end however it comes."""

    def __init__(self) -> None:
        super().__init__()
        self._folder: str | None = None
        self._names: dict[str, str] = {}

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool | None:
        # An error names the argument rather than a file that nobody has seen.
        if type(error) is Error:
            message = error.message
            for path, name in self._names.items():
                message = message.replace(path, name)
            error.__init__(message, error.code, self._names.get(error.file, error.file), error.section, error.offset)
        return super().__exit__(kind, error, trace)

    def _new(self, name: str, ending: str) -> str:
        if self._folder is None:
            self._folder = self.enter_context(tempfile.TemporaryDirectory(prefix="attar-"))
        path = os.path.join(self._folder, name + ending)
        self._names[path] = name
        return path

    def vectors(self, name: str, value: Any) -> str:
        """The path of a file or array; "" for None."""
        if value is None:
            return ""
        if _is_path(value):
            return os.fspath(value)
        array = np.ascontiguousarray(_numbers(name, value))
        path = self._new(name, ".npy")
        np.save(path, array.astype(array.dtype.newbyteorder("<"), copy=False))
        return path

    def lines(self, name: str, value: Any) -> str:
        """The path of a file or of strings, one a line; "" for None."""
        if value is None:
            return ""
        if _is_path(value):
            return os.fspath(value)
        path = self._new(name, ".txt")
        # `open` is a name of this module.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as out:
            for line in value:
                if not isinstance(line, str):
                    raise TypeError(f"{name}: give strings, not {type(line).__name__}")
                if "\n" in line or line.endswith("\r"):
                    raise Error(f"the id {line!r} holds the end of a line; ids are stored one a line", "invalid_data", name)
                out.write(line.encode() + b"\n")
        return path

    def records(self, name: str, value: Iterable[Mapping[str, Any]]) -> str:
        """The path of a file of these objects, JSON lines."""
        path = self._new(name, ".jsonl")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as out:
            for record in value:
                if not isinstance(record, Mapping):
                    raise TypeError(f"{name}: give mappings, not {type(record).__name__}")
                json.dump(dict(record), out)
                out.write("\n")
        return path

    def questions(self, name: str, value: Any) -> str:
        """The path of a file, or of texts by id; texts without ids have their numbers, from 1. "" for None."""
        if value is None:
            return ""
        if _is_path(value):
            return os.fspath(value)
        pairs = value.items() if isinstance(value, Mapping) else enumerate(_texts(name, value), 1)
        return self.records(name, ({"_id": str(id), "text": text} for id, text in pairs))

    def judgements(self, name: str, value: Any) -> str:
        """The path of a file, or of relevance by question and document."""
        if _is_path(value):
            return os.fspath(value)
        return self.records(name, ({"query-id": str(question), "corpus-id": str(document), "score": operator.index(relevance)}
                                   for question, own in value.items() for document, relevance in own.items()))


# ---- packing ------------------------------------------------------------------------------------------------------------


def _goal(options: dict[str, Any]) -> None:
    """Puts what pack() and pack_documents() share into the engine's words."""
    options["budget"], options["memory"] = _size(options["budget"]), _size(options["memory"])
    options["recall"] = None if options["recall"] is None else str(options["recall"])
    options["qps"] = None if options["qps"] is None else str(options["qps"])
    options["meta_fields"], options["meta_sorted"] = list(options["meta_fields"]), list(options["meta_sorted"])
    options["seed"] = _whole("seed", options["seed"], 0, 2**64 - 1)
    options["threads"] = _whole("threads", options["threads"], 0, 1024)


def _pack(vectors: Any, output: Path | None, queries: Any, ids: Any, progress: Progress | None, options: dict[str, Any]) -> dict[str, Any]:
    _goal(options)
    options["meta"] = "" if options["meta"] is None else os.fspath(options["meta"])
    _not_an_input(output, vectors, queries, ids)
    with _Files() as files:
        options["queries"] = files.vectors("queries", queries)
        options["ids"] = files.lines("ids", ids)
        return _attar.pack(files.vectors("vectors", vectors), output, options, progress)


def pack(vectors: Any, output: Path, *, budget: str | int | None = None, recall: str | float | None = None, metric: str = "cosine",
         queries: Any = None, ids: Path | Iterable[str] | None = None, latency: str | None = None, qps: str | int | None = None,
         meta: Path | None = None, meta_fields: Sequence[str] = (), meta_sorted: Sequence[str] = (), codec: str = "", index: str = "auto",
         keep_originals: str = "", seed: int = 1, threads: int = 0, confidence: float = 0.95, memory: str | int = "2GiB", field: str = "",
         format: str = "", progress: Progress | None = None) -> dict[str, Any]:
    """Chooses and measures a plan, and writes the artifact `output`, whole or not at all; what stood there before is replaced.

    vectors         array (rows, dims), or the path of a file
    budget          ceiling on the whole file: "200MB", "1.5GiB", "64B/vec", "2.5bit" or "30%", or bytes; never exceeded, not by one
    recall          the least mean recall: "0.95@10"; 0.95 alone means at 10
    metric          "cosine", "ip" or "l2"
    queries         a log of real queries, array (n, dims) or path; without it rows stand in
    ids             one string a row, or a file of one a line; without it ids are row numbers and cost nothing
    latency         the most that one query asked alone may take: "2ms"; measured on this machine while planning
    qps             the least queries a second in batches, one thread: 5000; likewise
    meta            a file of attributes, one line a row: .jsonl, .ndjson, .csv or .tsv; kept in the file, inside the budget
    meta_fields     the fields to keep; (): all that hold one value or a list of strings
    meta_sorted     of these, numbers and dates that get a sorted order, which makes narrow ranges quick
    codec           only this codec; "": all compete
    index           "flat": every row is scored; "ivf": inverted lists; "graph": links between neighbours; "auto": lists for many rows
    keep_originals  "i8", "f16" or "f32": kept in the file, inside the budget, and the best rows of a search are ranked by them; "" or "none": not kept
    seed            of sampling and splitting
    threads         0: one per available core
    confidence      of the certificate, between 0 and 1
    memory          working memory to aim at: "500MB", "2GiB", or bytes; at least 64 MiB
    field, format   of JSON lines: the key of the vector; of files: "npy", "fvecs" … where the name does not tell
    progress        called as progress(stage, done, total) some times a second, total 0 where unknown; what it raises stops the work

    Budget and recall: the fastest plan inside the budget that is shown to reach the recall. Recall alone: the smallest. Budget alone:
    the best. Neither: the smallest within 0.01 of the recall at 8 bits.

    Returns the report, a dict with the keys of `attar pack --json` (docs/cli.md). Raises GoalUnreachable, Error, and what
    `progress` or a signal raises; then nothing was written.
    """
    return _pack(vectors, os.fspath(output), queries, ids, progress,
                 dict(budget=budget, recall=recall, latency=latency, qps=qps, meta=meta, meta_fields=meta_fields, meta_sorted=meta_sorted,
                      metric=metric, codec=codec, index=index, keep_originals=keep_originals, seed=seed,
                      threads=threads, confidence=confidence, memory=memory, field=field, format=format))


def plan(vectors: Any, *, budget: str | int | None = None, recall: str | float | None = None, metric: str = "cosine", queries: Any = None,
         ids: Path | Iterable[str] | None = None, latency: str | None = None, qps: str | int | None = None, meta: Path | None = None,
         meta_fields: Sequence[str] = (), meta_sorted: Sequence[str] = (), codec: str = "", index: str = "auto", keep_originals: str = "",
         seed: int = 1, threads: int = 0, confidence: float = 0.95, memory: str | int = "2GiB", field: str = "", format: str = "",
         progress: Progress | None = None) -> dict[str, Any]:
    """As pack(), without the file: the report's `path` is None, its certificate binds no content."""
    return _pack(vectors, None, queries, ids, progress,
                 dict(budget=budget, recall=recall, latency=latency, qps=qps, meta=meta, meta_fields=meta_fields, meta_sorted=meta_sorted,
                      metric=metric, codec=codec, index=index, keep_originals=keep_originals, seed=seed,
                      threads=threads, confidence=confidence, memory=memory, field=field, format=format))


# ---- documents ----------------------------------------------------------------------------------------------------------


def pack_documents(documents: Path | Iterable[Mapping[str, Any]], output: Path | None, *, budget: str | int | None = None,
                   recall: str | float | None = None, queries: Path | Mapping[Any, str] | Iterable[str] | None = None, latency: str | None = None,
                   qps: str | int | None = None, text_fields: Sequence[str] = (), meta_fields: Sequence[str] = (),
                   meta_sorted: Sequence[str] = (), encoder: Path = "", vectors: Any = None, reuse: Path | None = None,
                   late_chunking: bool = False, language: str = "english", chunk_tokens: int = 256, codec: str = "", index: str = "auto",
                   keep_originals: str = "", seed: int = 1, threads: int = 0, confidence: float = 0.95, memory: str | int = "2GiB",
                   progress: Progress | None = None) -> dict[str, Any]:
    """Reads documents, cuts them into rows, and writes an artifact that holds their texts, words and vectors, whole or not at all.

    documents     a folder (what .gitignore names is left out), a file of text, Markdown, HTML, source code, a manual page, or records
                  (JSON lines, CSV, TSV); or the records themselves, mappings that JSON can hold, with "id", "title" and "text"
    output        None: only the plan, and nothing is written
    budget        ceiling on the whole file, texts and words included
    queries       a log of questions: strings, or a file of one a line or JSON lines with "text"; without it rows stand in
    text_fields   of records: the fields of their text, in this order; (): the first of the usual names
    meta_fields   of records: the fields to keep for conditions; (): all others
    meta_sorted   of these, numbers and dates that get a sorted order
    encoder       a folder with a BERT model (config.json, model.safetensors, vocab.txt), or "cmd:" and a command that gets a text a line
                  and prints a vector a line; "": the encoder that Attar carries
    vectors       of the documents, one each in their order, array (n, dims) or path: no document is cut, and questions need an encoder or
                  vectors of their own
    reuse         a file where vectors of texts met before are kept: packing again encodes only what changed
    late_chunking rows are encoded within their document; for a BERT model
    language      of the words' stems, as Snowball calls it; "none": words as they are
    chunk_tokens  most tokens of a row's text, those of its headings apart

    The others are those of pack(). Returns the report, a dict with the keys of `attar pack --json` (docs/cli.md), `documents` among them.
    Raises GoalUnreachable, Error, and what `progress` or a signal raises; then nothing was written.
    """
    options = dict(budget=budget, recall=recall, latency=latency, qps=qps, meta="", meta_fields=meta_fields, meta_sorted=meta_sorted, ids="",
                   metric="cosine", codec=codec, index=index, keep_originals=keep_originals, seed=seed, threads=threads,
                   confidence=confidence, memory=memory, field="", format="", text_fields=list(text_fields), encoder=os.fspath(encoder),
                   reuse=os.fspath(reuse or ""), late_chunking=bool(late_chunking), language=language, chunk_tokens=_whole("chunk_tokens", chunk_tokens, 1, 2**32 - 1))
    _goal(options)
    _not_an_input(output, documents, queries, vectors)
    with _Files() as files:
        options["queries"], options["vectors"] = files.questions("queries", queries), files.vectors("vectors", vectors)
        given = os.fspath(documents) if _is_path(documents) else files.records("documents", documents)
        return _attar.pack_documents(given, "" if output is None else os.fspath(output), options, progress)


def embed(texts: Path | Iterable[str], *, encoder: Path = "", precision: str = "", threads: int = 0, progress: Progress | None = None) -> np.ndarray:
    """Vectors of texts, of unit length, float32 (n, dims), as documents are packed with.

    texts     strings, none of them blank; or a file: one text a line, JSON lines with "text", or .tsv (id, text)
    encoder   as in pack_documents()
    precision how a BERT model's layers keep their weights: "f32", "bf16", "int8" (as does "") or "int4"; vectors of two do not compare
    threads   0: one per available core

    Raises Error: "io", "invalid_data" for blank texts and where there are none, "invalid_argument" for another precision.
    """
    with _Files() as files:
        output = files._new("vectors", ".npy")
        _attar.embed(files.questions("texts", texts), output, os.fspath(encoder), precision, _whole("threads", threads, 0, 1024), progress)
        return np.load(output)


def measure_sensitivity(model: Path, texts: Path | Iterable[str], *, noise: float = 0.01, seed: int = 1, threads: int = 0, progress: Progress | None = None) -> dict[str, Any]:
    """How much a model's vectors change with each of its matrices: the mean of 1 − cosine over the texts by the noise's share of the matrix's squares.

    model     a folder with a BERT model, or an artifact of one
    texts     as in embed(): some hundred like those that the model will read
    noise     t², the share of the squares, above 0 and at most 1
    threads   0: one per available core; the figures are the same for any number

    Returns a dict with the keys of `attar sensitivity --json` (docs/cli.md) but the path; "tensors" maps names to figures. Raises Error as embed().
    """
    with _Files() as files:
        return _attar.measure_sensitivity(os.fspath(model), files.questions("texts", texts), float(noise), _whole("seed", seed, 0, 2**63 - 1), _whole("threads", threads, 0, 1024), progress)


def _asking(given: dict[str, Any], expansions: Any, vectors: Any) -> dict[str, Any]:
    """The options that ask() and evaluate_documents() share, in the engine's words."""
    least = given["min_relevance"]
    return given | {"read": _whole("read", given["read"], 0, 2**32 - 1), "threads": _whole("threads", given["threads"], 0, 1024),
                    "min_relevance": _attar.automatic_relevance if least == "auto" else float(least),
                    "fold": bool(given["fold"]), "diverse": bool(given["diverse"]), "ranks": bool(given["ranks"]),
                    "expansions": [] if expansions is None else _texts("expansions", expansions),
                    "vectors": None if vectors is None else np.ascontiguousarray(_numbers("vectors", vectors), _FLOAT32)}


# ---- context ------------------------------------------------------------------------------------------------------------


def _context_inputs(texts: Any) -> list[tuple[str, str, str]]:
    """Name, text and title of each."""
    if isinstance(texts, (str, Mapping)):
        texts = [texts]
    out = []
    for number, given in enumerate(texts):
        if isinstance(given, str):
            out.append((str(number + 1), given, ""))
        elif isinstance(given, Mapping) and isinstance(given.get("text"), str):
            out.append((str(given.get("name", given.get("title", number + 1))), given["text"], str(given.get("title", ""))))
        else:
            raise TypeError(f"texts: {given!r:.60} is neither a string nor a mapping with \"text\"")
    return out


def _context_options(tokens: int, ratio: float, query: str, keep: str | Iterable[str], tokenizer: Path, encoder: Path, min_relevance: float, threads: int) -> dict[str, Any]:
    return dict(tokens=_whole("tokens", tokens, 0, 2**63 - 1), ratio=float(ratio), query=query, keep=[keep] if isinstance(keep, str) else list(keep),
                tokenizer=os.fspath(tokenizer), encoder=os.fspath(encoder), min_relevance=float(min_relevance), threads=_whole("threads", threads, 0, 1024))


def read_context(*paths: Path) -> list[dict[str, str]]:
    """The texts of files and folders, as fit_context() takes them: dicts with "name", "text" and "title".

    HTML, manual pages and PDF are read as their text. Raises Error: "io", "unsupported" for a file that is no text, "over_limit".
    """
    return [{"name": name, "text": text, "title": title} for name, text, title in _attar.read_context([os.fspath(path) for path in paths])]


def fit_context(texts: Any, *, tokens: int = 0, ratio: float = 0.0, query: str = "", keep: str | Iterable[str] = (), tokenizer: Path = "",
                encoder: Path = "", kind: str = "", min_relevance: float = 0.0, threads: int = 0) -> dict[str, Any]:
    """Fits texts into a budget of tokens: what is cut is marked, and restore_context() gives it back.

    texts          a string, or several; or mappings with "text" and, if you like, "name" (shown where there are several) and "title"
    tokens, ratio  the budget: so many tokens, or this share of those of the texts; of two the smaller
    query          what will be asked: what answers it is kept; "": what covers the texts
    keep           regular expressions (RE2): what matches is kept, whatever the budget leaves for the rest
    tokenizer      "characters/4" (an estimate, also ""), "wordpiece", or a tokenizer's file (docs/tokenizers.md)
    encoder        a folder with a BERT model that judges with the query
    kind           "prose", "markdown", "code", "diff", "json", "log", "grep", "table"; "": found by name and content
    min_relevance  with a query: only what is relevant with at least this probability

    Returns a dict with the keys of `attar context --json` (docs/cli.md), with "kinds" in the place of "inputs" and numbers in "left_out".
    Places count bytes of the text in UTF-8: texts[i].encode()[begin:end]. Raises Error, with code "goal_unreachable" where what must be kept does
    not fit; its message says the least budget.
    """
    return _attar.fit_context(_context_inputs(texts), kind, _context_options(tokens, ratio, query, keep, tokenizer, encoder, min_relevance, threads))


def restore_context(texts: Any, id: str, *, kind: str = "") -> str:  # noqa: A002
    """What a mark of fit_context() stands for, from the texts that were cut; the mark whole or its id alone.

    Raises Error "invalid_argument" where the id marks no cut of any of the texts.
    """
    return _attar.restore_context(_context_inputs(texts), kind, id.strip("[] ").split(" ")[-1])


def evaluate_context(questions: Path, texts: Any = (), *, tokens: int = 0, ratio: float = 0.0, keep: str | Iterable[str] = (), tokenizer: Path = "",
                     encoder: Path = "", kind: str = "", min_relevance: float = 0.0, threads: int = 0, confidence: float = 0.95,
                     progress: Progress | None = None) -> dict[str, Any]:
    """The share of evidence that fit_context() keeps, with a lower bound.

    questions  a file of JSON lines: "question", "evidence" and, where `texts` are not given, "context" (docs/cli.md, "context")

    The others are those of fit_context(). Returns a dict with the keys of `attar context --eval --json`.
    """
    options = _context_options(tokens, ratio, "", keep, tokenizer, encoder, min_relevance, threads)
    return _attar.evaluate_context(os.fspath(questions), _context_inputs(texts), kind, options, float(confidence), progress)


# ---- artifacts ----------------------------------------------------------------------------------------------------------


def open(path: Path, *, mmap: bool = True) -> Artifact:
    """Opens an artifact, in milliseconds at any size. mmap=False reads a private copy, for files that others may write meanwhile.

    Raises Error: "io", "corrupt", "truncated", "too_new", "too_old", "unknown_codec", "over_limit".
    """
    return Artifact(path, mmap=mmap)


class Artifact:
    """A packed file, open for searching. Threads may share it; a context manager closes it."""

    def __init__(self, path: Path, *, mmap: bool = True) -> None:
        self._open: Any = _attar.Artifact(os.fspath(path), bool(mmap))
        self._path = os.fspath(path)
        self._rows, self._dims, self._metric = self._open.rows, self._open.dims, self._open.metric
        self._times = (0.0, 0.0, 0.0, 0.0)
        self._searches: dict[str, Any] = {}  # in words, by encoder: one may take a second to load

    def __enter__(self) -> Artifact:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self._rows

    def __repr__(self) -> str:
        return f"<attar.Artifact {self._path!r}: {self._rows} rows x {self._dims}, {self._metric}{'' if self._open else ', closed'}>"

    def close(self) -> None:
        """Gives up the file; searches that other threads are in end first. Later calls raise Error, but for rows, dims and metric."""
        self._open, self._searches = None, {}

    @property
    def _handle(self) -> Any:
        handle = self._open
        if handle is None:
            raise Error("is closed; open it again", file=self._path)
        return handle

    @property
    def rows(self) -> int:
        return self._rows

    @property
    def dims(self) -> int:
        return self._dims

    @property
    def metric(self) -> str:
        """ "cosine", "ip" or "l2"."""
        return self._metric

    @property
    def info(self) -> dict[str, Any]:
        """What `attar info --json` tells (docs/cli.md): bytes by part, codec, plan, certificates, digest."""
        return self._handle.info()

    @property
    def certificates(self) -> list[dict[str, Any]]:
        """What was measured on queries that the plan had not seen; `sentence` has each in words (docs/cli.md)."""
        return self.info["certificates"]

    @property
    def holds_texts(self) -> bool:
        """Whether it was packed from documents, so that ask() takes questions in words."""
        return self._handle.holds_texts

    @property
    def search_times(self) -> SearchTimes:
        """Of the last search that ended, of whichever thread."""
        return SearchTimes(*self._times)

    def search(self, queries: Any, k: int = 10, *, threads: int = 1, exact: bool = False, base: Any = None, whole: bool = False,
               where: str = "", allowed: Any = None, skip: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """The k best rows of each query, best first: (row numbers int64, scores float32).

        queries  array (n, dims), or (dims,) for one; as your model gives them, under cosine they are normalised here. Taken as they lie
                 where they are C-contiguous float32, copied otherwise
        k        rows to return a query, 1 to 1,048,576
        threads  0: one per available core
        exact    score the originals, from `base` or kept in the file
        base     the originals for `exact`: array (rows, dims) or path
        whole    score every row whole, where the plan takes a first look at part of each
        where    only rows that this condition on packed attributes holds for: "section = 'games' and size < 5000" (docs/cli.md)
        allowed  rows that may be returned: booleans (rows,), or uint64 words with row r in bit r % 64 of word r // 64
        skip     one row a query that is left out, such as its own; -1: none

        Both results are (n, k), or (k,) for one query of (dims,); -1 and NaN stand where fewer rows were found. Scores: inner product
        under cosine and ip, larger is nearer; squared distance under l2, smaller is nearer. Ctrl-C is heard between pieces of 1,024
        queries.

        Raises Error: "invalid_argument" for shapes and values that do not fit, "invalid_data" for NaN and infinities, "corrupt" where
        the checksums of the codes do not hold, which are checked when first used.
        """
        # A call for one query is a few microseconds: what is right already passes with few steps.
        handle = self._open or self._handle
        values = given = queries if type(queries) is np.ndarray else np.asarray(queries)
        if given.dtype is not _FLOAT32 or not given.flags.c_contiguous:
            values = np.ascontiguousarray(_numbers("queries", given), _FLOAT32)
        shape = given.shape
        if not 1 <= len(shape) <= 2 or shape[-1] != self._dims:
            raise Error(f"queries of shape {shape} were given, and the rows of {self._path} have {self._dims} dimensions; give (n, "
                        f"{self._dims}) or ({self._dims},), embedded with the model of the rows")
        if base is not None and not exact:
            raise Error("base: the originals serve exact=True; add it")
        k = _whole("k", k, 1, _MAX_HITS)
        threads = _whole("threads", threads, 0, 1024)
        count = shape[0] if len(shape) == 2 else 1
        rows, scores = np.empty(shape[:-1] + (k,), _INT64), np.empty(shape[:-1] + (k,), _FLOAT32)
        words = None if allowed is None else self._words(allowed)
        left_out = None if skip is None else self._left_out(skip, count)
        if exact:
            with _Files() as files:
                self._times = handle.search(values, rows, scores, k, threads, bool(whole), files.vectors("base", base), words, left_out, where)
        else:
            self._times = handle.search(values, rows, scores, k, threads, bool(whole), None, words, left_out, where)
        return rows, scores

    def _words(self, allowed: Any) -> np.ndarray:
        """A filter as words of 64 rows."""
        given = np.asarray(allowed)
        count = (self._rows + 63) // 64
        if given.dtype == np.bool_ and given.shape == (self._rows,):
            words = np.zeros(count, "<u8")
            bits = np.packbits(given, bitorder="little")
            words.view(np.uint8)[: len(bits)] = bits
            return words.astype(np.uint64, copy=False)
        if given.dtype == np.uint64 and given.ndim == 1 and len(given) >= count:
            return np.ascontiguousarray(given)
        raise Error(f"allowed: {given.dtype} of shape {given.shape} was given; give booleans ({self._rows},) or uint64 words ({count},)")

    def _left_out(self, skip: Any, count: int) -> np.ndarray:
        given = np.atleast_1d(np.asarray(skip))
        if given.dtype.kind not in "iu" or given.shape != (count,):
            raise Error(f"skip: {given.dtype} of shape {given.shape} was given; give one row number a query ({count},), -1 for none")
        if ((given < -1) | (given >= _NO_ROW)).any():
            raise Error("skip: a row number lies outside of -1 to 4294967294")
        return np.where(given == -1, _NO_ROW, given).astype(np.uint32)

    def ids(self, rows: Any) -> Any:
        """The ids of row numbers, in lists that nest as `rows` does; a single number gives a single id. Their text where ids were
        packed, else the number as text; None for -1. Bytes that are not UTF-8 come as surrogates (os.fsencode() has them back).

        Raises Error "invalid_argument" beyond the last row.
        """
        handle = self._handle
        numbers = np.asarray(rows)
        if numbers.size and numbers.dtype.kind not in "iu":
            raise TypeError(f"ids: give row numbers, not an array of {numbers.dtype}")
        texts = np.empty(numbers.size, object)
        texts[:] = handle.ids(np.ascontiguousarray(numbers, np.int64))
        return texts.reshape(numbers.shape).tolist()

    def row_of(self, id: str) -> int | None:
        """The first row that has this id; None where there is none. Ids are read through: for many, turn ids() into a dict."""
        return self._handle.row_of(id)

    def decode(self, first: int = 0, count: int | None = None) -> np.ndarray:
        """Reconstructed rows [first, first + count), float32 (count, dims); without count all that follow. Under cosine, of the
        normalised vectors. What `attar unpack` writes.

        Raises Error: "invalid_argument" beyond the last row, "corrupt".
        """
        handle = self._handle
        first = _whole("first", first, 0, self._rows)
        count = _whole("count", self._rows - first if count is None else count, 0, self._rows - first)
        out = np.empty((count, self._dims), np.float32)
        handle.decode(first, out)
        return out

    def verify(self, *, threads: int = 0, progress: Progress | None = None) -> None:
        """Checks every checksum, digest and padding of the file, every id, the texts of plan and certificates; threads 0: one per
        available core, progress as in pack(). Raises Error "corrupt" where one does not hold."""
        self._handle.verify(_whole("threads", threads, 0, 1024), progress)

    def drop(self, path: Path, *, where: str = "", ids: Iterable[str] = (), rows: Iterable[int] = (), threads: int = 0,
             progress: Progress | None = None) -> dict[str, Any]:
        """Writes the artifact without some of its rows to path: those of a condition, of ids (row numbers as texts, where no ids are
        kept), of row numbers, all together. It has a graph, whose links are mended; what is left keeps its codes and has no certificate.

        Returns what `attar drop --json` prints. Raises Error: "invalid_argument" where no row is named, one is not there or none would be
        left, "unsupported" without a graph.
        """
        numbers = [_whole("rows", row, 0, 0xFFFFFFFF) for row in rows]
        given = {"where": where, "ids": list(ids), "rows": numbers, "threads": _whole("threads", threads, 0, 1024)}
        return self._handle.drop(os.fspath(path), given, progress)

    def evaluate(self, queries: Any, *, base: Any = None, truth: Path | None = None, qrels: Path | None = None,
                 query_ids: Path | Iterable[str] | None = None, ks: Sequence[int] = (1, 10, 100), threads: int = 0, confidence: float = 0.95,
                 worst: int = 5, progress: Progress | None = None) -> dict[str, Any]:
        """Quality on queries of yours: recall against the truth, relevance against judgements.

        queries    array (n, dims) or path
        base       the originals, array (rows, dims) or path: the truth is computed; without it those kept in the file
        truth      a file of true rows (.ivecs, .ibin), instead of base
        qrels      a file of judgements (TREC, BEIR TSV or JSON lines), instead of or beside recall
        query_ids  of the queries in qrels: strings, or a file of one a line; without it their numbers
        ks         recall at these; those above the number of rows are left out
        worst      how many of the worst queries to name

        Returns a dict with the keys of `attar eval --json` (docs/cli.md) from "queries" on; `recall` has numbers as keys. Raises Error
        "invalid_argument" where neither truth nor judgements are at hand.
        """
        handle = self._handle
        with _Files() as files:
            options = {"queries": files.vectors("queries", queries), "base": files.vectors("base", base), "truth": os.fspath(truth or ""),
                       "qrels": os.fspath(qrels or ""), "query_ids": files.lines("query_ids", query_ids),
                       "ks": [_whole("ks", k, 1, _MAX_HITS) for k in ks], "threads": _whole("threads", threads, 0, 1024),
                       "confidence": float(confidence), "worst": _whole("worst", worst, 0, 2**32)}
            return handle.evaluate(options, progress)

    def ask(self, questions: str | Iterable[str], k: int = 10, *, mode: str = "hybrid", where: str = "", diverse: bool = False,
            fold: bool = False, min_relevance: float | str = 0.0, ranks: bool = False, meaning: float | None = None, read: int = 36,
            each_row: bool = False, expansions: str | Iterable[str] | None = None, vectors: Any = None, snippet_bytes: int = 240,
            encoder: Path = "", threads: int = 1) -> list[Any]:
        """Asks documents in words: a list of answers for each question, best first; for a single string its list alone.

        questions      what stands in double quotes must stand so in the text of an answer
        k              the most answers to a question
        mode           "hybrid": by meaning and by words together; "semantic", "lexical": by one of them
        where          only rows that this condition holds for: "path like 'ops/%'" (docs/cli.md)
        diverse        hybrid: answers that say different things first, near-duplicates folded
        fold           hybrid: an answer whose text nearly repeats a better one is only counted, in `folded`
        min_relevance  hybrid: only answers that are relevant with at least this probability; "auto": a cut that suits most
        ranks          hybrid: the ranks of both are fused, not their scores
        meaning        hybrid: the share of meaning beside words, 0 to 1; None: what suits the encoder (evaluate_documents() finds it)
        read           hybrid: so many of the best texts are read beside the question; 0: none
        each_row       every piece that is found; else the best stands for its document, and `more` counts the others
        expansions     a text a question (for a single string one text), "" for none, such as an answer that a language model imagines:
                       it is searched for beside the question, which counts for more
        vectors        of the questions, (n, dims), or (dims,) for a single string, where they were encoded elsewhere
        snippet_bytes  at most; 0: no snippets
        encoder        the folder of the encoder that the documents were packed with, where it was not Attar's own
        threads        over questions; 0: one per available core

        An answer is a dict with the keys of a hit of `attar search --json` (docs/cli.md, "Questions"); `marks` are places in the snippet as
        Python counts them: snippet[begin:end] is a word of the question. Ctrl-C is heard between pieces of 256 questions.

        Raises Error "invalid_argument" where the artifact holds no texts or another encoder made its vectors, "corrupt".
        """
        handle = self._handle
        alone = isinstance(questions, str)
        if alone:
            questions, expansions = [questions], None if expansions is None else [expansions]
        asked = _texts("questions", questions)
        options = _asking({"k": _whole("k", k, 1, _MAX_HITS), "mode": mode, "where": where, "diverse": diverse, "fold": fold,
                           "min_relevance": min_relevance, "ranks": ranks, "meaning": meaning, "read": read, "each_row": bool(each_row),
                           "snippet_bytes": _whole("snippet_bytes", snippet_bytes, 0, 2**32 - 1), "threads": threads}, expansions, vectors)
        if options["expansions"] and len(options["expansions"]) != len(asked):
            raise Error(f"expansions: {len(options['expansions'])} were given for {len(asked)} questions; give one each, \"\" for none")
        if vectors is not None and options["vectors"].size != len(asked) * self._dims:
            raise Error(f"vectors of shape {options['vectors'].shape} were given; give ({len(asked)}, {self._dims}), one a question")
        name = os.fspath(encoder)
        search = self._searches.get(name)
        if search is None:
            search = self._searches[name] = handle.text_search(name)
        answers = search.ask(asked, options)
        return answers[0] if alone else answers

    def evaluate_documents(self, queries: Any, qrels: Any, *, run: Path | None = None, tag: str = "attar", ks: Sequence[int] = (1, 10, 100),
                           mode: str = "hybrid", where: str = "", diverse: bool = False, fold: bool = False,
                           min_relevance: float | str = 0.0, ranks: bool = False, meaning: float | None = None, read: int = 36,
                           expansions: Iterable[str] | None = None, vectors: Any = None, encoder: Path = "", tune: bool = False,
                           threads: int = 0, confidence: float = 0.95, progress: Progress | None = None) -> dict[str, Any]:
        """Quality of answers to questions in words, by judgements: nDCG, recall, hits and reciprocal rank.

        queries  texts by id, strings (whose ids are their numbers, from 1), or a file: JSON lines with "_id" and "text", .tsv, or one a line
        qrels    {question: {document: relevance}}, or a file (TREC, BEIR TSV or JSON lines); documents by id, those without one by path
        run      where the answers go, as TREC has runs; what stood there is replaced
        tag      the name of the run in it
        ks       measures at these; the most answers asked for is the largest
        tune     find the `meaning` that suits these questions; at least 20 of them must be judged

        The others are those of ask() and evaluate(). Returns a dict with the keys of `attar eval --json` on documents (docs/cli.md):
        `questions`, `judged`, `relevance`, `legs` (None but for hybrid), `tuned` and `questions_per_second`. Raises Error "invalid_data" where none
        of the questions is judged.
        """
        handle = self._handle
        options = _asking({"mode": mode, "where": where, "diverse": diverse, "fold": fold, "min_relevance": min_relevance, "ranks": ranks,
                           "meaning": meaning, "read": read, "tune": bool(tune), "threads": threads, "tag": tag, "run": os.fspath(run or ""), "encoder": os.fspath(encoder),
                           "ks": [_whole("ks", k, 1, _MAX_HITS) for k in ks], "confidence": float(confidence)}, expansions, vectors)
        _not_an_input(run, self._path, queries, qrels)
        with _Files() as files:
            options["queries"], options["qrels"] = files.questions("queries", queries), files.judgements("qrels", qrels)
            return handle.evaluate_documents(options, progress)
