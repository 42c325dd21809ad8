// attar._attar: the calls of include/attar over plain buffers. What a user sees, with its checks and its documentation,
// is python/attar/__init__.py; this module is its own business and may change with it.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "attar/artifact.h"
#include "attar/drop.h"
#include "attar/evaluate.h"
#include "attar/pack.h"
#include "attar/version.h"
#include "buffer.h"
#include "context.h"
#include "convert.h"
#include "documents.h"
#include "export.h"
#include "options.h"
#include "tensors.h"
#include "watch.h"

namespace attar::python {
namespace {

/// Signals are heard between pieces of so many queries or rows; both are whole blocks of the kernels.
constexpr std::size_t piece_queries = 1024;
constexpr std::size_t piece_rows = 65'536;

// ---- packing --------------------------------------------------------------------------------------------------------

/// Packs to `output`, or plans where there is none.
py::dict pack_file(const Path& input, const std::optional<Path>& output, const py::dict& given,
                   const py::object& callback) {
  PackOptions options = pack_options(given);
  const PlanOutcome outcome = take(watched<PlanOutcome>(callback, [&](Progress& progress) {
    options.progress = &progress;
    return output ? pack(input, *output, options) : make_plan(input, options);
  }));
  if (!outcome.reachable) raise_unreachable(outcome);
  return report_dict(outcome.report);
}

// ---- searching ------------------------------------------------------------------------------------------------------

/// Where the answers go: (queries, k) row numbers and scores; -1 and NaN where there are fewer rows.
struct Answers {
  std::span<std::int64_t> rows;
  std::span<float> scores;

