// opq: product quantization's row in the registry.
#include "vector/common/block_codec.h"
#include "vector/opq/model.h"
#include "vector/opq/train.h"

namespace attar::vector {
const codec::Codec& opq_codec() noexcept {
  static const BlockCodec<opq::OpqModel, NibbleView> codec(
      {.id = 0x0105, .name = "opq", .summary = "rotation and product quantizer, 4-bit fast scan"}, opq::make_trainer);
  return codec;
}
}  // namespace attar::vector
