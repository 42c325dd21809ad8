#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "ask.h"
#include "attar/artifact.h"
#include "attar/evaluate.h"
#include "attar/vectors.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "pack_report.h"
#include "progress_bar.h"
#include "session.h"

namespace attar::cli {
namespace {

struct SearchArguments {
  AskArguments ask;
  std::filesystem::path artifact, base;
  std::string vector, where;
  std::vector<std::string> show;
  std::optional<std::uint64_t> vector_row;
  std::optional<double> cutoff;
  std::uint32_t k = 10;
  unsigned threads = 0;
  bool exact = false, whole = false, explain = false;
  OpenOptions open;
  InputOptions input;
};

/// What --explain tells.
struct Explanation {
  SearchTimes times;
  double open = 0, queries = 0;          ///< seconds
  std::optional<std::uint64_t> passing;  ///< rows that --where holds for
  bool compared = false;                 ///< with an exact search over the originals
  std::uint64_t asked = 0, shared = 0, scored = 0;
  double score_error = 0;  ///< sum of |packed − exact| over rows that both found
};

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// "[0.1, -2]": one vector given in place.
Result<Vectors> inline_vector(std::string_view text) {
  const auto wrong = [] {
    return fail(ErrorCode::invalid_argument,
                "--vector: what begins with [ must be one JSON array of numbers, as in --vector '[0.1, -0.2, 0.3]'");
  };
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_array() || json.empty()) return wrong();
  Vectors out;
  for (const Json& value : json) {
    if (!value.is_number() || !std::isfinite(value.get<float>())) return wrong();
    out.values.push_back(value.get<float>());
  }
  out.dims = static_cast<std::uint32_t>(out.values.size());
  return out;
}

Result<Vectors> queries_of(const SearchArguments& arguments, std::uint32_t dims) {
  const std::string& source = arguments.vector;
  const std::size_t begin = source.find_first_not_of(" \t\n");
  const bool in_place = begin != std::string::npos && source[begin] == '[';
  ATTAR_ASSIGN(Vectors queries, in_place ? inline_vector(source) : read_vectors(source, arguments.input));
  if (queries.dims != dims)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("--vector: the queries have {} dimensions, {} has {}; embed them with the model of the rows",
                    queries.dims, arguments.artifact.string(), dims));
  if (!arguments.vector_row) return queries;
  if (*arguments.vector_row >= queries.rows())
    return fail(ErrorCode::invalid_argument, fmt::format("--vector-row: {} is none of the rows 0 to {} of --vector",
                                                         *arguments.vector_row, queries.rows() - 1));
  const auto first = queries.values.begin() + static_cast<std::ptrdiff_t>(*arguments.vector_row * dims);
  return Vectors{.values = std::vector<float>(first, first + dims), .dims = dims};
}

struct Asked {
  const SearchArguments& arguments;
  const Artifact& artifact;
  const ArtifactInfo& info;
  const Vectors& queries;
  ProgressBar& progress;
};

/// The columns of a table of hits.
std::vector<std::string> heads(const Asked& asked) {
  std::vector<std::string> out{"rank", "row", "score"};
  if (asked.info.has_ids) out.emplace_back("id");
  for (const std::string& name : asked.arguments.show) out.push_back(printable(name));
  return out;
}

/// Prints the answers to one query.
Status print_hits(const Session& session, const Asked& asked, std::uint64_t query, std::span<const SearchHit> hits) {
  Json list = Json::array();
  Table table(heads(asked), 0);
  for (std::size_t i = 0; i < hits.size(); ++i) {
    ATTAR_ASSIGN(const std::string id, asked.artifact.id(hits[i].row));
    if (session.json) {
      list.push_back({{"id", id}, {"score", hits[i].score}, {"row", hits[i].row}});
      for (const std::string& name : asked.arguments.show) {
        ATTAR_ASSIGN(const FieldValue value, asked.artifact.field(hits[i].row, name));
        list.back()["fields"][name] = value_json(value);
      }
      continue;
    }
    std::vector<std::string> row{std::to_string(i + 1), std::to_string(hits[i].row),
                                 fmt::format("{:.6f}", hits[i].score)};
    if (asked.info.has_ids) row.push_back(printable(id));
    for (const std::string& name : asked.arguments.show) {
      ATTAR_ASSIGN(const FieldValue value, asked.artifact.field(hits[i].row, name));
      row.push_back(shown_value(value));
    }
    table.add(std::move(row));
  }
  if (session.json) return print_json({{"query", query}, {"hits", std::move(list)}});
  return print((asked.queries.rows() > 1 ? fmt::format("query {}\n", query) : "") + table.text());
}

/// Leaves out the hits that are farther than --cutoff.
void cut(std::vector<SearchHit>& hits, const SearchArguments& arguments, Metric metric) {
  if (!arguments.cutoff) return;
  std::erase_if(hits, [&](const SearchHit& hit) {
    return metric == Metric::l2 ? hit.score > *arguments.cutoff : hit.score < *arguments.cutoff;
  });
}

