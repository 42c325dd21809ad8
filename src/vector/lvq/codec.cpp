// lvq: locally-adaptive quantization's row in the registry.
#include <algorithm>
#include <array>

#include "vector/common/block_codec.h"
#include "vector/common/sample.h"
#include "vector/lvq/kernel.h"

namespace attar::vector::lvq {
namespace {

constexpr double cost_per_component = 10;

// What the planner is offered, by falling rate: the largest that fits with one level and with two.
constexpr std::array<Levels, 7> offered = {{{8, 8}, {8, 4}, {4, 4}, {2, 4}, {8, 0}, {4, 0}, {2, 0}}};

bool is_written(int first, int second) noexcept {
  return (first == 2 || first == 4 || first == 8) && (second == 0 || second == 4 || second == 8);
}

class LvqModel final : public ColumnModel {
 public:
  LvqModel(Basis basis, Levels levels) : ColumnModel(std::move(basis)), levels_(levels) {}

  static Result<std::shared_ptr<const LvqModel>> load(const format::SectionReader& section, const codec::Schema& schema,
                                                      const OpenLimits& limits) {
    base::ByteReader in(section.bytes());
    ATTAR_ASSIGN(auto basis, Basis::load(in, section, schema, limits));
    Levels levels;
    ATTAR_ASSIGN(levels.first, in.read<std::uint8_t>());
    ATTAR_ASSIGN(levels.second, in.read<std::uint8_t>());
    ATTAR_ASSIGN(const auto reserved, in.read<std::uint16_t>());
    if (basis.kind() != Basis::Kind::identity || !is_written(levels.first, levels.second) || reserved != 0 ||
        in.remaining() != 0)
      return section.fail(ErrorCode::corrupt, "the model holds values that lvq never writes");
    return std::make_shared<const LvqModel>(std::move(basis), levels);
  }

  static std::uint64_t saved_bytes(std::uint32_t dims) {
    return Basis::saved_bytes(Basis::Kind::identity, dims, dims, true) + 4;
  }
  static std::uint64_t row_code_bytes(const Levels& levels, std::uint32_t dims) {
    return levels.first_bytes(dims) + levels.second_bytes(dims) + 4;
  }

  Status save(base::Sink& sink) const override {
    base::ByteWriter out;
    basis().save(out);
    out.write(levels_.first);
    out.write(levels_.second);
    out.write<std::uint16_t>(0);
    return sink.write(out.bytes());
  }

  std::uint64_t code_bytes() const noexcept override { return row_code_bytes(levels_, basis().dims()); }

  void encode(std::span<const float> components, std::size_t count, std::byte* out) const override {
    const std::size_t dims = basis().dims();
    std::byte* rest = out + levels_.first_bytes(dims) * count;
    std::byte* lows = rest + levels_.second_bytes(dims) * count;
    std::vector<Codes> codes(dims);
    for (std::size_t row = 0; row < count; ++row) {
      const auto values = components.subspan(row * dims, dims);
      const RowRange range = range_of(values);
      base::store(lows + 2 * row, range.low);
      base::store(lows + 2 * (count + row), range.high);
      quantize(levels_, range, values, codes);
      for (std::size_t j = 0; j < dims; ++j) {
        put(out, count, row, j * levels_.first, codes[j].first);
        if (levels_.second != 0) put(rest, count, row, j * levels_.second, codes[j].second);
      }
    }
  }

  void decode_slab(const Lanes& lanes, std::size_t first, std::size_t count, float* out) const noexcept override {
    decode_columns(levels_, basis().dims(), lanes, first, count, out);
  }
  void decode_one(const Lanes& lane, std::size_t first, std::size_t count, float* out) const noexcept override {
    if (lane.rows != 1 || levels_.first != 8 || levels_.second != 0)
      return ColumnModel::decode_one(lane, first, count, out);
    decode_bytes(lane.block, first, count, out);
  }

