#include "documents.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "attar/documents.h"
#include "buffer.h"
#include "convert.h"
#include "options.h"
#include "watch.h"

namespace attar::python {
namespace {

/// Signals are heard between pieces of so many questions.
constexpr std::size_t piece_questions = 256;

/// Packs to `output`, or plans where that is "".
py::dict pack_documents_file(const Path& input, const Path& output, const py::dict& given, const py::object& callback) {
  PackDocumentsOptions options{.pack = pack_options(given),
                               .text_fields = option<std::vector<std::string>>(given, "text_fields"),
                               .encoder = option<std::string>(given, "encoder"),
                               .vectors = option<Path>(given, "vectors"),
                               .reuse = option<Path>(given, "reuse"),
                               .late_chunking = option<bool>(given, "late_chunking"),
                               .language = option<std::string>(given, "language"),
                               .chunk_tokens = option<std::uint32_t>(given, "chunk_tokens")};
  const auto outcome = take(watched<DocumentsOutcome>(callback, [&](Progress& progress) {
    options.pack.progress = &progress;
    return pack_documents(input, output, options);
  }));
  if (!outcome.plan.reachable) raise_unreachable(outcome.plan);
  py::dict out = report_dict(outcome.plan.report);
  out["documents"] = documents_dict(outcome.documents);
  return out;
}

void embed_file(const Path& input, const Path& output, const std::string& encoder, const std::string& precision,
                unsigned threads, const py::object& callback) {
  (void)take(watched<EmbedReport>(callback, [&](Progress& progress) {
    return embed(input, output,
                 {.encoder = encoder, .precision = precision, .threads = threads, .progress = &progress});
  }));
}

SearchMode mode_of(const std::string& name) {
  if (name == "hybrid") return SearchMode::hybrid;
  if (name == "semantic") return SearchMode::semantic;
  if (name == "lexical") return SearchMode::lexical;
  raise({.code = ErrorCode::invalid_argument, .message = "mode: give hybrid, semantic or lexical"});
}

/// Those that asking and evaluating share.
AskOptions ask_options(const py::dict& given) {
  AskOptions out;
  out.mode = mode_of(option<std::string>(given, "mode"));
  out.where = option<std::string>(given, "where");
  out.fusion = option<bool>(given, "ranks") ? FusionRule::ranks : FusionRule::scores;
  out.meaning = option<std::optional<float>>(given, "meaning");
  out.read = option<std::uint32_t>(given, "read");
  out.fold = option<bool>(given, "fold");
  out.diverse = option<bool>(given, "diverse");
  out.min_relevance = option<float>(given, "min_relevance");
  if (const py::object vectors = given["vectors"]; !vectors.is_none()) {
    const Buffer<const float> buffer(vectors);
    out.vectors.assign(buffer.values().begin(), buffer.values().end());
  }
  out.expansions = option<std::vector<std::string>>(given, "expansions");
  out.threads = option<unsigned>(given, "threads");
  return out;
}

/// Elements [first, first + count) of what was given for all questions; none where nothing was.
template <class T>
std::vector<T> piece(const std::vector<T>& all, std::size_t first, std::size_t count) {
  if (all.empty()) return {};
  const auto own = std::span(all).subspan(first, count);
  return {own.begin(), own.end()};
}

/// A piece of the questions at a time. Without the GIL. __init__.py sees to it that there are as many expansions and
/// vectors as questions.
Result<std::vector<std::vector<Answer>>> ask_in_pieces(const TextSearch& search,
                                                       const std::vector<std::string>& questions,
                                                       const AskOptions& options) {
  const std::size_t dims = questions.empty() ? 0 : options.vectors.size() / questions.size();
  std::vector<std::vector<Answer>> out;
  for (std::size_t first = 0; first < questions.size(); first += piece_questions) {
    if (first > 0) hear_signals();
    const std::size_t count = std::min(piece_questions, questions.size() - first);
    AskOptions own = options;
    own.expansions = piece(options.expansions, first, count);
    own.vectors = piece(options.vectors, first * dims, count * dims);
    ATTAR_ASSIGN(Answers answers, search.ask(std::span(questions).subspan(first, count), own));
    for (auto& found : answers.of) out.push_back(std::move(found));
  }
  return out;
}

/// A list of answers a question, best first.
py::list ask(const TextSearch& search, const std::vector<std::string>& questions, const py::dict& given) {
  AskOptions options = ask_options(given);
  options.k = option<std::uint32_t>(given, "k");
  options.each_row = option<bool>(given, "each_row");
  options.snippet_bytes = option<std::uint32_t>(given, "snippet_bytes");
  auto answers = [&] {
    const py::gil_scoped_release others_may_run;
    return ask_in_pieces(search, questions, options);
  }();
  py::list out;
  for (const auto& own : take(std::move(answers))) {
    py::list list;
    for (const Answer& answer : own) list.append(answer_dict(answer));
    out.append(std::move(list));
  }
  return out;
}

py::dict evaluate_documents_file(const Artifact& artifact, const py::dict& given, const py::object& callback) {
  EvaluateDocumentsOptions options{.queries = option<Path>(given, "queries"),
                                   .qrels = option<Path>(given, "qrels"),
                                   .run = option<Path>(given, "run"),
                                   .tag = option<std::string>(given, "tag"),
                                   .encoder = option<std::string>(given, "encoder"),
                                   .ask = ask_options(given),
                                   .ks = option<std::vector<std::uint32_t>>(given, "ks"),
                                   .confidence = option<double>(given, "confidence"),
                                   .tune = option<bool>(given, "tune")};
  const auto evaluation = take(watched<DocumentsEvaluation>(callback, [&](Progress& progress) {
    options.progress = &progress;
    return evaluate_documents(artifact, options);
  }));
  return documents_evaluation_dict(evaluation, options.ask.mode == SearchMode::hybrid);
}

}  // namespace

void add_documents(py::module_& module, py::class_<Artifact>& artifact) {
  module.attr("automatic_relevance") = automatic_relevance;
  module.def("pack_documents", &pack_documents_file);
  module.def("embed", &embed_file);
  py::class_<TextSearch>(module, "TextSearch").def("ask", &ask);
  artifact.def_property_readonly("holds_texts", &holds_texts)
      .def(
          "text_search",
          [](const Artifact& own, const std::string& encoder) { return take(TextSearch::open(own, encoder)); },
          py::keep_alive<0, 1>())
      .def("evaluate_documents", &evaluate_documents_file);
}

}  // namespace attar::python