void compare(Explanation& explanation, const SearchResult& packed, const SearchResult& exact) {
  for (std::size_t q = 0; q < packed.hits.size(); ++q) {
    std::map<std::uint32_t, float> truth;
    for (const SearchHit& hit : exact.hits[q]) truth.emplace(hit.row, hit.score);
    explanation.asked += truth.size();
    for (const SearchHit& hit : packed.hits[q]) {
      const auto found = truth.find(hit.row);
      if (found == truth.end()) continue;
      ++explanation.shared;
      explanation.score_error += std::abs(static_cast<double>(hit.score) - static_cast<double>(found->second));
    }
  }
  explanation.compared = true;
}

Json explanation_json(const Explanation& e) {
  Json error = nullptr;
  if (e.compared)
    error = {{"agreement", static_cast<double>(e.shared) / static_cast<double>(std::max<std::uint64_t>(e.asked, 1))},
             {"mean_score_error", e.score_error / static_cast<double>(std::max<std::uint64_t>(e.shared, 1))}};
  return {{"explain",
           {{"seconds",
             {{"open", e.open},
              {"queries", e.queries},
              {"filter", e.times.filter},
              {"verify", e.times.verify},
              {"prepare", e.times.prepare},
              {"scan", e.times.scan}}},
            {"passing", e.passing ? Json(*e.passing) : Json(nullptr)},
            {"error", std::move(error)}}}};
}

std::string explanation_text(const Explanation& e, const ArtifactInfo& info, bool exact) {
  const auto milliseconds = [](double seconds) { return fmt::format("{:.3f}", seconds * 1e3); };
  Table times({"where the time went", "ms"});
  times.add({"opening", milliseconds(e.open)});
  times.add({"reading the queries", milliseconds(e.queries)});
  if (e.passing) times.add({"finding the rows that --where holds for", milliseconds(e.times.filter)});
  times.add({"checksums of blocks seen for the first time", milliseconds(e.times.verify)});
  times.add({"transforms and tables of the queries", milliseconds(e.times.prepare)});
  times.add({exact ? "scoring the originals" : "scanning the codes", milliseconds(e.times.scan)});
  const std::string passing =
      e.passing ? fmt::format("--where holds for {} of {} rows.\n", grouped(*e.passing), grouped(info.rows)) : "";
  std::string error = "Scores come from the originals: nothing was lost.\n";
  if (e.compared)
    error = fmt::format("Of the {} exactly nearest rows {} were found; their scores are off by {:.6f} in the mean.\n",
                        grouped(e.asked), grouped(e.shared),
                        e.score_error / static_cast<double>(std::max<std::uint64_t>(e.shared, 1)));
  else if (!exact)
    error = "Add --base with the originals to see the error of these answers. What the file promises:\n" +
            certificates_text(info.certificates);
  return fmt::format("\n{}\n{}{}", times.text(), passing, error);
}

/// Searches the queries in pieces, so that answers flow and Ctrl-C is heard; an exact search reads all originals each
/// time and takes them at once. Returns the number of hits.
Result<std::uint64_t> answer(const Session& session, const SearchArguments& arguments, const Asked& asked,
                             Explanation& explanation) {
  constexpr std::uint64_t piece = 1024;
  const bool originals = !arguments.base.empty() || !asked.info.originals.empty();
  const bool comparing = arguments.explain && !arguments.exact && originals;
  const bool at_once = arguments.exact || comparing;
  const std::uint64_t step = at_once ? asked.queries.rows() : piece;
  SearchOptions options{.k = arguments.k,
                        .threads = arguments.threads,
                        .whole = arguments.whole,
                        .exact = arguments.exact,
                        .base = arguments.base,
                        .where = arguments.where};
  options.progress = &asked.progress;
  std::uint64_t found = 0;
  if (!at_once) asked.progress.stage("searching", asked.queries.rows());
  for (std::uint64_t first = 0; first < asked.queries.rows(); first += step) {
    if (asked.progress.cancelled()) return fail(ErrorCode::cancelled, "stopped on request");
    const std::uint64_t count = std::min(step, asked.queries.rows() - first);
    const auto values = std::span(asked.queries.values).subspan(first * asked.queries.dims, count * asked.queries.dims);
    ATTAR_ASSIGN(SearchResult result, asked.artifact.search(values, options));
    explanation.times.filter += result.times.filter;
    explanation.passing = result.passing;
    explanation.times.verify += result.times.verify;
    explanation.times.prepare += result.times.prepare;
    explanation.times.scan += result.times.scan;
    if (comparing) {
      SearchOptions exactly = options;
      exactly.exact = true;
      ATTAR_ASSIGN(const SearchResult truth, asked.artifact.search(values, exactly));
      compare(explanation, result, truth);
    }
    if (!at_once) asked.progress.advance(count);
    asked.progress.clear();  // answers and bar may share a terminal
    for (std::uint64_t q = 0; q < result.hits.size(); ++q) {
      cut(result.hits[q], arguments, asked.info.metric);
      found += result.hits[q].size();
      const std::uint64_t name = arguments.vector_row.value_or(0) + first + q;
      ATTAR_TRY(print_hits(session, asked, name, result.hits[q]));
    }
  }
  return found;
}

