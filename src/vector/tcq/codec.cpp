// tcq: the codec's row in the registry, and nothing else; spec.md has the bytes, kernel.* the arithmetic.
#include "vector/tcq/encode.h"
#include "vector/tcq/train.h"
#include "vector/tcq/view.h"

namespace attar::vector::tcq {
namespace {

class TcqCodec final : public codec::Codec {
 public:
  const codec::CodecInfo& info() const noexcept override {
    static constexpr codec::CodecInfo row = {.id = 0x0101,
                                             .name = "tcq",
                                             .wire_min = 1,
                                             .wire_max = 1,
                                             .summary = "transform coding, trellis-coded quantization"};
    return row;
  }

  Result<std::unique_ptr<codec::Trainer>> trainer(const codec::Schema& schema,
                                                  const codec::TrainContext& context) const override {
    return make_trainer(schema, context);
  }

  Result<std::shared_ptr<const codec::Model>> load(const format::SectionReader& section, const codec::Schema& schema,
                                                   const OpenLimits& limits) const override {
    return TcqModel::load(section, schema, limits);
  }

  Result<std::unique_ptr<codec::Encoder>> encoder(std::shared_ptr<const codec::Model> model,
                                                  const codec::Schema& schema, base::Sink& sink,
                                                  base::ThreadPool& pool) const override {
    return make_encoder(std::static_pointer_cast<const TcqModel>(std::move(model)), schema, sink, pool);
  }

  Result<std::unique_ptr<codec::View>> open(format::SectionReader codes, std::shared_ptr<const codec::Model> model,
                                            const codec::Schema& schema, const OpenLimits&) const override {
    return TcqView::open(std::move(codes), std::static_pointer_cast<const TcqModel>(std::move(model)), schema);
  }
};

}  // namespace
}  // namespace attar::vector::tcq

namespace attar::vector {
const codec::Codec& tcq_codec() noexcept {
  static const tcq::TcqCodec codec;
  return codec;
}
}  // namespace attar::vector