  RowTerms row_terms(const std::byte* block, std::size_t rows, std::size_t row) const noexcept override {
    const std::byte* lows = block + rows * (code_bytes() - 4);
    return terms_of(levels_, {.low = base::load<std::uint16_t>(lows + 2 * row),
                              .high = base::load<std::uint16_t>(lows + 2 * (rows + row))});
  }

 private:
  static void put(std::byte* plane, std::size_t rows, std::size_t row, std::size_t bit, unsigned code) noexcept {
    plane[bit / 8 * rows + row] |= static_cast<std::byte>(code << (bit % 8));
  }

  Levels levels_;
};

class LvqTrained final : public codec::Trained {
 public:
  explicit LvqTrained(Sample sample) : sample_(std::move(sample)) {}

  /// Prices all that is offered; the rows are not needed after it.
  Status measure(const codec::Codec& codec) {
    for (std::size_t i = 0; i < offered.size(); ++i) {
      ATTAR_ASSIGN(distortions_[i], measure_distortion(codec, model(offered[i]), sample_));
    }
    sample_.rows = {};
    return {};
  }

  std::vector<codec::Option> options(const codec::Goal& goal) const override {
    std::vector<codec::Option> out;
    for (std::size_t i = 0; i < offered.size(); ++i) {
      codec::Option next = option(i);
      const bool larger_fits = std::any_of(out.begin(), out.end(),
                                           [&](const codec::Option& other) { return other.variant == next.variant; });
      if (!larger_fits && next.bytes() <= goal.bytes) out.push_back(std::move(next));
    }
    return out;
  }

  Result<std::shared_ptr<const codec::Model>> build(const codec::Params& params) const override {
    const std::int64_t first = params.get("first_bits", 8), second = params.get("second_bits", 0);
    if (first > 8 || second > 8 || !is_written(static_cast<int>(first), static_cast<int>(second)))
      return fail(ErrorCode::invalid_argument, "lvq takes first_bits 2, 4 or 8 and second_bits 0, 4 or 8");
    return model({static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(second)});
  }

 private:
  std::shared_ptr<const LvqModel> model(const Levels& levels) const {
    Basis basis = Basis::identity(sample_.schema.dims, sample_.exponent());
    basis.set_centre(sample_.mean);
    return std::make_shared<const LvqModel>(std::move(basis), levels);
  }

  codec::Option option(std::size_t i) const {
    const std::uint32_t dims = sample_.schema.dims;
    const Levels& levels = offered[i];
    const double cost = levels.second == 0 ? cost_per_component : 1.6 * cost_per_component;
    return make_option(sample_.schema, levels.second == 0 ? "one level" : "two levels",
                       {{{"first_bits", levels.first}, {"second_bits", levels.second}}},
                       {.model_bytes = LvqModel::saved_bytes(dims),
                        .code_bytes = LvqModel::row_code_bytes(levels, dims),
                        .distortion = distortions_[i],
                        .work = cost * dims});
  }

  Sample sample_;
  std::array<double, offered.size()> distortions_{};
};

Result<std::unique_ptr<codec::Trainer>> train(const codec::Codec& codec, const codec::Schema& schema,
                                              const codec::TrainContext& context) {
  const auto make = [&codec](Sample sample, base::ThreadPool&) -> Result<std::unique_ptr<codec::Trained>> {
    auto out = std::make_unique<LvqTrained>(std::move(sample));
    ATTAR_TRY(out->measure(codec));
    return out;
  };
  return make_sample_trainer(schema, context, false, make);
}

}  // namespace
}  // namespace attar::vector::lvq

namespace attar::vector {
const codec::Codec& lvq_codec() noexcept {
  static const BlockCodec<lvq::LvqModel, ColumnView> codec(
      {.id = 0x0103, .name = "lvq", .summary = "uniform levels between each row's own bounds, one or two levels"},
      lvq::train);
  return codec;
}
}  // namespace attar::vector
