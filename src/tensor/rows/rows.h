// Rows that a tensor holds more than once: found, and left out of what another codec writes. Bytes: spec.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "codec/tensors.h"

namespace attar::tensor::rows {

inline constexpr std::uint32_t codec_id = 0x0406;
/// The same around a lossy codec.
inline constexpr std::uint32_t lossy_codec_id = 0x0407;

/// The rows of a tensor that stand in it more than once, each of them once. Immutable, safe to use from many threads.
class Repeats {
 public:
  /// Looks at every row. Null where listing rows does not pay: few repeat, or rows are short.
  [[nodiscard]] static std::shared_ptr<const Repeats> find(const codec::TensorView& tensor);

  [[nodiscard]] std::uint64_t row_bytes() const noexcept { return row_bytes_; }
  /// Rows of the list, and their bytes one after the other.
  [[nodiscard]] std::uint64_t size() const noexcept { return list_.size() / row_bytes_; }
  [[nodiscard]] base::ByteView list() const noexcept { return list_; }
  /// Of each row of the list the finest steps of those that repeat it, as in codec::TensorBlock; empty: none are finer.
  [[nodiscard]] std::span<const std::uint8_t> finer() const noexcept { return finer_; }
  /// The number in the list of a row of these bytes; none where it is not there.
  [[nodiscard]] std::optional<std::uint32_t> number_of(base::ByteView row) const noexcept;

  /// Rows of the tensor that are not in the list, without a last one that is shorter.
  [[nodiscard]] std::uint64_t own() const noexcept { return own_; }
  /// Runs of rows that repeat one of the list.
  [[nodiscard]] std::uint64_t runs() const noexcept { return runs_; }
  /// The share of the tensor's rows that is stored: own ones and the list.
  [[nodiscard]] double stored_share() const noexcept { return stored_share_; }

 private:
  Repeats() = default;
  void list_rows(const codec::TensorView& tensor, std::uint64_t rows);
  void number_rows(const codec::TensorView& tensor, std::uint64_t rows);

  std::uint64_t row_bytes_ = 0;
  std::vector<std::byte> list_;
  std::vector<std::uint8_t> finer_;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;  ///< by the hashes of the list's rows
  std::uint64_t own_ = 0, runs_ = 0;
  double stored_share_ = 1;
};

/// Rows that are written by themselves, one after the other.
class Kept {
 public:
  void clear() noexcept;
  void add_list(const Repeats& repeats);
  /// The rows of a block that the list does not have.
  void add_own(const codec::TensorBlock& block, const Repeats& repeats);
  void add(base::ByteView row, const codec::TensorBlock& block, std::uint64_t number);
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  [[nodiscard]] codec::TensorBlock block() const noexcept { return {.elements = bytes_, .finer = finer_}; }

 private:
  std::vector<std::byte> bytes_;
  std::vector<std::uint8_t> finer_;
};

/// A writer of tensors that leaves the repeats to the list; `inner` writes the others, as the codec of that id does.
[[nodiscard]] std::unique_ptr<codec::TensorWriter> leave_out(std::shared_ptr<const Repeats> repeats,
                                                             std::uint32_t inner_id,
                                                             std::unique_ptr<codec::TensorWriter> inner);

}  // namespace attar::tensor::rows
