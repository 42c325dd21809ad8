#include "index/lists.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "math/vector_ops.h"

namespace attar::index {
namespace {

constexpr std::uint64_t header_bytes = 8;
// A number is read as eight bytes from the one that its first bit lies in.
constexpr std::uint64_t slack = 8;

std::uint64_t rounded_up(std::uint64_t value) { return (value + 7) / 8 * 8; }

}  // namespace

Centroids Centroids::rounded(const math::Matrix<float>& exact) {
  Centroids out{.dims = static_cast<std::uint32_t>(exact.cols),
                .steps = {},
                .spreads = std::vector<float>(exact.rows),
                .entries = {}};
  out.entries.reserve(exact.values.size());
  for (std::size_t list = 0; list < exact.rows; ++list) {
    float largest = 0;
    for (std::size_t i = 0; i < exact.cols; ++i) largest = std::max(largest, std::fabs(exact(list, i)));
    float step = largest / 127;
    if (!std::isnormal(step)) step = 0;
    out.steps.push_back(step);
    for (std::size_t i = 0; i < exact.cols; ++i)
      out.entries.push_back(step == 0 ? std::int8_t{0} : static_cast<std::int8_t>(std::lround(exact(list, i) / step)));
  }
  return out;
}

void Centroids::decode(std::uint32_t list, std::span<float> out) const noexcept {
  const std::int8_t* from = entries.data() + std::size_t{list} * dims;
  for (std::size_t i = 0; i < dims; ++i) out[i] = steps[list] * static_cast<float>(from[i]);
}

math::Matrix<float> Centroids::decoded() const {
  math::Matrix<float> out(count(), dims);
  for (std::uint32_t list = 0; list < count(); ++list) decode(list, {out.row(list), dims});
  return out;
}

ListsLayout::ListsLayout(std::uint64_t rows, std::uint32_t dims, std::uint32_t lists) {
  steps = header_bytes;
  spreads = steps + 4 * std::uint64_t{lists};
  entries = spreads + 4 * std::uint64_t{lists};
  ends = rounded_up(entries + std::uint64_t{lists} * dims);
  numbers = rounded_up(ends + 4 * std::uint64_t{lists});
  number_bits = static_cast<std::uint32_t>(std::bit_width(rows - 1));
  bytes = rounded_up(numbers + (rows * number_bits + 7) / 8) + slack;
}

std::vector<std::byte> encode_lists(const Centroids& centroids, std::span<const std::uint32_t> ends,
                                    std::span<const std::uint32_t> rows) {
  const ListsLayout layout(rows.size(), centroids.dims, centroids.count());
  std::vector<std::byte> out(layout.bytes);
  base::store(out.data(), centroids.count());
  std::memcpy(out.data() + layout.steps, centroids.steps.data(), 4 * centroids.steps.size());
  std::memcpy(out.data() + layout.spreads, centroids.spreads.data(), 4 * centroids.spreads.size());
  std::memcpy(out.data() + layout.entries, centroids.entries.data(), centroids.entries.size());
  std::memcpy(out.data() + layout.ends, ends.data(), ends.size_bytes());
  for (std::uint64_t position = 0; position < rows.size(); ++position) {
    const std::uint64_t bit = position * layout.number_bits;
    std::byte* at = out.data() + layout.numbers + bit / 8;
    base::store(at, base::load<std::uint64_t>(at) | std::uint64_t{rows[position]} << (bit % 8));
  }
  return out;
}

Result<std::uint32_t> Lists::count_in(const format::SectionReader& section, const codec::Schema& schema) {
  ATTAR_TRY(section.expect_version(lists_wire_version));
  const base::ByteView bytes = section.bytes();
  if (bytes.size() < header_bytes) return section.fail(ErrorCode::truncated, "no room for the number of lists");
  const auto count = base::load<std::uint32_t>(bytes.data());
  if (count == 0 || count > schema.rows || base::load<std::uint32_t>(bytes.data() + 4) != 0)
    return section.fail(ErrorCode::corrupt, fmt::format("{} lists of {} rows", count, schema.rows), 0);
  if (count > most_lists)
    return section.fail(ErrorCode::over_limit, fmt::format("{} lists, the limit is {}", count, most_lists), 0);
  const ListsLayout layout(schema.rows, schema.dims, count);
  if (bytes.size() != layout.bytes)
    return section.fail(bytes.size() < layout.bytes ? ErrorCode::truncated : ErrorCode::corrupt,
                        fmt::format("{} bytes where {} belong", bytes.size(), layout.bytes));
  return count;
}

Result<Lists> Lists::open(format::SectionReader section, const codec::Schema& schema) {
  ATTAR_ASSIGN(const std::uint32_t count, count_in(section, schema));
  const base::ByteView bytes = section.bytes();
  const ListsLayout layout(schema.rows, schema.dims, count);
  ATTAR_TRY(section.verify(0, layout.numbers));

  Lists out(std::move(section));
  out.centroids_.dims = schema.dims;
  out.centroids_.steps.resize(count);
  std::memcpy(out.centroids_.steps.data(), bytes.data() + layout.steps, std::size_t{count} * 4);
  out.centroids_.spreads.resize(count);
  std::memcpy(out.centroids_.spreads.data(), bytes.data() + layout.spreads, std::size_t{count} * 4);
  out.centroids_.entries.resize(std::size_t{count} * schema.dims);
  std::memcpy(out.centroids_.entries.data(), bytes.data() + layout.entries, out.centroids_.entries.size());
  out.ends_.resize(count);
  std::memcpy(out.ends_.data(), bytes.data() + layout.ends, std::size_t{count} * 4);
  out.numbers_ = bytes.data() + layout.numbers;
  out.number_bits_ = layout.number_bits;
  // Norms of rows stay below 10¹⁸, and so do those of their means.
  constexpr float largest = 4e18f;
  const auto is_size = [](float value) { return value >= 0 && value <= largest; };
  if (!std::all_of(out.centroids_.steps.begin(), out.centroids_.steps.end(), is_size))
    return out.section_.fail(ErrorCode::corrupt, "a centroid's step is no size", layout.steps);
  if (!std::all_of(out.centroids_.spreads.begin(), out.centroids_.spreads.end(), is_size))
    return out.section_.fail(ErrorCode::corrupt, "a list's spread is no size", layout.spreads);
  if (!std::is_sorted(out.ends_.begin(), out.ends_.end()) || out.ends_.back() != schema.rows)
    return out.section_.fail(ErrorCode::corrupt, "the lists' ends do not add up to the rows", layout.ends);
  out.entries_ = simd::Int8Rows(out.centroids_.entries, schema.dims);
  out.measure(schema.metric);
  return out;
}

void Lists::measure(Metric metric) {
  double energy = 0;
  for (std::uint32_t list = 0; list < count(); ++list) {
    const auto spread = static_cast<double>(centroids_.spreads[list]);
    energy += spread * spread * static_cast<double>(positions(list).size());
  }
  spread_ = static_cast<float>(std::sqrt(energy / static_cast<double>(rows()) / dims()));
  if (metric != Metric::l2) return;
  std::vector<float> centroid(dims());
  for (std::uint32_t list = 0; list < count(); ++list) {
    centroids_.decode(list, centroid);
    squared_norms_.push_back(static_cast<float>(math::squared_norm(centroid)));
  }
}

std::uint32_t Lists::list_of(std::uint32_t position) const noexcept {
  return static_cast<std::uint32_t>(std::upper_bound(ends_.begin(), ends_.end(), position) - ends_.begin());
}

std::uint32_t Lists::stored(std::uint64_t position) const noexcept {
  const std::uint64_t bit = position * number_bits_;
  const std::uint64_t mask = (std::uint64_t{1} << number_bits_) - 1;
  return static_cast<std::uint32_t>(base::load<std::uint64_t>(numbers_ + bit / 8) >> (bit % 8) & mask);
}

Result<std::uint32_t> Lists::row(std::uint64_t position) const {
  const auto at = static_cast<std::uint64_t>(numbers_ - section_.bytes().data()) + position * number_bits_ / 8;
  ATTAR_TRY(section_.verify(at, slack));
  const std::uint32_t out = stored(position);
  if (out >= rows()) return section_.fail(ErrorCode::corrupt, fmt::format("a row {} of {}", out, rows()), at);
  return out;
}

Result<std::span<const std::uint32_t>> Lists::rows_by_position() const {
  std::call_once(kept_->once, [this] { kept_->rows = read_rows(); });
  if (!kept_->rows) return std::unexpected(kept_->rows.error());
  return std::span<const std::uint32_t>(*kept_->rows);
}

Result<std::vector<std::uint32_t>> Lists::read_rows() const {
  ATTAR_TRY(section_.verify_all());
  std::vector<std::uint32_t> out(rows());
  std::vector<bool> seen(rows());
  for (std::uint32_t list = 0; list < count(); ++list) {
    const codec::Range range = positions(list);
    for (std::uint64_t position = range.first; position < range.last; ++position) {
      const std::uint32_t row = stored(position);
      if (row >= rows() || seen[row] || (position > range.first && row <= out[position - 1]))
        return section_.fail(ErrorCode::corrupt, "the rows of the lists are not each row once");
      seen[row] = true;
      out[position] = row;
    }
  }
  return out;
}

}  // namespace attar::index
