// rbin: repeated binary codes' row in the registry.
#include <algorithm>
#include <array>
#include <cmath>

#include "vector/common/block_codec.h"
#include "vector/common/nibbles.h"
#include "vector/common/sample.h"
#include "vector/rbin/kernel.h"

namespace attar::vector::rbin {
namespace {

// A plane looks four components up at once; to that comes the work of a row's weight and sums.
constexpr double cost_per_plane = 0.7;
constexpr double cost_per_row = 200;

class RbinModel final : public NibbleModel {
 public:
  RbinModel(Basis basis, std::vector<float> scales) : NibbleModel(std::move(basis)), scales_(std::move(scales)) {}

  static Result<std::shared_ptr<const RbinModel>> load(const format::SectionReader& section,
                                                       const codec::Schema& schema, const OpenLimits& limits) {
    base::ByteReader in(section.bytes());
    ATTAR_ASSIGN(auto basis, Basis::load(in, section, schema, limits));
    ATTAR_ASSIGN(const auto planes, in.read<std::uint8_t>());
    ATTAR_ASSIGN(const auto reserved, in.take(3));
    if (basis.kind() != Basis::Kind::hadamard || planes < 1 || planes > max_planes ||
        std::any_of(reserved.begin(), reserved.end(), [](std::byte byte) { return byte != std::byte{0}; }))
      return section.fail(ErrorCode::corrupt, "the model holds values that rbin never writes");
    ATTAR_ASSIGN(auto scales, in.read_array<float>(planes));
    if (!std::all_of(scales.begin(), scales.end(), [](float scale) { return std::isfinite(scale); }) ||
        in.remaining() != 0)
      return section.fail(ErrorCode::corrupt, "a scale of the model is not finite, or bytes follow the last one");
    return std::make_shared<const RbinModel>(std::move(basis), std::move(scales));
  }

  static std::uint64_t saved_bytes(std::uint32_t dims, std::size_t planes) {
    return Basis::saved_bytes(Basis::Kind::hadamard, dims, dims, true) + 4 + 4 * planes;
  }

  Status save(base::Sink& sink) const override {
    base::ByteWriter out;
    basis().save(out);
    out.write(static_cast<std::uint8_t>(scales_.size()));
    out.write<std::uint8_t>(0);
    out.write<std::uint16_t>(0);
    out.write_array(std::span<const float>(scales_));
    return sink.write(out.bytes());
  }

  std::size_t segment_groups() const noexcept override { return plane_groups(basis().dims()); }
  std::size_t segments() const noexcept override { return scales_.size(); }
  std::size_t weight_bytes() const noexcept override { return 2; }

  void fill_tables(std::span<const float> components, std::span<float> tables) const override {
    rbin::fill_tables(components, scales_, tables);
  }
  void decode(std::span<const std::uint8_t> nibbles, std::span<float> values) const override {
    decode_signs(nibbles, scales_, values);
  }

 private:
  float encode_row(std::span<const float> components, std::span<std::uint8_t> nibbles) const override {
    return encode_signs(components, scales_, nibbles);
  }

  std::vector<float> scales_;
};

class RbinTrained final : public codec::Trained {
 public:
  explicit RbinTrained(Sample sample) : sample_(std::move(sample)) {}

  /// Prices every number of planes; the rows are not needed after it.
  Status measure(const codec::Codec& codec) {
    for (std::size_t planes = 1; planes <= max_planes; ++planes) {
      ATTAR_ASSIGN(distortions_[planes - 1], measure_distortion(codec, model(planes), sample_));
    }
    sample_.rows = {};
    return {};
  }

  std::vector<codec::Option> options(const codec::Goal& goal) const override {
    for (std::size_t planes = max_planes; planes >= 1; --planes) {
      codec::Option out = option(planes);
      if (out.bytes() <= goal.bytes) return {std::move(out)};
    }
    return {};
  }

  Result<std::shared_ptr<const codec::Model>> build(const codec::Params& params) const override {
    const std::int64_t planes = params.get("planes", 1);
    if (planes < 1 || planes > static_cast<std::int64_t>(max_planes))
      return fail(ErrorCode::invalid_argument, "rbin takes 1 to 8 planes");
    return model(static_cast<std::size_t>(planes));
  }

 private:
  codec::Option option(std::size_t planes) const {
    const std::uint32_t dims = sample_.schema.dims;
    return make_option(sample_.schema, "repeated signs", {{{"planes", static_cast<std::int64_t>(planes)}}},
                       {.model_bytes = RbinModel::saved_bytes(dims, planes),
                        .code_bytes = planes * plane_groups(dims) / 2 + 2,
                        .distortion = distortions_[planes - 1],
                        .work = cost_per_row + cost_per_plane * static_cast<double>(planes) * dims});
  }

  std::shared_ptr<const RbinModel> model(std::size_t planes) const {
    std::vector<float> scales(planes);
    gaussian_scales(scales);
    Basis basis = Basis::hadamard(sample_.schema.dims, sample_.exponent(), sample_.seed);
    basis.set_centre(sample_.mean);
    return std::make_shared<const RbinModel>(std::move(basis), std::move(scales));
  }

  Sample sample_;
  std::array<double, max_planes> distortions_{};
};

Result<std::unique_ptr<codec::Trainer>> train(const codec::Codec& codec, const codec::Schema& schema,
                                              const codec::TrainContext& context) {
  const auto make = [&codec](Sample sample, base::ThreadPool&) -> Result<std::unique_ptr<codec::Trained>> {
    auto out = std::make_unique<RbinTrained>(std::move(sample));
    ATTAR_TRY(out->measure(codec));
    return out;
  };
  return make_sample_trainer(schema, context, false, make);
}

}  // namespace
}  // namespace attar::vector::rbin

namespace attar::vector {
const codec::Codec& rbin_codec() noexcept {
  static const BlockCodec<rbin::RbinModel, NibbleView> codec(
      {.id = 0x0104, .name = "rbin", .summary = "signs of the residual, repeated"}, rbin::train);
  return codec;
}
}  // namespace attar::vector