  /// From query `first` on.
  void fill(const SearchResult& result, std::size_t first) const {
    const std::size_t k = result.k;
    for (std::size_t q = 0; q < result.hits.size(); ++q) {
      const std::size_t begin = (first + q) * k;
      const auto& hits = result.hits[q];
      for (std::size_t i = 0; i < k; ++i) {
        rows[begin + i] = i < hits.size() ? std::int64_t{hits[i].row} : -1;
        scores[begin + i] = i < hits.size() ? hits[i].score : std::numeric_limits<float>::quiet_NaN();
      }
    }
  }
};

void add(SearchTimes& sum, const SearchTimes& times) {
  sum.verify += times.verify;
  sum.prepare += times.prepare;
  sum.scan += times.scan;
  sum.filter += times.filter;
}

/// Scores of the packed form, a piece of the queries at a time. Without the GIL.
Result<SearchTimes> search_packed(const Artifact& artifact, std::span<const float> queries, SearchOptions options,
                                  const Answers& answers) {
  const std::size_t dims = artifact.dims(), count = queries.size() / dims;
  const auto skip = options.skip;
  SearchTimes times;
  for (std::size_t first = 0; first < count; first += piece_queries) {
    if (first > 0) hear_signals();
    const std::size_t size = std::min(piece_queries, count - first);
    if (!skip.empty()) options.skip = skip.subspan(first, size);
    ATTAR_ASSIGN(const SearchResult result, artifact.search(queries.subspan(first * dims, size * dims), options));
    answers.fill(result, first);
    add(times, result.times);
  }
  return times;
}

/// Scores of the originals, which are read once for all queries.
Result<SearchTimes> search_exactly(const Artifact& artifact, std::span<const float> queries, SearchOptions options,
                                   const Answers& answers) {
  ATTAR_ASSIGN(const SearchResult result, watched<SearchResult>(py::none(), [&](Progress& progress) {
                 options.progress = &progress;
                 return artifact.search(queries, options);
               }));
  answers.fill(result, 0);
  return result.times;
}

/// Fills rows and scores; returns the seconds (verify, prepare, scan, filter). `allowed` and `skip` may be None.
py::tuple search(const Artifact& artifact, const py::handle& queries, const py::handle& rows, const py::handle& scores,
                 std::uint32_t k, unsigned threads, bool whole, const std::optional<Path>& originals,
                 const py::handle& allowed, const py::handle& skip, const std::string& where) {
  const Buffer<const float> query_values(queries);
  const Buffer<std::int64_t, Access::write> row_values(rows);
  const Buffer<float, Access::write> score_values(scores);
  std::optional<Buffer<const std::uint64_t>> allowed_words;
  std::optional<Buffer<const std::uint32_t>> skip_rows;
  SearchOptions options;
  options.k = k;
  options.threads = threads;
  options.whole = whole;
  options.where = where;
  if (!allowed.is_none()) options.allowed = allowed_words.emplace(allowed).values();
  if (!skip.is_none()) options.skip = skip_rows.emplace(skip).values();
  const Answers answers{.rows = row_values.values(), .scores = score_values.values()};
  const std::size_t wanted = query_values.values().size() / artifact.dims() * k;
  if (answers.rows.size() != wanted || answers.scores.size() != wanted)
    throw py::value_error("rows and scores must have k places for each query");
  Result<SearchTimes> times;
  if (originals) {
    options.exact = true;
    options.base = *originals;
    times = search_exactly(artifact, query_values.values(), options, answers);
  } else {
    const py::gil_scoped_release others_may_run;
    times = search_packed(artifact, query_values.values(), options, answers);
  }
  const SearchTimes seconds = take(std::move(times));
  return py::make_tuple(seconds.verify, seconds.prepare, seconds.scan, seconds.filter);
}

// ---- the rest of an artifact ----------------------------------------------------------------------------------------

Artifact open(const Path& path, bool mmap) {
  OpenOptions options;
  options.mmap = mmap;
  Result<Artifact> artifact = [&] {
    const py::gil_scoped_release others_may_run;
    return Artifact::open(path, options);
  }();
  return take(std::move(artifact));
}

/// Fills `out` with the rows from `first` on.
void decode(const Artifact& artifact, std::uint64_t first, const py::handle& out) {
  const Buffer<float, Access::write> values(out);
  const std::size_t dims = artifact.dims(), count = values.values().size() / dims;
  Status status;
  {
    const py::gil_scoped_release others_may_run;
    for (std::size_t at = 0; status && at < count; at += piece_rows) {
      if (at > 0) hear_signals();
      const std::size_t size = std::min(piece_rows, count - at);
      status = artifact.decode(first + at, values.values().subspan(at * dims, size * dims));
    }
  }
  take(std::move(status));
}

/// The ids of rows; None for -1, which stands where a search found nothing.
py::list ids(const Artifact& artifact, const py::handle& rows) {
  const Buffer<const std::int64_t> numbers(rows);
  py::list out;
  for (const std::int64_t row : numbers.values()) {
    if (row == -1) {
      out.append(py::none());
      continue;
    }
    // Beyond 32 bits is beyond the last row, and so is this.
    const bool fits = row >= 0 && row <= std::numeric_limits<std::uint32_t>::max();
    out.append(text(take(artifact.id(fits ? static_cast<std::uint32_t>(row) : 0xffff'ffffu))));
  }
  return out;
}

void verify(const Artifact& artifact, unsigned threads, const py::object& callback) {
  take(watched<void>(callback, [&](Progress& progress) { return artifact.verify(threads, &progress); }));
}

py::dict drop_rows(const Artifact& artifact, const Path& output, const py::dict& given, const py::object& callback) {
  DropOptions options;
  options.where = option<std::string>(given, "where");
  options.ids = option<std::vector<std::string>>(given, "ids");
  options.rows = option<std::vector<std::uint32_t>>(given, "rows");
  options.threads = option<unsigned>(given, "threads");
  const DropReport report = take(watched<DropReport>(callback, [&](Progress& progress) {
    options.progress = &progress;
    return drop(artifact, output, options);
  }));
  py::dict out;
  out["path"] = text(report.path);
  out["rows"] = report.rows;
  out["dropped"] = report.dropped;
  out["relinked"] = report.relinked;
  out["rebuilt"] = report.rebuilt;
  out["bytes"] = report.bytes;
  out["seconds"] = report.seconds;
  out["notes"] = texts(report.notes);
  out["content_digest"] = text(report.content_digest);
  return out;
}

py::dict evaluate_file(const Artifact& artifact, const py::dict& given, const py::object& callback) {
  EvaluateOptions options;
  options.queries = option<Path>(given, "queries");
  options.base = option<Path>(given, "base");
  options.truth = option<Path>(given, "truth");
  options.qrels = option<Path>(given, "qrels");
  options.query_ids = option<Path>(given, "query_ids");
  options.ks = option<std::vector<std::uint32_t>>(given, "ks");
  options.threads = option<unsigned>(given, "threads");
  options.confidence = option<double>(given, "confidence");
  options.worst = option<std::size_t>(given, "worst");
  return evaluation_dict(take(watched<Evaluation>(callback, [&](Progress& progress) {
    options.progress = &progress;
    return evaluate(artifact, options);
  })));
}

}  // namespace
}  // namespace attar::python

// NOLINTNEXTLINE: the macro's own
PYBIND11_MODULE(_attar, module) {
  namespace py = pybind11;
  using attar::Artifact;
  using namespace attar::python;
  module.attr("version") = text(attar::version());
  module.attr("build") = text(std::string(attar::build_description()) + ", " + attar::diagnose().level);
  module.attr("max_hits") = attar::OpenLimits{}.max_hits;
  module.def("pack", &pack_file, py::arg("input"), py::arg("output"), py::arg("options"), py::arg("progress"));
  py::class_<Artifact> kind(module, "Artifact");
  kind.def(py::init(&open), py::arg("path"), py::arg("mmap"))
      .def_property_readonly("rows", &Artifact::rows)
      .def_property_readonly("dims", &Artifact::dims)
      .def_property_readonly("metric",
                             [](const Artifact& artifact) { return text(attar::metric_name(artifact.metric())); })
      .def("info", [](const Artifact& artifact) { return info_dict(take(artifact.info())); })
      .def("search", &search)
      .def("decode", &decode)
      .def("ids", &ids)
      .def("row_of", [](const Artifact& artifact, const std::string& id) { return take(artifact.row_of(id)); })
      .def("verify", &verify)
      .def("drop", &drop_rows)
      .def("evaluate", &evaluate_file);
  add_documents(module, kind);
  add_context(module);
  add_tensors(module);
  add_export(module);
}
