#include "text/encoder/encoder.h"

#include <fmt/format.h>

namespace attar::text {

Status Encoder::encode_spans(std::string_view, std::span<const ByteSpan>, base::ThreadPool&, std::span<float>) const {
  return fail(ErrorCode::unsupported,
              fmt::format("late chunking needs an encoder that reads words in their context, which {} does not; name "
                          "the folder of a BERT model",
                          info().name));
}

}  // namespace attar::text
