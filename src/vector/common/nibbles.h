// Codecs whose rows are lists of nibbles, scored by looking each up in a table of the query: rbin, opq.
// spec.md, "Scoring" and "Blocks of nibbles".
#pragma once

#include <memory>

#include "vector/common/blocks.h"
#include "vector/common/fast_scan.h"

namespace attar::vector {

class NibbleModel : public BlockModel {
 public:
  /// Groups of one segment, an even number, and how many segments a row has.
  [[nodiscard]] virtual std::size_t segment_groups() const noexcept = 0;
  [[nodiscard]] virtual std::size_t segments() const noexcept = 0;
  [[nodiscard]] std::size_t groups() const noexcept { return segments() * segment_groups(); }
  /// Bytes of a row's weight: 2 (binary16), or 0 when all rows weigh 1.
  [[nodiscard]] virtual std::size_t weight_bytes() const noexcept = 0;
  [[nodiscard]] std::uint64_t code_bytes() const noexcept final { return groups() / 2 + weight_bytes(); }

  /// tables[g · 16 + n]: what nibble n of group g adds to ⟨y', v⟩.
  virtual void fill_tables(std::span<const float> components, std::span<float> tables) const = 0;
  /// Values v of a row from its nibbles (one a group).
  virtual void decode(std::span<const std::uint8_t> nibbles, std::span<float> values) const = 0;
  /// Writes a block: chooses nibbles and weights and lays them out.
  void encode(std::span<const float> components, std::size_t count, std::byte* out) const final;

 protected:
  using BlockModel::BlockModel;
  /// Nibbles of a row, one a group; returns its weight (not used when weight_bytes() is 0).
  virtual float encode_row(std::span<const float> components, std::span<std::uint8_t> nibbles) const = 0;
};

class NibbleView final : public BlockView {
 public:
  [[nodiscard]] static Result<std::unique_ptr<codec::View>> open(format::SectionReader codes,
                                                                 std::shared_ptr<const NibbleModel> model,
                                                                 const codec::Schema& schema);
  [[nodiscard]] Result<std::unique_ptr<codec::Scorer>> prepare(codec::QueryBatch queries) const override;
  [[nodiscard]] const NibbleModel& model() const noexcept { return *model_; }
  /// Codes of a block as a full one: the last, partial block is read from a copy filled up with zeros.
  [[nodiscard]] const std::byte* codes(std::uint64_t index) const noexcept {
    return rows_in(index) == block_rows ? block(index) : tail_.data();
  }
  [[nodiscard]] double weight(std::uint64_t row) const noexcept;

 private:
  NibbleView(format::SectionReader codes, std::shared_ptr<const NibbleModel> model, const codec::Schema& schema);
  void decode_row(std::uint64_t row, std::span<float> out) const override;
  void copy_tail();

  std::shared_ptr<const NibbleModel> model_;
  std::vector<std::byte> tail_;
};

/// Nibble of one row in a full block.
[[nodiscard]] inline std::uint8_t nibble_of(const std::byte* codes, std::size_t group, std::size_t row) noexcept {
  const auto pair = std::to_integer<unsigned>(codes[group * group_bytes + row % 16]);
  return static_cast<std::uint8_t>(row < 16 ? pair & 15 : pair >> 4);
}

}  // namespace attar::vector