Result<Exit> run_questions(const Session& session, SearchArguments& arguments) {
  AskOptions& options = arguments.ask.options;
  options.k = arguments.k;
  options.where = arguments.where;
  options.threads = arguments.threads;
  ATTAR_ASSIGN(const Artifact artifact, Artifact::open(arguments.artifact, arguments.open));
  if (!arguments.vector.empty()) {
    ATTAR_ASSIGN(Vectors vectors, queries_of(arguments, artifact.dims()));
    options.vectors = std::move(vectors.values);
  }
  ATTAR_ASSIGN(const std::uint64_t found, ask(session, artifact, arguments.ask, arguments.explain));
  return found == 0 ? Exit::nothing_found : Exit::done;
}

Result<Exit> run_search(const Session& session, SearchArguments& arguments) {
  if (!arguments.ask.questions.empty()) return run_questions(session, arguments);
  if (arguments.vector.empty())
    return fail(ErrorCode::invalid_argument,
                "what to search for is missing: a question in words for documents, or --vector for vectors");
  if (!arguments.base.empty() && !arguments.exact && !arguments.explain)
    return fail(ErrorCode::invalid_argument, "--base: the originals serve --exact or --explain; add one of them");
  Explanation explanation;
  Stopwatch watch;
  ATTAR_ASSIGN(const Artifact artifact, Artifact::open(arguments.artifact, arguments.open));
  explanation.open = watch.seconds();
  watch = {};
  ATTAR_ASSIGN(const Vectors queries, queries_of(arguments, artifact.dims()));
  explanation.queries = watch.seconds();
  ATTAR_ASSIGN(const ArtifactInfo info, artifact.info());
  for (const std::string& name : arguments.show) ATTAR_TRY(artifact.field(0, name));
  std::uint64_t found = 0;
  {
    ProgressBar bar(session);
    ATTAR_ASSIGN(found, answer(session, arguments, {arguments, artifact, info, queries, bar}, explanation));
  }
  if (arguments.explain)
    ATTAR_TRY(session.json ? print_json(explanation_json(explanation))
                           : print(explanation_text(explanation, info, arguments.exact)));
  return found == 0 ? Exit::nothing_found : Exit::done;
}

}  // namespace

void add_search(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<SearchArguments>();
  Command command = add_command(
      app, session, "search", "The nearest rows of one or many queries, or documents that answer a question",
      {"attar search docs.attar --vector q.npy -k 10", "attar search docs.attar --vector '[0.1, -0.2, 0.3]' --json",
       "attar search docs.attar --vector q.npy --where \"section = 'games' and size < 5000\" --show section,size",
       "attar search docs.attar --vector q.npy --exact --base docs.npy",
       "attar search notes.attar 'how do I rotate the keys' --where \"path like 'ops/%'\"",
       "embed 'a question' | attar search docs.attar --vector - --format npy --explain"});
  add_path(command, "artifact", arguments->artifact, "The packed file").required();
  add_ask_options(command, arguments->ask);
  command.add_text("--vector", arguments->vector, "Queries: a file of one or many, - for standard input, or [0.1, …]",
                   "FILE");
  add_value(
      command, "--vector-row", arguments->vector_row,
      [](std::string_view text) { return parse_whole(text, 0, ~std::uint64_t{0}); },
      "Only this row of --vector, from 0", "N");
  add_whole(command, "-k", arguments->k, 1, arguments->open.limits.max_hits, "Rows to return a query (default 10)");
  add_value(
      command, "--cutoff", arguments->cutoff, [](std::string_view text) { return parse_finite(text); },
      "Only rows at least this near: score at least S (l2: at most S)", "S");
  add_where(command, arguments->where);
  add_value(command, "--show", arguments->show, parse_names, "Show these fields of each hit", "NAME,…");
  command.add_flag("--whole", arguments->whole, "Score every row whole, where the plan looks at part of each first");
  command.add_flag("--exact", arguments->exact, "Score the originals, from --base or the file");
  add_path(command, "--base", arguments->base, "The originals, for --exact and --explain");
  command.add_flag("--explain", arguments->explain, "Say where time and error went");
  add_input_options(command, arguments->input);
  add_open_options(command, arguments->open);
  add_threads(command, arguments->threads);
  run_with(command, session, arguments, run_search);
}

}  // namespace attar::cli
