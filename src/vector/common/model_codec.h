// A codec whose model and view are types of its own, as a row of the registry.
#pragma once

#include <memory>

#include "codec/codec.h"

namespace attar::vector {

/// ModelType: has `static Result<std::shared_ptr<const ModelType>> load(section, schema, limits)`, of a section that is
/// no larger than the limits allow and has been verified; ViewType: has `static open(codes, model, schema)`. `train`
/// makes the trainer, `encode` the encoder of a model.
template <class ModelType, class ViewType>
class ModelCodec : public codec::Codec {
 public:
  using Train = Result<std::unique_ptr<codec::Trainer>> (*)(const codec::Codec&, const codec::Schema&,
                                                            const codec::TrainContext&);
  using Encode = Result<std::unique_ptr<codec::Encoder>> (*)(std::shared_ptr<const ModelType>, const codec::Schema&,
                                                             base::Sink&, base::ThreadPool&);

  ModelCodec(codec::CodecInfo info, Train train, Encode encode) : info_(info), train_(train), encode_(encode) {}

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
    return encode_(std::static_pointer_cast<const ModelType>(std::move(model)), schema, sink, pool);
  }

  Result<std::unique_ptr<codec::View>> open(format::SectionReader codes, std::shared_ptr<const codec::Model> model,
                                            const codec::Schema& schema, const OpenLimits&) const override {
    return ViewType::open(std::move(codes), std::static_pointer_cast<const ModelType>(std::move(model)), schema);
  }

 private:
  codec::CodecInfo info_;
  Train train_;
  Encode encode_;
};

}  // namespace attar::vector
