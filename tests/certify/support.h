// What the tests of this folder share: a base held in memory that counts its reads and can refuse them.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "data/source.h"

namespace attar::certify {

class MatrixSource final : public data::VectorSource {
 public:
  MatrixSource(std::vector<float> values, std::uint32_t dims) : values_(std::move(values)), dims_(dims) {}

  [[nodiscard]] std::uint64_t rows() const noexcept override { return values_.size() / dims_; }
  [[nodiscard]] std::uint32_t dims() const noexcept override { return dims_; }
  [[nodiscard]] data::ElementType element() const noexcept override { return data::ElementType::f32; }
  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  [[nodiscard]] Status read(std::uint64_t first, std::span<float> out) const override {
    ++reads;
    if (first + out.size() / dims_ > broken_from) return fail(ErrorCode::io, "the disk refuses this row");
    std::copy_n(values_.begin() + static_cast<std::ptrdiff_t>(first * dims_), out.size(), out.begin());
    return {};
  }

  [[nodiscard]] std::span<const float> row(std::uint64_t i) const {
    return std::span(values_).subspan(i * dims_, dims_);
  }

  mutable std::atomic<int> reads = 0;
  std::uint64_t broken_from = ~std::uint64_t{0};

 private:
  std::vector<float> values_;
  std::uint32_t dims_;
  std::string name_ = "matrix";
};

inline std::vector<float> normal_rows(std::size_t rows, std::uint32_t dims, std::uint64_t seed) {
  base::Random random(seed);
  std::vector<float> out(rows * dims);
  for (float& value : out) value = static_cast<float>(random.normal());
  return out;
}

}  // namespace attar::certify
