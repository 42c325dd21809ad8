// f8: E4M3's row in the registry.
#include <cmath>

#include "base/half.h"
#include "vector/common/block_codec.h"
#include "vector/common/sample.h"
#include "vector/f8/kernel.h"

namespace attar::vector::f8 {
namespace {

constexpr double cost_per_component = 4;
constexpr int headroom = 7;            // without projection: the largest magnitude goes to 2^6 … 2^7
constexpr int deviation_headroom = 5;  // with it: the first component's deviation goes to 2^4 … 2^5

class F8Model final : public ColumnModel {
 public:
  explicit F8Model(Basis basis) : ColumnModel(std::move(basis)) {}

  static Result<std::shared_ptr<const F8Model>> load(const format::SectionReader& section, const codec::Schema& schema,
                                                     const OpenLimits& limits) {
    base::ByteReader in(section.bytes());
    ATTAR_ASSIGN(auto basis, Basis::load(in, section, schema, limits));
    if (basis.kind() == Basis::Kind::hadamard || in.remaining() != 0)
      return section.fail(ErrorCode::corrupt, "the model of f8 is an identity or a dense basis and nothing else");
    return std::make_shared<const F8Model>(std::move(basis));
  }

  Status save(base::Sink& sink) const override {
    base::ByteWriter out;
    basis().save(out);
    return sink.write(out.bytes());
  }

  std::uint64_t code_bytes() const noexcept override { return basis().components(); }

  void encode(std::span<const float> components, std::size_t count, std::byte* out) const override {
    const std::size_t width = basis().components();
    for (std::size_t row = 0; row < count; ++row)
      for (std::size_t j = 0; j < width; ++j)
        out[j * count + row] = static_cast<std::byte>(base::float_to_e4m3(components[row * width + j]));
  }

  void decode_slab(const Lanes& lanes, std::size_t first, std::size_t count, float* out) const noexcept override {
    decode_columns(lanes, first, count, out);
  }
};

class F8Trained final : public codec::Trained {
 public:
  F8Trained(const codec::Codec& codec, Sample sample) : codec_(codec), sample_(std::move(sample)) {}

  // dims_kept = dims: the cast alone; fewer: so many principal components, where the cast alone does not fit.
  std::vector<codec::Option> options(const codec::Goal& goal) const override {
    const std::uint32_t dims = sample_.schema.dims;
    for (const std::uint32_t kept : {dims, largest_kept(goal.bytes)}) {
      if (kept == 0 || bytes(kept) > goal.bytes) continue;
      const auto option = price(codec_, model(kept), sample_, {{{"dims_kept", kept}}}, cost_per_component);
      if (option) return {*option};
    }
    return {};
  }

  Result<std::shared_ptr<const codec::Model>> build(const codec::Params& params) const override {
    const std::int64_t kept = params.get("dims_kept", sample_.schema.dims);
    const bool projected = kept != sample_.schema.dims;
    if (kept < 1 || kept > sample_.schema.dims || (projected && sample_.components.values.empty()))
      return fail(ErrorCode::invalid_argument, "dims_kept must be 1 … the dimensions; above 2048 dimensions all are kept");
    return model(static_cast<std::uint32_t>(kept));
  }

 private:
  std::uint64_t bytes(std::uint32_t kept) const {
    const bool dense = kept != sample_.schema.dims;
    const auto kind = dense ? Basis::Kind::dense : Basis::Kind::identity;
    return Basis::saved_bytes(kind, sample_.schema.dims, kept, dense) + codes_bytes(sample_.schema, kept);
  }

  // Most principal components that fit, below all of them; 0 when none does.
  std::uint32_t largest_kept(std::uint64_t limit) const {
    const std::uint32_t dims = sample_.schema.dims;
    if (sample_.components.values.empty() || dims < 2) return 0;
    const std::uint64_t one = bytes(1), each = sample_.schema.rows + 4 + dims;
    if (one > limit) return 0;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(dims - 1, 1 + (limit - one) / each));
  }

  std::shared_ptr<const F8Model> model(std::uint32_t kept) const {
    const std::uint32_t dims = sample_.schema.dims;
    if (kept == dims) return std::make_shared<const F8Model>(Basis::identity(dims, sample_.exponent() - headroom));
    math::Matrix<double> leading(kept, dims);
    std::copy_n(sample_.components.vectors.values.begin(), leading.values.size(), leading.values.begin());
    const double deviation = std::sqrt(sample_.components.values[0]);
    const int spread = deviation > 0 ? std::ilogb(deviation) + 1 : 0;
    Basis basis = Basis::dense(leading, sample_.exponent() + spread - deviation_headroom);
    basis.set_centre(sample_.mean);
    return std::make_shared<const F8Model>(std::move(basis));
  }

  const codec::Codec& codec_;
  Sample sample_;
};

Result<std::unique_ptr<codec::Trainer>> train(const codec::Codec& codec, const codec::Schema& schema,
                                              const codec::TrainContext& context) {
  return make_sample_trainer(schema, context, true, [&codec](Sample sample) -> Result<std::unique_ptr<codec::Trained>> {
    return std::make_unique<F8Trained>(codec, std::move(sample));
  });
}

}  // namespace
}  // namespace attar::vector::f8

namespace attar::vector {
const codec::Codec& f8_codec() noexcept {
  static const BlockCodec<f8::F8Model, ColumnView> codec(
      {.id = 0x0102, .name = "f8", .summary = "E4M3 floats, of principal components when the budget is small"}, f8::train);
  return codec;
}
}  // namespace attar::vector
