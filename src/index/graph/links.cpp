#include "index/graph/links.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/checked.h"

namespace attar::index::graph {
namespace {

constexpr std::uint64_t reach_at = 8, reserved_at = 12;
constexpr std::uint64_t header_bytes = 64, alignment = 64, line_step = 32;
// Norms of rows stay below 10¹⁸.
constexpr float most_squared_reach = 4e36f;
// Behind the last line, for kernels that read in words.
constexpr std::uint64_t slack = 64;

std::uint32_t bits_of_link(std::uint64_t rows) noexcept {
  return std::max(1u, static_cast<std::uint32_t>(std::bit_width(rows - 1)));
}

// Writes links one after the other, the lowest bit first.
void pack_line(std::span<const std::uint32_t> links, std::uint32_t bits, std::byte* line) noexcept {
  for (std::size_t i = 0; i < links.size(); ++i) {
    const std::uint64_t bit = i * bits;
    for (std::uint64_t value = std::uint64_t{links[i]} << (bit % 8), byte = bit / 8; value != 0; value >>= 8, ++byte)
      line[byte] |= static_cast<std::byte>(value);
  }
}

bool all_zero(base::ByteView bytes) noexcept {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace

LinksLayout::LinksLayout(std::uint64_t rows, std::uint32_t degree, std::uint32_t entries)
    : link_bits(bits_of_link(rows)),
      line_bytes(base::round_up(base::ceil_div(std::uint64_t{degree} * link_bits, 8), line_step)),
      lines(base::round_up(header_bytes + 4 * std::uint64_t{entries}, alignment)),
      bytes(lines + rows * line_bytes + slack) {}

std::uint32_t LinksLayout::degree_of_line(std::uint64_t rows, std::uint32_t line_bytes) noexcept {
  return std::min(most_degree, 8 * line_bytes / bits_of_link(rows));
}

std::vector<std::byte> encode_links(const Adjacency& graph) {
  const auto entries = static_cast<std::uint32_t>(graph.entries.size());
  const LinksLayout layout(graph.rows, graph.degree, entries);
  std::vector<std::byte> out(layout.bytes);
  base::store(out.data(), graph.degree);
  base::store(out.data() + 4, entries);
  base::store(out.data() + reach_at, graph.squared_reach);
  std::memcpy(out.data() + header_bytes, graph.entries.data(), 4 * graph.entries.size());
  for (std::uint32_t row = 0; row < graph.rows; ++row)
    pack_line(graph.places(row), layout.link_bits, out.data() + layout.lines + row * layout.line_bytes);
  return out;
}

Result<std::uint32_t> Links::degree_in(const format::SectionReader& section, const codec::Schema& schema) {
  ATTAR_TRY(section.expect_version(links_wire_version));
  const base::ByteView bytes = section.bytes();
  if (bytes.size() < header_bytes) return section.fail(ErrorCode::truncated, "no room for the degree of the graph");
  const auto degree = base::load<std::uint32_t>(bytes.data());
  const auto entries = base::load<std::uint32_t>(bytes.data() + 4);
  if (degree == 0 || degree > most_degree || entries == 0 ||
      entries > std::min<std::uint64_t>(schema.rows, most_entries))
    return section.fail(ErrorCode::corrupt,
                        fmt::format("{} links a row and {} entry points of {} rows", degree, entries, schema.rows), 0);
  if (schema.rows > most_rows)
    return section.fail(ErrorCode::over_limit,
                        fmt::format("{} rows, and a graph has {} at the most", schema.rows, most_rows), 0);
  const LinksLayout layout(schema.rows, degree, entries);
  if (bytes.size() != layout.bytes)
    return section.fail(bytes.size() < layout.bytes ? ErrorCode::truncated : ErrorCode::corrupt,
                        fmt::format("{} bytes where {} belong", bytes.size(), layout.bytes));
  return degree;
}

Result<Links> Links::open(format::SectionReader section, const codec::Schema& schema) {
  ATTAR_ASSIGN(const std::uint32_t degree, degree_in(section, schema));
  const base::ByteView bytes = section.bytes();
  const auto entries = base::load<std::uint32_t>(bytes.data() + 4);
  const LinksLayout layout(schema.rows, degree, entries);
  ATTAR_TRY(section.verify(0, layout.lines));
  Links out(std::move(section), layout.link_bits);
  out.rows_ = schema.rows;
  out.degree_ = degree;
  out.metric_ = schema.metric;
  out.squared_reach_ = base::load<float>(bytes.data() + reach_at);
  out.entries_.resize(entries);
  std::memcpy(out.entries_.data(), bytes.data() + header_bytes, 4 * std::size_t{entries});
  out.lines_ = bytes.data() + layout.lines;
  out.line_bytes_ = layout.line_bytes;
  const bool by_reach = schema.metric == Metric::inner_product;
  if (!(out.squared_reach_ >= 0 && out.squared_reach_ <= (by_reach ? most_squared_reach : 0)))
    return out.section_.fail(ErrorCode::corrupt, "the largest norm is none of these rows", reach_at);
  const bool ascending = std::ranges::adjacent_find(out.entries_, std::greater_equal<>()) == out.entries_.end();
  if (!ascending || out.entries_.back() >= schema.rows)
    return out.section_.fail(ErrorCode::corrupt, "the entry points are not ascending rows", header_bytes);
  if (!all_zero(bytes.subspan(reserved_at, header_bytes - reserved_at)) ||
      !all_zero(bytes.subspan(header_bytes + 4 * std::uint64_t{entries},
                              layout.lines - header_bytes - 4 * std::uint64_t{entries})))
    return out.section_.fail(ErrorCode::corrupt, "the graph's header holds bytes that are never written", reserved_at);
  return out;
}

Status Links::check() const {
  std::call_once(checked_->once, [this] { checked_->outcome = check_lines(); });
  return checked_->outcome;
}

Status Links::check_lines() const {
  ATTAR_TRY(section_.verify_all());
  std::vector<std::uint32_t> links(room());
  const std::uint64_t used_bits = std::uint64_t{degree_} * unpack_.bits();
  for (std::uint64_t row = 0; row < rows_; ++row) {
    const std::byte* line = lines_ + row * line_bytes_;
    read(static_cast<std::uint32_t>(row), links.data());
    bool sound = true, own = false;
    for (std::uint32_t i = 0; i < degree_; ++i) {
      sound = sound && links[i] < rows_ && (!own || links[i] == row);
      own = own || links[i] == row;
    }
    if (used_bits % 8 != 0) sound = sound && (static_cast<unsigned>(line[used_bits / 8]) >> (used_bits % 8)) == 0;
    const std::uint64_t used = base::ceil_div(used_bits, 8);
    if (!sound || !all_zero({line + used, line_bytes_ - used}))
      return section_.fail(ErrorCode::corrupt, fmt::format("the links of row {} are none that are written", row),
                           static_cast<std::uint64_t>(line - section_.bytes().data()));
  }
  return {};
}

std::uint64_t Links::unreachable() const {
  std::vector<bool> reached(rows_);
  std::vector<std::uint32_t> waiting(entries_), links(room());
  for (const std::uint32_t row : entries_) reached[row] = true;
  std::uint64_t count = entries_.size();
  while (!waiting.empty()) {
    const std::uint32_t row = waiting.back();
    waiting.pop_back();
    read(row, links.data());
    for (std::uint32_t i = 0; i < degree_; ++i) {
      if (reached[links[i]]) continue;
      reached[links[i]] = true;
      ++count;
      waiting.push_back(links[i]);
    }
  }
  return rows_ - count;
}

}  // namespace attar::index::graph
