#include <algorithm>
#include <array>
#include <utility>

#include "codec/tensors.h"

// Declared here by name and defined in each codec's folder, so that this table includes nothing from above it.
namespace attar::tensor {
const codec::TensorCodec& fields_codec() noexcept;
const codec::TensorCodec& planes_codec() noexcept;
const codec::TensorCodec& delta_codec() noexcept;
const codec::TensorCodec& steps_codec() noexcept;
const codec::TensorCodec& moves_codec() noexcept;
const codec::TensorCodec& rows_codec() noexcept;
const codec::TensorCodec& step_rows_codec() noexcept;
const codec::TensorCodec& refined_codec() noexcept;
}  // namespace attar::tensor

namespace attar::codec {

std::span<const TensorCodec* const> tensor_registry() noexcept {
  // Where rows repeat, the same codec with less to do: it is tried before those that it hands the others to.
  static const std::array<const TensorCodec*, 8> all = {
      &tensor::rows_codec(),  &tensor::fields_codec(), &tensor::planes_codec(),    &tensor::delta_codec(),
      &tensor::steps_codec(), &tensor::moves_codec(),  &tensor::step_rows_codec(), &tensor::refined_codec()};
  return all;
}

TensorBlock TensorView::block(std::uint64_t number) const noexcept {
  const std::uint64_t each = block_elements * schema.element.bytes, at = number * each;
  const std::uint64_t length = std::min<std::uint64_t>(each, bytes.size() - at);
  TensorBlock out{.elements = bytes.subspan(at, length)};
  if (!base.empty()) out.base = base.subspan(at, length);
  if (finer.empty()) return out;
  const std::uint64_t rows = block_elements / schema.columns, first = number * rows;
  out.finer = finer.subspan(first, std::min<std::uint64_t>(rows, finer.size() - first));
  return out;
}

CodecChoice choose_codec(std::span<const TensorCodec* const> codecs, const TensorView& tensor) {
  // Estimates of different samples are some percent apart: a codec that comes later must be clearly smaller.
  constexpr double clearly = 0.97;
  CodecChoice out;
  for (const TensorCodec* codec : codecs) {
    auto trial = codec->look(tensor);
    if (trial && (!out.trial || trial->bytes() < clearly * out.trial->bytes())) out = {codec, std::move(trial)};
  }
  return out;
}

const TensorCodec* find_tensor_codec(std::uint32_t id) noexcept {
  for (const TensorCodec* codec : tensor_registry())
    if (codec->info().id == id) return codec;
  return nullptr;
}

}  // namespace attar::codec
