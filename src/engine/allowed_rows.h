// The allowed rows of a base, as a base of their own: exact answers among them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/source.h"

namespace attar::engine {

class AllowedRows final : public data::VectorSource {
 public:
  /// `allowed`: bit r of word r/64. `base` outlives this.
  AllowedRows(const data::VectorSource& base, std::span<const std::uint64_t> allowed);

  std::uint64_t rows() const noexcept override { return numbers_.size(); }
  std::uint32_t dims() const noexcept override { return base_.dims(); }
  data::ElementType element() const noexcept override { return base_.element(); }
  const std::string& name() const noexcept override { return base_.name(); }
  Status read(std::uint64_t first, std::span<float> out) const override;

  /// The number in the base of the row at a position here.
  [[nodiscard]] std::uint32_t number(std::uint32_t position) const noexcept { return numbers_[position]; }
  /// The position here of a row of the base that is allowed.
  [[nodiscard]] std::uint32_t position(std::uint32_t number) const noexcept;

 private:
  const data::VectorSource& base_;
  std::vector<std::uint32_t> numbers_;  // ascending
};

}  // namespace attar::engine
