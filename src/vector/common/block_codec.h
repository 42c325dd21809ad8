// A codec of blocks as a row of the registry: what all of them do alike.
#pragma once

#include <memory>

#include "vector/common/blocks.h"

namespace attar::vector {

/// ModelType: a BlockModel with `static Result<std::shared_ptr<const ModelType>> load(section, schema, limits)`;
/// ViewType: has `static open(codes, model, schema)`. `train` makes the trainer.
template <class ModelType, class ViewType>
class BlockCodec final : public codec::Codec {
 public:
  using Train = Result<std::unique_ptr<codec::Trainer>> (*)(const codec::Codec&, const codec::Schema&,
                                                            const codec::TrainContext&);

  BlockCodec(codec::CodecInfo info, Train train) : info_(info), train_(train) {}

  const codec::CodecInfo& info() const noexcept override { return info_; }

  Result<std::unique_ptr<codec::Trainer>> trainer(const codec::Schema& schema,
                                                  const codec::TrainContext& context) const override {
    return train_(*this, schema, context);
  }

  Result<std::shared_ptr<const codec::Model>> load(const format::SectionReader& section, const codec::Schema& schema,
                                                   const OpenLimits& limits) const override {
    if (section.bytes().size() > limits.max_model_bytes)
      return section.fail(ErrorCode::over_limit, "the model is larger than OpenLimits::max_model_bytes");
    ATTAR_TRY(section.verify_all());
    return ModelType::load(section, schema, limits);
  }

  Result<std::unique_ptr<codec::Encoder>> encoder(std::shared_ptr<const codec::Model> model,
                                                  const codec::Schema& schema, base::Sink& sink,
                                                  base::ThreadPool& pool) const override {
    return make_block_encoder(std::static_pointer_cast<const ModelType>(std::move(model)), schema, sink, pool);
  }

  Result<std::unique_ptr<codec::View>> open(format::SectionReader codes, std::shared_ptr<const codec::Model> model,
                                            const codec::Schema& schema, const OpenLimits&) const override {
    return ViewType::open(std::move(codes), std::static_pointer_cast<const ModelType>(std::move(model)), schema);
  }

 private:
  codec::CodecInfo info_;
  Train train_;
};

}  // namespace attar::vector
