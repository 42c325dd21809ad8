// Queries a second, for bench/.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "attar/evaluate.h"
#include "base/threads.h"
#include "certify/truth.h"
#include "engine/artifact_state.h"
#include "index/flat.h"

namespace attar {

Result<std::vector<double>> bench(const Artifact& artifact, const Vectors& queries, const BenchOptions& options) {
  using Clock = std::chrono::steady_clock;
  const Artifact::State& state = ArtifactAccess::state(artifact);
  if (queries.dims != artifact.dims() || queries.values.empty())
    return fail(ErrorCode::invalid_argument, fmt::format("the bench needs queries of {} dimensions", artifact.dims()));
  if (options.batch == 0 || options.batch > queries.rows())
    return fail(ErrorCode::invalid_argument,
                fmt::format("a batch of {} cannot be made of {} queries", options.batch, queries.rows()));
  if (!(options.seconds > 0) || options.rounds == 0 || options.k == 0)
    return fail(ErrorCode::invalid_argument, "the bench needs seconds, rounds and k above 0");
  std::vector<float> prepared = queries.values;
  ATTAR_TRY(certify::prepare_rows(artifact.metric(), prepared, artifact.dims(), 0, "queries"));
  base::ThreadPool pool(options.threads);
  const codec::View& view = *state.codes.view;
  ATTAR_TRY(view.verify({0, view.size()}));
  SelectedRows selected;
  std::span<const std::uint64_t> allowed;
  if (!options.where.empty()) {
    ATTAR_ASSIGN(selected, state.rows_where(options.where));
    allowed = *selected.words;
  }
  std::vector<double> out;
  std::size_t next = 0;
  for (unsigned round = 0; round < options.rounds; ++round) {
    std::uint64_t done = 0;
    const auto start = Clock::now();
    double seconds = 0;
    do {
      if (next + options.batch > queries.rows()) next = 0;
      const auto batch = std::span(prepared).subspan(next * queries.dims, std::size_t{options.batch} * queries.dims);
      ATTAR_TRY(state.search(batch, {.k = options.k, .look = state.look_for(options.k), .allowed = allowed}, pool));
      next += options.batch;
      done += options.batch;
      seconds = std::chrono::duration<double>(Clock::now() - start).count();
    } while (seconds < options.seconds);
    out.push_back(static_cast<double>(done) / seconds);
  }
  return out;
}

}  // namespace attar
