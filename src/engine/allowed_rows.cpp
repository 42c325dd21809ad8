#include "engine/allowed_rows.h"

#include <algorithm>

namespace attar::engine {

AllowedRows::AllowedRows(const data::VectorSource& base, std::span<const std::uint64_t> allowed) : base_(base) {
  for (std::uint64_t row = 0; row < base.rows(); ++row)
    if ((allowed[row / 64] >> (row % 64) & 1) != 0) numbers_.push_back(static_cast<std::uint32_t>(row));
}

Status AllowedRows::read(std::uint64_t first, std::span<float> out) const {
  for (std::size_t i = 0; i < out.size() / dims(); ++i)
    ATTAR_TRY(base_.read(numbers_[first + i], out.subspan(i * dims(), dims())));
  return {};
}

std::uint32_t AllowedRows::position(std::uint32_t number) const noexcept {
  return static_cast<std::uint32_t>(std::ranges::lower_bound(numbers_, number) - numbers_.begin());
}

}  // namespace attar::engine
