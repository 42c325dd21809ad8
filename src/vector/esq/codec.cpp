// esq: the codec's row in the registry, and nothing else; spec.md has the bytes, kernel.* the arithmetic.
#include "vector/common/model_codec.h"
#include "vector/esq/encode.h"
#include "vector/esq/train.h"
#include "vector/esq/view.h"

namespace attar::vector {
const codec::Codec& esq_codec() noexcept {
  static const ModelCodec<esq::EsqModel, esq::EsqView> codec(
      {.id = 0x0106, .name = "esq", .summary = "embedded scalar quantization, single rows for walks", .walks = true},
      esq::make_trainer, esq::make_encoder);
  return codec;
}
}  // namespace attar::vector
