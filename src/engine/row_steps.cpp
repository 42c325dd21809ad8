#include "engine/row_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "data/input_file.h"
#include "data/line_reader.h"

namespace attar::engine {
namespace {

constexpr std::uint64_t longest_count_line = 4096;
constexpr double power_of_frequency = -0.25;
constexpr int most_half_octaves = 8;  // of a row's step from that of the median: a factor of 16

bool is_table(const format::TensorEntry& entry, std::uint64_t rows) {
  return entry.shape.size() == 2 && entry.shape.front() == rows;
}

Result<std::size_t> table_of(std::span<const format::TensorEntry* const> entries, const LossOptions& options,
                             std::uint64_t rows) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (options.table.empty() ? !is_table(*entries[i], rows) : entries[i]->name != options.table) continue;
    if (found)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("several tensors are tables of {} rows; name the one that is meant (--table)", rows));
    found = i;
  }
  if (!found && options.table.empty())
    return fail(ErrorCode::invalid_argument,
                fmt::format("no tensor that may lose is a table of {} rows, which {} has counts for", rows,
                            data::in_quotes(options.frequencies.string())));
  if (!found)
    return fail(ErrorCode::invalid_argument,
                fmt::format("there is no tensor {} that may lose something", data::in_quotes(options.table)));
  if (!is_table(*entries[*found], rows))
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("{} has counts of {} rows, and tensor {} is no table of so many",
                    data::in_quotes(options.frequencies.string()), rows, data::in_quotes(entries[*found]->name)));
  return *found;
}

}  // namespace

std::vector<std::uint8_t> finer_by_frequency(std::span<const double> counts) {
  // A row that was never met may be met yet.
  constexpr double unseen = 0.5;
  std::vector<double> sorted(counts.begin(), counts.end());
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  const double median = sorted.empty() ? 1 : *middle + unseen;
  std::vector<int> octaves(counts.size());
  std::ranges::transform(counts, octaves.begin(), [&](double count) {
    const double wanted = -2 * power_of_frequency * std::log2((count + unseen) / median);
    return static_cast<int>(std::lround(std::clamp<double>(wanted, -most_half_octaves, most_half_octaves)));
  });
  const int least = octaves.empty() ? 0 : std::ranges::min(octaves);
  std::vector<std::uint8_t> out(counts.size());
  std::ranges::transform(octaves, out.begin(), [least](int own) { return static_cast<std::uint8_t>(own - least); });
  return out;
}

Result<std::vector<double>> read_frequencies(const std::filesystem::path& path) {
  ATTAR_ASSIGN(const data::InputFile file, data::InputFile::open(path));
  data::LineReader lines(file, longest_count_line);
  std::vector<double> out;
  for (;;) {
    ATTAR_ASSIGN(const std::optional<std::string_view> line, lines.next());
    if (!line) return out;
    if (data::is_blank(*line)) continue;
    double count = 0;
    const auto [end, error] = std::from_chars(line->data(), line->data() + line->size(), count);
    if (error != std::errc{} || !data::is_blank({end, line->data() + line->size()}) || !std::isfinite(count) ||
        count < 0)
      return lines.fail(ErrorCode::invalid_data, "is no count: give one number a line, 0 or more, a line for each row");
    out.push_back(count);
  }
}

Status set_row_steps(std::span<LossyTensor> tensors, std::span<const format::TensorEntry* const> entries,
                     const LossOptions& options) {
  if (options.frequencies.empty()) return {};
  ATTAR_ASSIGN(const std::vector<double> counts, read_frequencies(options.frequencies));
  ATTAR_ASSIGN(const std::size_t number, table_of(entries, options, counts.size()));
  LossyTensor& table = tensors[number];
  const std::string name = data::in_quotes(entries[number]->name);
  if (table.bound)
    return fail(ErrorCode::invalid_argument,
                fmt::format("a bound holds for all rows of {} alike; give it a budget, or a pin of bits", name));
  const std::uint64_t width = entries[number]->shape.back(), columns = table.view.schema.columns;
  if (width % columns != 0)
    return fail(ErrorCode::unsupported,
                fmt::format("rows of {} are of {} numbers, too few to have steps of their own", name, width));
  // Rows longer than a block are cut into several.
  for (const std::uint8_t finer : finer_by_frequency(counts))
    table.finer.insert(table.finer.end(), width / columns, finer);
  table.view.finer = table.finer;
  return {};
}

}  // namespace attar::engine
