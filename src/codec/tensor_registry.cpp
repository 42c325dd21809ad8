#include <array>

#include "codec/tensors.h"

// Declared here by name and defined in each codec's folder, so that this table includes nothing from above it.
namespace attar::tensor {
const codec::TensorCodec& fields_codec() noexcept;
const codec::TensorCodec& planes_codec() noexcept;
const codec::TensorCodec& delta_codec() noexcept;
const codec::TensorCodec& steps_codec() noexcept;
const codec::TensorCodec& moves_codec() noexcept;
const codec::TensorCodec& refined_codec() noexcept;
}  // namespace attar::tensor

namespace attar::codec {

std::span<const TensorCodec* const> tensor_registry() noexcept {
  static const std::array<const TensorCodec*, 6> all = {&tensor::fields_codec(), &tensor::planes_codec(),
                                                        &tensor::delta_codec(),  &tensor::steps_codec(),
                                                        &tensor::moves_codec(),  &tensor::refined_codec()};
  return all;
}

const TensorCodec* find_tensor_codec(std::uint32_t id) noexcept {
  for (const TensorCodec* codec : tensor_registry())
    if (codec->info().id == id) return codec;
  return nullptr;
}

}  // namespace attar::codec
