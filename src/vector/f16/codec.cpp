// f16: half precision's row in the registry.
#include "base/half.h"
#include "vector/common/block_codec.h"
#include "vector/common/sample.h"
#include "vector/f16/kernel.h"

namespace attar::vector::f16 {
namespace {

constexpr double cost_per_component = 8;
constexpr int headroom = 7;  // the sample's largest magnitude goes to 2^6 … 2^7
constexpr float largest_half = 65504.0f;

class F16Model final : public ColumnModel {
 public:
  explicit F16Model(Basis basis) : ColumnModel(std::move(basis)) {}

  static Result<std::shared_ptr<const F16Model>> load(const format::SectionReader& section, const codec::Schema& schema,
                                                      const OpenLimits& limits) {
    base::ByteReader in(section.bytes());
    ATTAR_ASSIGN(auto basis, Basis::load(in, section, schema, limits));
    if (basis.kind() != Basis::Kind::identity || in.remaining() != 0)
      return section.fail(ErrorCode::corrupt, "the model of f16 is an identity basis and nothing else");
    return std::make_shared<const F16Model>(std::move(basis));
  }

  Status save(base::Sink& sink) const override {
    base::ByteWriter out;
    basis().save(out);
    return sink.write(out.bytes());
  }

  std::uint64_t code_bytes() const noexcept override { return 2ull * basis().dims(); }

  void encode(std::span<const float> components, std::size_t count, std::byte* out) const override {
    for (std::size_t row = 0; row < count; ++row)
      for (std::size_t j = 0; j < basis().dims(); ++j) {
        const float value = std::clamp(components[row * basis().dims() + j], -largest_half, largest_half);
        base::store(out + 2 * (j * count + row), base::float_to_half(value));
      }
  }

  void decode_slab(const Lanes& lanes, std::size_t first, std::size_t count, float* out) const noexcept override {
    decode_columns(lanes, first, count, out);
  }
  void decode_one(const Lanes& lane, std::size_t first, std::size_t count, float* out) const noexcept override {
    if (lane.rows != 1) return ColumnModel::decode_one(lane, first, count, out);
    decode_row(lane.block, first, count, out);
  }
};

class F16Trained final : public codec::Trained {
 public:
  F16Trained(const codec::Schema& schema, std::shared_ptr<const F16Model> model, double distortion)
      : schema_(schema), model_(std::move(model)), distortion_(distortion) {}

  std::vector<codec::Option> options(const codec::Goal& goal) const override {
    const std::uint64_t model_bytes = Basis::saved_bytes(Basis::Kind::identity, schema_.dims, schema_.dims, false);
    codec::Option out = make_option(schema_, "half precision", {},
                                    {.model_bytes = model_bytes,
                                     .code_bytes = model_->code_bytes(),
                                     .distortion = distortion_,
                                     .work = cost_per_component * schema_.dims});
    if (out.bytes() > goal.bytes) return {};
    return {std::move(out)};
  }

  Result<std::shared_ptr<const codec::Model>> build(const codec::Params&) const override { return model_; }

 private:
  codec::Schema schema_;
  std::shared_ptr<const F16Model> model_;
  double distortion_;
};

Result<std::unique_ptr<codec::Trainer>> train(const codec::Codec& codec, const codec::Schema& schema,
                                              const codec::TrainContext& context) {
  const auto make = [&codec](const Sample& sample, base::ThreadPool&) -> Result<std::unique_ptr<codec::Trained>> {
    auto model = std::make_shared<const F16Model>(Basis::identity(sample.schema.dims, sample.exponent() - headroom));
    ATTAR_ASSIGN(const double distortion, measure_distortion(codec, model, sample));
    return std::make_unique<F16Trained>(sample.schema, std::move(model), distortion);
  };
  return make_sample_trainer(schema, context, false, make);
}

}  // namespace
}  // namespace attar::vector::f16

namespace attar::vector {
const codec::Codec& f16_codec() noexcept {
  static const BlockCodec<f16::F16Model, ColumnView> codec({.id = 0x0002, .name = "f16", .summary = "half precision"},
                                                           f16::train);
  return codec;
}
}  // namespace attar::vector
