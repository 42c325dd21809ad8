// What every vector codec checks and gathers alike, whatever its codes look like.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "codec/codec.h"

namespace attar::vector {

/// Rows of a block: the unit in which codes lie and scans go. Small codecs have blocks of one row as well
/// (codec::Schema::block_rows).
inline constexpr std::size_t block_rows = 32;

/// A batch that can be prepared: one to `most` finite queries of the view's dimensions.
[[nodiscard]] Status check_batch(codec::QueryBatch queries, std::uint32_t dims, std::size_t most = codec::max_batch);

/// Rows that View::verify() may be asked for.
[[nodiscard]] Status check_verify(codec::Range rows, const codec::Schema& schema);

/// Rows that View::decode() may be asked for, with room for `values` floats.
[[nodiscard]] Status check_decode(codec::Range rows, std::size_t values, const codec::Schema& schema);

/// Bit i: row i of the block, which has room for `size` rows, lies in the range and may be returned.
[[nodiscard]] inline std::uint32_t rows_to_scan(std::uint64_t block, codec::Range rows, const codec::Scan& scan,
                                                std::size_t size = block_rows) noexcept {
  const std::uint64_t first = block * size;
  std::uint32_t valid = 0xffffffffu >> (block_rows - size);
  if (first < rows.first) valid &= 0xffffffffu << (rows.first - first);
  if (first + block_rows > rows.last) valid &= 0xffffffffu >> (first + block_rows - rows.last);
  if (!scan.allowed.empty()) valid &= static_cast<std::uint32_t>(scan.allowed[first / 64] >> (first % 64));
  return valid;
}

/// Gathers the rows given to an encoder, in any chunking, into batches of a fixed size, so that what is written does
/// not depend on the chunks.
class RowBatches {
 public:
  RowBatches(const codec::Schema& schema, std::size_t batch_rows) : schema_(schema), full_(batch_rows * schema.dims) {}

  /// The rows of the present batch, row-major.
  [[nodiscard]] std::span<const float> values() const noexcept { return pending_; }
  [[nodiscard]] std::size_t rows() const noexcept { return pending_.size() / schema_.dims; }
  /// By row, ‖x‖² of the rows that these are parts of; empty: they are whole.
  [[nodiscard]] std::span<const float> norms() const noexcept { return norms_; }

  /// Calls take() whenever a batch is full; it finds the batch in values().
  template <class Take>
  [[nodiscard]] Status append(const codec::Chunk& chunk, const Take& take) {
    ATTAR_TRY(admit(chunk));
    std::span<const float> values = chunk.values, norms = chunk.norms;
    while (!values.empty()) {
      const std::size_t taken = std::min(full_ - pending_.size(), values.size());
      pending_.insert(pending_.end(), values.begin(), values.begin() + static_cast<std::ptrdiff_t>(taken));
      values = values.subspan(taken);
      const std::size_t told = std::min(taken / schema_.dims, norms.size());
      norms_.insert(norms_.end(), norms.begin(), norms.begin() + static_cast<std::ptrdiff_t>(told));
      norms = norms.subspan(told);
      if (pending_.size() == full_) ATTAR_TRY(hand_over(take));
    }
    return {};
  }

  /// Fails unless all rows of the schema came; hands over the last batch, which may be empty.
  template <class Take>
  [[nodiscard]] Status finish(const Take& take) {
    ATTAR_TRY(check_complete());
    return hand_over(take);
  }

 private:
  [[nodiscard]] Status admit(const codec::Chunk& chunk);
  [[nodiscard]] Status check_complete() const;

  template <class Take>
  [[nodiscard]] Status hand_over(const Take& take) {
    ATTAR_TRY(take());
    pending_.clear();
    norms_.clear();
    return {};
  }

  codec::Schema schema_;
  std::size_t full_;  // values of a batch
  std::vector<float> pending_;
  std::vector<float> norms_;
  std::uint64_t appended_ = 0;
};

}  // namespace attar::vector
