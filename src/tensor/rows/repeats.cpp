// Which rows repeat: by hashes first, then by their bytes.
#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/checked.h"
#include "base/hash.h"
#include "format/tensors.h"
#include "tensor/rows/rows.h"

namespace attar::tensor::rows {
namespace {

// Shorter rows cost little more than the runs that name them.
constexpr std::uint64_t least_row_bytes = 32;
// What a list takes of its own: a preamble, a block's states and lengths.
constexpr std::uint64_t least_saved_bytes = 1024;

struct Hashed {
  std::uint64_t hash = 0, row = 0;
  friend auto operator<=>(const Hashed&, const Hashed&) = default;
};

/// A row that stands in the tensor `times`, first as `row`.
struct Frequent {
  std::uint64_t times = 0, row = 0;
};

base::ByteView row_of(const codec::TensorView& tensor, std::uint64_t row, std::uint64_t row_bytes) {
  return tensor.bytes.subspan(row * row_bytes, row_bytes);
}

// All rows that stand there again are among them, and few others: equal rows begin alike and are alike in the middle,
// by 8 bytes each. Most tensors have none, and are known by a look at two places of each row.
std::vector<std::uint64_t> rows_that_may_repeat(const codec::TensorView& tensor, std::uint64_t rows,
                                                std::uint64_t row_bytes) {
  constexpr std::uint64_t odd = 0x9e37'79b9'7f4a'7c15, places_of_a_row = 16;
  const std::uint64_t places = std::bit_ceil(rows * places_of_a_row);
  const auto place_of = [&](std::uint64_t row) {
    const std::byte* at = tensor.bytes.data() + row * row_bytes;
    const auto start = base::load<std::uint64_t>(at), middle = base::load<std::uint64_t>(at + row_bytes / 2);
    return (start * odd ^ std::rotl(middle * odd, 32)) * odd >> (64 - std::bit_width(places - 1));
  };
  std::vector<bool> seen(places), again(places);
  bool any = false;
  for (std::uint64_t i = 0; i < rows; ++i) {
    const std::uint64_t place = place_of(i);
    if (seen[place]) again[place] = any = true;
    seen[place] = true;
  }
  std::vector<std::uint64_t> out;
  for (std::uint64_t i = 0; any && i < rows; ++i)
    if (again[place_of(i)]) out.push_back(i);
  return out;
}

std::vector<Frequent> frequent_rows(const codec::TensorView& tensor, std::uint64_t rows, std::uint64_t row_bytes) {
  std::vector<Hashed> hashes;
  for (const std::uint64_t row : rows_that_may_repeat(tensor, rows, row_bytes))
    hashes.push_back({base::checksum(row_of(tensor, row, row_bytes)), row});
  std::ranges::sort(hashes);
  std::vector<Frequent> out;
  for (std::size_t first = 0; first < hashes.size();) {
    std::size_t last = first + 1;
    while (last < hashes.size() && hashes[last].hash == hashes[first].hash) ++last;
    if (last - first > 1) out.push_back({last - first, hashes[first].row});
    first = last;
  }
  std::ranges::sort(
      out, [](const Frequent& a, const Frequent& b) { return a.times != b.times ? a.times > b.times : a.row < b.row; });
  return out;
}

}  // namespace

std::shared_ptr<const Repeats> Repeats::find(const codec::TensorView& tensor) {
  Repeats out;
  out.row_bytes_ = tensor.schema.columns * tensor.schema.element.bytes;
  const std::uint64_t rows = tensor.schema.count / tensor.schema.columns;
  if (rows < 2 || out.row_bytes_ < least_row_bytes) return nullptr;
  out.list_rows(tensor, rows);
  if (out.list_.empty()) return nullptr;
  out.number_rows(tensor, rows);
  const std::uint64_t stored = out.own_ + out.size();
  if (stored >= rows || (rows - stored) * out.row_bytes_ < least_saved_bytes) return nullptr;
  out.stored_share_ = static_cast<double>(stored) / static_cast<double>(rows);
  return std::make_shared<const Repeats>(std::move(out));
}

void Repeats::list_rows(const codec::TensorView& tensor, std::uint64_t rows) {
  const std::uint64_t room =
      std::min<std::uint64_t>(tensor.block_elements * tensor.schema.element.bytes, format::most_block_bytes);
  for (const Frequent& frequent : frequent_rows(tensor, rows, row_bytes_)) {
    if (list_.size() + row_bytes_ > room) break;
    const base::ByteView row = row_of(tensor, frequent.row, row_bytes_);
    numbers_.emplace(base::checksum(row), static_cast<std::uint32_t>(size()));
    list_.insert(list_.end(), row.begin(), row.end());
  }
}

void Repeats::number_rows(const codec::TensorView& tensor, std::uint64_t rows) {
  if (!tensor.finer.empty()) finer_.resize(size());
  std::optional<std::uint32_t> former;
  for (std::uint64_t i = 0; i < rows; ++i) {
    const std::optional<std::uint32_t> number = number_of(row_of(tensor, i, row_bytes_));
    if (!number)
      ++own_;
    else if (number != former)
      ++runs_;
    if (number && !finer_.empty()) finer_[*number] = std::max(finer_[*number], tensor.finer[i]);
    former = number;
  }
}

std::optional<std::uint32_t> Repeats::number_of(base::ByteView row) const noexcept {
  if (row.size() != row_bytes_) return std::nullopt;
  const auto found = numbers_.find(base::checksum(row));
  if (found == numbers_.end() || std::memcmp(row.data(), list_.data() + found->second * row_bytes_, row_bytes_) != 0)
    return std::nullopt;
  return found->second;
}

void Kept::clear() noexcept {
  bytes_.clear();
  finer_.clear();
}

void Kept::add_list(const Repeats& repeats) {
  bytes_.insert(bytes_.end(), repeats.list().begin(), repeats.list().end());
  finer_.insert(finer_.end(), repeats.finer().begin(), repeats.finer().end());
}

void Kept::add(base::ByteView row, const codec::TensorBlock& block, std::uint64_t number) {
  bytes_.insert(bytes_.end(), row.begin(), row.end());
  if (!block.finer.empty()) finer_.push_back(block.finer[number]);
}

void Kept::add_own(const codec::TensorBlock& block, const Repeats& repeats) {
  for (std::uint64_t at = 0, i = 0; at < block.elements.size(); at += repeats.row_bytes(), ++i) {
    const base::ByteView row =
        block.elements.subspan(at, std::min<std::uint64_t>(repeats.row_bytes(), block.elements.size() - at));
    if (!repeats.number_of(row)) add(row, block, i);
  }
}

}  // namespace attar::tensor::rows
