// f16: half precision's row in the registry.
#include "base/half.h"
#include "vector/common/block_codec.h"
#include "vector/common/sample.h"
#include "vector/f16/kernel.h"

namespace attar::vector::f16 {
namespace {

constexpr double cost_per_component = 4;
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
};

class F16Trained final : public codec::Trained {
 public:
  F16Trained(const codec::Codec& codec, Sample sample) : codec_(codec), sample_(std::move(sample)) {}

  std::vector<codec::Option> options(const codec::Goal& goal) const override {
    const auto option = price(codec_, model(), sample_, {}, cost_per_component);
    if (!option || option->bytes() > goal.bytes) return {};
    return {*option};
  }

  Result<std::shared_ptr<const codec::Model>> build(const codec::Params&) const override { return model(); }

 private:
  std::shared_ptr<const F16Model> model() const {
    return std::make_shared<const F16Model>(Basis::identity(sample_.schema.dims, sample_.exponent() - headroom));
  }

  const codec::Codec& codec_;
  Sample sample_;
};

Result<std::unique_ptr<codec::Trainer>> train(const codec::Codec& codec, const codec::Schema& schema,
                                              const codec::TrainContext& context) {
  return make_sample_trainer(schema, context, false, [&codec](Sample sample) -> Result<std::unique_ptr<codec::Trained>> {
    return std::make_unique<F16Trained>(codec, std::move(sample));
  });
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
