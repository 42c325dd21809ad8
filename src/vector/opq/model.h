// What opq learned: the rotation, the sub-vectors and their centroids. spec.md has the bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "vector/common/nibbles.h"

namespace attar::vector::opq {

class OpqModel final : public NibbleModel {
 public:
  /// `sizes`: an even number of sub-vectors whose sizes add up to the basis's components; `centroids`: components × 16,
  /// rounded to binary16 here.
  OpqModel(Basis basis, std::vector<std::uint16_t> sizes, std::span<const float> centroids);

  [[nodiscard]] static Result<std::shared_ptr<const OpqModel>> load(const format::SectionReader& section,
                                                                    const codec::Schema& schema,
                                                                    const OpenLimits& limits);
  /// Bytes that save() writes.
  [[nodiscard]] static std::uint64_t saved_bytes(std::uint32_t dims, std::uint64_t groups, bool dense) noexcept;
  [[nodiscard]] Status save(base::Sink& sink) const override;

  [[nodiscard]] std::size_t segment_groups() const noexcept override { return sizes_.size(); }
  [[nodiscard]] std::size_t segments() const noexcept override { return 1; }
  [[nodiscard]] std::size_t weight_bytes() const noexcept override { return 0; }
  void fill_tables(std::span<const float> components, std::span<float> tables) const override;
  void decode(std::span<const std::uint8_t> nibbles, std::span<float> values) const override;

 private:
  [[nodiscard]] float encode_row(std::span<const float> components, std::span<std::uint8_t> nibbles) const override;

  std::vector<std::uint16_t> sizes_;
  std::vector<std::uint16_t> halves_;  // as stored
  std::vector<float> centroids_;       // what readers see
};

}  // namespace attar::vector::opq
