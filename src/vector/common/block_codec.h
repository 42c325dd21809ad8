// A codec of blocks as a row of the registry: what all of them do alike.
#pragma once

#include <memory>

#include "vector/common/blocks.h"
#include "vector/common/model_codec.h"

namespace attar::vector {

/// A ModelCodec whose ModelType is a BlockModel, so that all have one encoder.
template <class ModelType, class ViewType>
class BlockCodec final : public ModelCodec<ModelType, ViewType> {
 public:
  BlockCodec(codec::CodecInfo info, typename ModelCodec<ModelType, ViewType>::Train train)
      : ModelCodec<ModelType, ViewType>(info, train, encode) {}

 private:
  static Result<std::unique_ptr<codec::Encoder>> encode(std::shared_ptr<const ModelType> model,
                                                        const codec::Schema& schema, base::Sink& sink,
                                                        base::ThreadPool& pool) {
    return make_block_encoder(std::move(model), schema, sink, pool);
  }
};

}  // namespace attar::vector
