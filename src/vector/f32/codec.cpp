// f32: the exact codec's row in the registry.
#include "vector/common/block_codec.h"
#include "vector/common/sample.h"
#include "vector/f32/kernel.h"

namespace attar::vector::f32 {
namespace {

// Relative to one component of tcq, as all costs are; products in double.
constexpr double cost_per_component = 14;

class F32Model final : public ColumnModel {
 public:
  explicit F32Model(std::uint32_t dims) : ColumnModel(Basis::identity(dims, 0)) {}

  static Result<std::shared_ptr<const F32Model>> load(const format::SectionReader& section, const codec::Schema& schema,
                                                      const OpenLimits&) {
    if (!section.bytes().empty()) return section.fail(ErrorCode::corrupt, "the model of f32 must be empty");
    return std::make_shared<const F32Model>(schema.dims);
  }

  Status save(base::Sink& sink) const override { return sink.write({}); }
  std::uint64_t code_bytes() const noexcept override { return 4ull * basis().dims(); }
  bool wide() const noexcept override { return true; }

  void encode(std::span<const float> components, std::size_t count, std::byte* out) const override {
    for (std::size_t row = 0; row < count; ++row)
      for (std::size_t j = 0; j < basis().dims(); ++j)
        base::store(out + 4 * (j * count + row), components[row * basis().dims() + j]);
  }

  void decode_slab(const Lanes& lanes, std::size_t first, std::size_t count, float* out) const noexcept override {
    decode_columns(lanes, first, count, out);
  }
};

class F32Trained final : public codec::Trained {
 public:
  explicit F32Trained(const codec::Schema& schema) : schema_(schema) {}

  std::vector<codec::Option> options(const codec::Goal& goal) const override {
    codec::Option out = make_option(schema_, "exact", {},
                                    {.code_bytes = 4ull * schema_.dims, .work = cost_per_component * schema_.dims});
    if (out.bytes() > goal.bytes) return {};
    return {std::move(out)};
  }

  Result<std::shared_ptr<const codec::Model>> build(const codec::Params&) const override {
    return std::make_shared<const F32Model>(schema_.dims);
  }

 private:
  codec::Schema schema_;
};

// Nothing is learned from the rows.
class F32Trainer final : public codec::Trainer {
 public:
  explicit F32Trainer(const codec::Schema& schema) : schema_(schema) {}
  Status feed(const codec::Chunk&) override { return {}; }
  Result<std::unique_ptr<codec::Trained>> finish() override { return std::make_unique<F32Trained>(schema_); }

 private:
  codec::Schema schema_;
};

Result<std::unique_ptr<codec::Trainer>> train(const codec::Codec&, const codec::Schema& schema,
                                              const codec::TrainContext&) {
  return std::make_unique<F32Trainer>(schema);
}

}  // namespace
}  // namespace attar::vector::f32

namespace attar::vector {
const codec::Codec& f32_codec() noexcept {
  static const BlockCodec<f32::F32Model, ColumnView> codec(
      {.id = 0x0001, .name = "f32", .summary = "exact: single precision"}, f32::train);
  return codec;
}
}  // namespace attar::vector
