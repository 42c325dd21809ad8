#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "attar/evaluate.h"
#include "attar/vectors.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "progress_bar.h"
#include "session.h"

namespace attar::cli {
namespace {

struct BenchArguments {
  std::filesystem::path artifact, queries;
  BenchOptions options;
  OpenOptions open;
  InputOptions input;
};

/// Seconds of single queries: the first one after opening, without its checksums, and the median of later ones.
struct Latency {
  double first = 0, checksums = 0, later = 0;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Result<Latency> measure_latency(const Artifact& artifact, const Vectors& queries, const BenchOptions& options) {
  constexpr std::uint64_t most = 101;
  SearchOptions search;
  search.k = options.k;
  search.threads = options.threads;
  search.where = options.where;
  Latency out;
  std::vector<double> later;
  std::uint64_t row = 0;
  for (std::uint64_t i = 0; i <= most; ++i) {
    const auto query = std::span(queries.values).subspan(row * queries.dims, queries.dims);
    if (++row == queries.rows()) row = 0;
    const auto begin = std::chrono::steady_clock::now();
    ATTAR_ASSIGN(const SearchResult result, artifact.search(query, search));
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (i > 0) {
      later.push_back(seconds);
    } else {
      out.checksums = result.times.verify;
      out.first = seconds - result.times.verify;
    }
  }
  out.later = median(std::move(later));
  return out;
}

/// One round a call, so that Ctrl-C is heard between rounds.
Result<std::vector<double>> measure_rounds(const Artifact& artifact, const Vectors& queries,
                                           const BenchOptions& options, Progress& progress) {
  BenchOptions one = options;
  one.rounds = 1;
  std::vector<double> rates;
  progress.stage("measuring", options.rounds);
  for (unsigned round = 0; round < options.rounds; ++round) {
    if (progress.cancelled()) return fail(ErrorCode::cancelled, "stopped on request");
    ATTAR_ASSIGN(const std::vector<double> rate, bench(artifact, queries, one));
    rates.insert(rates.end(), rate.begin(), rate.end());
    progress.advance(1);
  }
  return rates;
}

Result<Exit> run_bench(const Session& session, const BenchArguments& arguments) {
  const BenchOptions& options = arguments.options;
  ATTAR_ASSIGN(const Vectors queries, read_vectors(arguments.queries, arguments.input));
  ATTAR_ASSIGN(const Artifact artifact, Artifact::open(arguments.artifact, arguments.open));
  if (queries.dims != artifact.dims())
    return fail(ErrorCode::invalid_argument,
                fmt::format("--queries: {} has {} dimensions, {} has {}", arguments.queries.string(), queries.dims,
                            arguments.artifact.string(), artifact.dims()));
  SelectedRows selected;
  if (!options.where.empty()) {
    ATTAR_ASSIGN(selected, artifact.rows_where(options.where));
  }
  std::vector<double> rounds;
  Latency latency;
  {
    ProgressBar bar(session);
    ATTAR_ASSIGN(latency, measure_latency(artifact, queries, options));
    ATTAR_ASSIGN(rounds, measure_rounds(artifact, queries, options, bar));
  }
  const double rate = median(rounds);
  if (session.json) {
    ATTAR_TRY(print_json({{"path", arguments.artifact.string()},
                          {"rows", artifact.rows()},
                          {"dims", artifact.dims()},
                          {"k", options.k},
                          {"batch", options.batch},
                          {"threads", options.threads},
                          {"queries_per_second", rate},
                          {"rounds", rounds},
                          {"first_query_seconds", latency.first},
                          {"query_seconds", latency.later},
                          {"checksum_seconds", latency.checksums},
                          {"passing", options.where.empty() ? Json(nullptr) : Json(selected.count)},
                          {"filter_seconds", options.where.empty() ? Json(nullptr) : Json(selected.seconds)}}));
    return Exit::done;
  }
  const auto [slowest, fastest] = std::ranges::minmax(rounds);
  Facts facts;
  facts.add("queries/s",
            fmt::format("{:.1f} (median of {} rounds, {:.1f} to {:.1f})", rate, rounds.size(), slowest, fastest));
  facts.add("one query", fmt::format("{:.3f} ms; the first after opening {:.3f} ms, its checksums apart {:.3f} ms",
                                     latency.later * 1e3, latency.first * 1e3, latency.checksums * 1e3));
  if (!options.where.empty())
    facts.add("--where", fmt::format("holds for {} of {} rows, found in {:.3f} ms before", grouped(selected.count),
                                     grouped(artifact.rows()), selected.seconds * 1e3));
  ATTAR_TRY(print(facts.text()));
  return Exit::done;
}

}  // namespace

void add_bench(CLI::App& app, Session& session) {
  const auto arguments = std::make_shared<BenchArguments>();
  BenchOptions& options = arguments->options;
  Command command = add_command(app, session, "bench", "Queries a second of this file on this machine",
                                {"attar bench docs.attar --queries q.npy --batch 8 --seconds 2 --json",
                                 "attar bench docs.attar --queries q.npy -T 2"});
  add_path(command, "artifact", arguments->artifact, "The packed file").required();
  add_path(command, "--queries", arguments->queries, "The queries, asked in turn").required();
  add_whole(command, "--batch", options.batch, 1, 65536, "Queries asked at once (default 1)");
  add_value(
      command, "--seconds", options.seconds, [](std::string_view text) { return parse_between(text, 0, 3600); },
      "Length of a round (default 1)", "S");
  add_where(command, options.where);
  add_whole(command, "--rounds", options.rounds, 1, 1000, "Rounds (default 5)");
  add_whole(command, "-k", options.k, 1, arguments->open.limits.max_hits, "Rows to return a query (default 10)");
  add_input_options(command, arguments->input);
  add_open_options(command, arguments->open);
  add_whole(command, "-T,--threads", options.threads, 0, 1024, "Threads (default 1); 0: one per available core");
  run_with(command, session, arguments, run_bench);
}

}  // namespace attar::cli
