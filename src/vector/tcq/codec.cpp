// tcq: the codec's row in the registry, and nothing else; spec.md has the bytes, kernel.* the arithmetic.
#include "vector/common/model_codec.h"
#include "vector/tcq/encode.h"
#include "vector/tcq/train.h"
#include "vector/tcq/view.h"

namespace attar::vector {
const codec::Codec& tcq_codec() noexcept {
  static const ModelCodec<tcq::TcqModel, tcq::TcqView> codec(
      {.id = 0x0101, .name = "tcq", .summary = "transform coding, trellis-coded quantization"}, tcq::make_trainer,
      tcq::make_encoder);
  return codec;
}
}  // namespace attar::vector
