#include "plan/preview.h"

#include <algorithm>

namespace attar::plan {
namespace {

constexpr std::size_t preview_units = 400;

}  // namespace

std::uint64_t rows_in_memory(const Setting& setting, std::uint64_t rows) {
  const std::uint64_t row_bytes = std::uint64_t{setting.schema.dims} * sizeof(float);
  return std::max<std::uint64_t>(1, std::min(rows, setting.memory_bytes / 4 / row_bytes));
}

Status judge_on_sample(const Setting& setting, const Field& field, const Rows& rows,
                       std::span<const certify::Unit> units, std::vector<Contender>& contenders) {
  setting.progress->stage("comparing candidates", contenders.size() * preview_rows);
  std::vector<std::uint32_t> numbers;
  ATTAR_ASSIGN(const auto sample,
               sample_rows(*setting.base, rows_in_memory(setting, preview_rows), setting.seed + 1, numbers));
  Queries queries = setting.queries;
  for (std::uint32_t& own : queries.own_rows) {  // a row's number in the sample, where it is there
    const auto it = std::lower_bound(numbers.begin(), numbers.end(), own);
    const bool there = it != numbers.end() && *it == own;
    own = there ? static_cast<std::uint32_t>(it - numbers.begin()) : certify::no_row;
  }
  ATTAR_ASSIGN(const Jury jury,
               Jury::create(*sample, rows.metric, queries, units.first(std::min(preview_units, units.size())),
                            setting.goal.k, true, setting.memory_bytes / 4, *setting.pool, *setting.progress));
  Rows few = {.base = sample.get(), .metric = rows.metric};
  if (rows.partition) {
    ATTAR_ASSIGN(few.partition, Partition::lay_out(*sample, rows.metric, rows.partition->lists().centroids(),
                                                   *setting.pool, *setting.progress));
  }
  for (Contender& contender : contenders) {
    ATTAR_ASSIGN(const auto trial, field.attempt(contender, few));
    ATTAR_ASSIGN(const auto grades, jury.grade_deeply(*trial, *setting.pool));
    contender.recall = mean_of(grades.recall);
    contender.rank = mean_of(grades.deep);
  }
  return {};
}

}  // namespace attar::plan
