#include "plan/index_layout.h"

#include <algorithm>

#include "codec/registry.h"
#include "plan/field.h"
#include "plan/preview.h"

namespace attar::plan {
namespace {

// Rows in a list on average, and of these in training.
constexpr std::uint64_t rows_in_a_list = 64;
constexpr std::uint64_t training_rows_of_a_list = 64;
// Every row is compared with every centroid, which is some hundred seconds for two million rows with this many.
constexpr std::uint64_t most_lists = 8192;
// What a row's codes take beside eight bits a value, and its share of all else.
constexpr std::uint64_t row_extra = 24;
// The line of links where codes of eight bits a value leave room for it, over the common one.
constexpr std::uint32_t roomy_line = Graph::line_bytes * 3 / 2;

// Bits a component from which a graph's codes reach most floors.
constexpr double graph_bits = 4.4;

}  // namespace

bool graph_is_weighed(const Setting& setting) {
  const Goal& goal = setting.goal;
  if (goal.index != IndexChoice::automatic || !goal.budget_bytes || !goal.floor || goal.time.any()) return false;
  if (!goal.codec.empty() && !codec::find_codec(goal.codec)->info().walks) return false;
  const double room =
      static_cast<double>(*goal.budget_bytes) / static_cast<double>(setting.schema.rows) - Graph::line_bytes;
  return setting.schema.rows >= least_rows_for_lists(goal) && 8 * room >= graph_bits * setting.schema.dims;
}

Result<std::shared_ptr<const Partition>> cut_into_lists(const Setting& setting) {
  const auto lists =
      static_cast<std::uint32_t>(std::clamp<std::uint64_t>(setting.schema.rows / rows_in_a_list, 1, most_lists));
  setting.progress->stage("finding centroids", 0);
  std::vector<std::uint32_t> numbers;
  ATTAR_ASSIGN(const auto sample, sample_rows(*setting.base, rows_in_memory(setting, lists * training_rows_of_a_list),
                                              setting.seed + 2, numbers));
  ATTAR_ASSIGN(auto centroids,
               train_centroids(*sample, setting.schema.metric, lists, setting.seed, *setting.pool, *setting.progress));
  setting.progress->stage("sorting rows into lists", setting.schema.rows);
  return Partition::lay_out(*setting.base, setting.schema.metric, std::move(centroids), *setting.pool,
                            *setting.progress);
}

Result<std::shared_ptr<const Graph>> link_rows(const Setting& setting) {
  const std::uint64_t finest = setting.schema.dims + row_extra + roomy_line;
  const std::optional<std::uint64_t>& budget = setting.goal.budget_bytes;
  const bool roomy = budget && *budget / setting.schema.rows >= finest;
  return Graph::build(*setting.base, setting.schema.metric, roomy ? roomy_line : Graph::line_bytes, setting.seed,
                      setting.memory_bytes, *setting.pool, *setting.progress);
}

}  // namespace attar::plan
