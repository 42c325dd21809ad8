#include "engine/loss_meter.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "tensor/steps/frame.h"

namespace attar::engine {

void BlockLoss::add(const BlockLoss& other) noexcept {
  square += other.square;
  squared_error += other.squared_error;
  max_error = std::max(max_error, other.max_error);
  broken = broken || other.broken;
}

BlockLoss measure_loss(const codec::Element& element, base::ByteView original, base::ByteView back) {
  using tensor::steps::widen;
  BlockLoss out;
  const auto type = tensor::steps::type_of(element);
  if (!type) {
    out.broken = !std::ranges::equal(original, back);
    return out;
  }
  constexpr std::size_t together = 1024;
  std::array<float, together + tensor::steps::slack> was, is;
  const std::size_t bytes = element.bytes, count = original.size() / bytes;
  for (std::size_t first = 0; first < count; first += together) {
    const std::size_t own = std::min(together, count - first);
    widen(*type, original.data() + first * bytes, own, was.data());
    widen(*type, back.data() + first * bytes, own, is.data());
    for (std::size_t i = 0; i < own; ++i) {
      if (!std::isfinite(was[i]) || !std::isfinite(is[i])) {
        out.broken = out.broken || !std::ranges::equal(original.subspan((first + i) * bytes, bytes),
                                                       back.subspan((first + i) * bytes, bytes));
        continue;
      }
      const double value = static_cast<double>(was[i]), error = std::fabs(value - static_cast<double>(is[i]));
      out.square += value * value;
      out.squared_error += error * error;
      out.max_error = std::max(out.max_error, error);
    }
  }
  return out;
}

BlockLoss measure_kept_rows(const codec::Element& element, base::ByteView original, base::ByteView back,
                            const format::KeptRowsEntry* rows, std::uint64_t table_bytes, std::uint64_t at) {
  if (rows == nullptr) return measure_loss(element, original, back);
  BlockLoss out;
  const std::uint64_t row_bytes = table_bytes / rows->rows, end = at + original.size();
  // Runs of kept rows, as far as this part holds them.
  for (std::uint64_t row = at / row_bytes; row < rows->rows && row * row_bytes < end; ++row) {
    if (!rows->keeps(row)) continue;
    std::uint64_t last = row + 1;
    while (last < rows->rows && last * row_bytes < end && rows->keeps(last)) ++last;
    const std::uint64_t first_byte = std::max(at, row * row_bytes) - at,
                        last_byte = std::min(end, last * row_bytes) - at;
    out.add(measure_loss(element, original.subspan(first_byte, last_byte - first_byte),
                         back.subspan(first_byte, last_byte - first_byte)));
    row = last;
  }
  return out;
}

TensorLoss loss_of(const format::TensorLossEntry& entry) noexcept {
  return {.relative_error = entry.square > 0 ? entry.squared_error / entry.square : 0,
          .max_error = entry.max_error,
          .sensitivity = entry.sensitivity};
}

}  // namespace attar::engine
