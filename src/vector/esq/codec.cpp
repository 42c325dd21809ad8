// esq: the codec's row in the registry, and nothing else; spec.md has the bytes, kernel.* the arithmetic.
#include "vector/esq/encode.h"
#include "vector/esq/train.h"
#include "vector/esq/view.h"

namespace attar::vector::esq {
namespace {

class EsqCodec final : public codec::Codec {
 public:
  const codec::CodecInfo& info() const noexcept override {
    static constexpr codec::CodecInfo row = {.id = 0x0106,
                                             .name = "esq",
                                             .wire_min = 1,
                                             .wire_max = 1,
                                             .summary = "embedded scalar quantization, single rows for walks",
                                             .walks = true};
    return row;
  }

  Result<std::unique_ptr<codec::Trainer>> trainer(const codec::Schema& schema,
                                                  const codec::TrainContext& context) const override {
    return make_trainer(schema, context);
  }

  Result<std::shared_ptr<const codec::Model>> load(const format::SectionReader& section, const codec::Schema& schema,
                                                   const OpenLimits& limits) const override {
    return EsqModel::load(section, schema, limits);
  }

  Result<std::unique_ptr<codec::Encoder>> encoder(std::shared_ptr<const codec::Model> model,
                                                  const codec::Schema& schema, base::Sink& sink,
                                                  base::ThreadPool& pool) const override {
    return make_encoder(std::static_pointer_cast<const EsqModel>(std::move(model)), schema, sink, pool);
  }

  Result<std::unique_ptr<codec::View>> open(format::SectionReader codes, std::shared_ptr<const codec::Model> model,
                                            const codec::Schema& schema, const OpenLimits&) const override {
    return EsqView::open(std::move(codes), std::static_pointer_cast<const EsqModel>(std::move(model)), schema);
  }
};

}  // namespace
}  // namespace attar::vector::esq

namespace attar::vector {
const codec::Codec& esq_codec() noexcept {
  static const esq::EsqCodec codec;
  return codec;
}
}  // namespace attar::vector
