// f8: E4M3's row in the registry.
#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "base/half.h"
#include "simd/inner_products.h"
#include "vector/common/block_codec.h"
#include "vector/common/sample.h"
#include "vector/f8/kernel.h"

namespace attar::vector::f8 {
namespace {

constexpr double cost_per_component = 8;
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

// The models that training can make: all columns, or the leading principal components.
class F8Trained final : public codec::Trained {
 public:
  explicit F8Trained(Sample sample) : sample_(std::move(sample)) {}

  /// Prices all columns and every truncation; the rows are not needed after it.
  Status measure(const codec::Codec& codec) {
    ATTAR_ASSIGN(distortion_, measure_distortion(codec, model(sample_.schema.dims), sample_));
    if (!sample_.components.values.empty()) measure_truncations();
    sample_.rows = {};
    return {};
  }

  std::vector<codec::Option> options(const codec::Goal& goal) const override {
    const std::uint32_t dims = sample_.schema.dims;
    if (saved_bytes(dims) + codes_bytes(sample_.schema, dims) <= goal.bytes)
      return {option(dims, "all columns", distortion_)};
    const std::uint32_t kept = largest_kept(goal.bytes);
    if (kept == 0) return {};
    return {option(kept, "truncated", truncated_distortion_[kept])};
  }

  // dims_kept = dims: the cast alone; fewer: so many principal components.
  Result<std::shared_ptr<const codec::Model>> build(const codec::Params& params) const override {
    const std::int64_t kept = params.get("dims_kept", sample_.schema.dims);
    const bool projected = kept != sample_.schema.dims;
    if (kept < 1 || kept > sample_.schema.dims || (projected && sample_.components.values.empty()))
      return fail(ErrorCode::invalid_argument, fmt::format("dims_kept must be 1 … {}; above {} dimensions all are kept",
                                                           sample_.schema.dims, max_dense_dims));
    return model(static_cast<std::uint32_t>(kept));
  }

 private:
  codec::Option option(std::uint32_t kept, std::string variant, double distortion) const {
    return make_option(sample_.schema, std::move(variant), {{{"dims_kept", kept}}},
                       {.model_bytes = saved_bytes(kept),
                        .code_bytes = kept,
                        .distortion = distortion,
                        .work = cost_per_component * kept});
  }

  std::uint64_t saved_bytes(std::uint32_t kept) const {
    const bool dense = kept != sample_.schema.dims;
    const auto kind = dense ? Basis::Kind::dense : Basis::Kind::identity;
    return Basis::saved_bytes(kind, sample_.schema.dims, kept, dense);
  }

  // Most principal components that fit, below all of them; 0 when none does.
  std::uint32_t largest_kept(std::uint64_t limit) const {
    const std::uint32_t dims = sample_.schema.dims;
    if (sample_.components.values.empty() || dims < 2) return 0;
    const std::uint64_t one = saved_bytes(1) + codes_bytes(sample_.schema, 1), each = sample_.schema.rows + 4 + dims;
    if (one > limit) return 0;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(dims - 1, 1 + (limit - one) / each));
  }

  // Power of two, beyond the sample's exponent, that brings the first component's deviation to its place.
  int projected_exponent() const {
    const double deviation = std::sqrt(sample_.components.values[0]);
    return (deviation > 0 ? std::ilogb(deviation) + 1 : 0) - deviation_headroom;
  }

  // What a truncation leaves: the error of the components kept and all of the others.
  void measure_truncations() {
    const std::size_t dims = sample_.schema.dims;
    const std::vector<float> rows = sample_.centred(sample_.measured());
    const std::size_t count = rows.size() / dims;
    const std::vector<float> vectors(sample_.components.vectors.values.begin(),
                                     sample_.components.vectors.values.end());
    std::vector<float> components(rows.size());
    simd::inner_products({.a = rows.data(),
                          .n = count,
                          .b = vectors.data(),
                          .m = dims,
                          .dims = dims,
                          .out = components.data(),
                          .stride = dims});
    const double scale = std::ldexp(1.0, -projected_exponent());
    std::vector<double> energy(dims), error(dims);
    for (std::size_t i = 0; i < components.size(); ++i) {
      const double value = static_cast<double>(components[i]) * scale;
      const double difference =
          value - static_cast<double>(base::e4m3_to_float(base::float_to_e4m3(static_cast<float>(value))));
      energy[i % dims] += value * value;
      error[i % dims] += difference * difference;
    }
    const double total = std::accumulate(energy.begin(), energy.end(), 0.0);
    double left = total;
    truncated_distortion_.push_back(total > 0 ? 1.0 : 0.0);
    for (std::size_t kept = 1; kept < dims; ++kept) {
      left += error[kept - 1] - energy[kept - 1];
      truncated_distortion_.push_back(total > 0 ? std::max(left, 0.0) / total : 0.0);
    }
  }

  std::shared_ptr<const F8Model> model(std::uint32_t kept) const {
    const std::uint32_t dims = sample_.schema.dims;
    if (kept == dims) return std::make_shared<const F8Model>(Basis::identity(dims, sample_.exponent() - headroom));
    math::Matrix<double> leading(kept, dims);
    std::copy_n(sample_.components.vectors.values.begin(), leading.values.size(), leading.values.begin());
    Basis basis = Basis::dense(leading, sample_.exponent() + projected_exponent());
    basis.set_centre(sample_.mean);
    return std::make_shared<const F8Model>(std::move(basis));
  }

  Sample sample_;
  double distortion_ = 0;                     // of all columns
  std::vector<double> truncated_distortion_;  // by components kept
};

Result<std::unique_ptr<codec::Trainer>> train(const codec::Codec& codec, const codec::Schema& schema,
                                              const codec::TrainContext& context) {
  const auto make = [&codec](Sample sample, base::ThreadPool&) -> Result<std::unique_ptr<codec::Trained>> {
    auto out = std::make_unique<F8Trained>(std::move(sample));
    ATTAR_TRY(out->measure(codec));
    return out;
  };
  return make_sample_trainer(schema, context, true, make);
}

}  // namespace
}  // namespace attar::vector::f8

namespace attar::vector {
const codec::Codec& f8_codec() noexcept {
  static const BlockCodec<f8::F8Model, ColumnView> codec(
      {.id = 0x0102, .name = "f8", .summary = "E4M3 floats, of principal components when the budget is small"},
      f8::train);
  return codec;
}
}  // namespace attar::vector
