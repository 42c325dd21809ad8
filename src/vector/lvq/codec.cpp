// lvq: locally-adaptive quantization's row in the registry.
#include <array>
#include <optional>

#include "vector/common/block_codec.h"
#include "vector/common/sample.h"
#include "vector/lvq/kernel.h"

namespace attar::vector::lvq {
namespace {

constexpr double cost_per_component = 4;

// What the planner is offered, by falling rate: the largest that fits of each kind.
constexpr std::array one_level = {Levels{8, 0}, Levels{4, 0}, Levels{2, 0}};
constexpr std::array two_levels = {Levels{8, 8}, Levels{8, 4}, Levels{4, 4}, Levels{2, 4}};

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
    for (std::size_t row = 0; row < count; ++row) {
      const auto values = components.subspan(row * dims, dims);
      const RowRange range = range_of(values);
      base::store(lows + 2 * row, range.low);
      base::store(lows + 2 * (count + row), range.high);
      for (std::size_t j = 0; j < dims; ++j) {
        const std::uint32_t code = quantize(levels_, range, values[j]);
        const auto split = static_cast<std::uint32_t>(levels_.split());
        // The highest code of both levels is S·L + S: the first level never passes L.
        const std::uint32_t first = levels_.second == 0 ? code : std::min(code / split, (1u << levels_.first) - 1);
        put(out, count, row, j * levels_.first, first);
        if (levels_.second != 0) put(rest, count, row, j * levels_.second, code - first * split);
      }
    }
  }

  void decode_slab(const Lanes& lanes, std::size_t first, std::size_t count, float* out) const noexcept override {
    decode_columns(levels_, basis().dims(), lanes, first, count, out);
  }

  RowTerms row_terms(const std::byte* block, std::size_t rows, std::size_t row) const noexcept override {
    const std::byte* lows = block + rows * (code_bytes() - 4);
    return terms_of(levels_, {.low = base::load<std::uint16_t>(lows + 2 * row),
                              .high = base::load<std::uint16_t>(lows + 2 * (rows + row))});
  }

 private:
  static void put(std::byte* plane, std::size_t rows, std::size_t row, std::size_t bit, std::uint32_t code) noexcept {
    plane[bit / 8 * rows + row] |= static_cast<std::byte>(code << (bit % 8));
  }

  Levels levels_;
};

class LvqTrained final : public codec::Trained {
 public:
  LvqTrained(const codec::Codec& codec, Sample sample) : codec_(codec), sample_(std::move(sample)) {}

  std::vector<codec::Option> options(const codec::Goal& goal) const override {
    std::vector<codec::Option> out;
    for (const std::span<const Levels> kind : {std::span<const Levels>(one_level), std::span<const Levels>(two_levels)})
      if (auto option = largest_fitting(kind, goal.bytes)) out.push_back(*std::move(option));
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

  std::optional<codec::Option> largest_fitting(std::span<const Levels> kind, std::uint64_t bytes) const {
    const std::uint32_t dims = sample_.schema.dims;
    for (const Levels& levels : kind) {
      const std::uint64_t codes = codes_bytes(sample_.schema, LvqModel::row_code_bytes(levels, dims));
      if (LvqModel::saved_bytes(dims) + codes > bytes) continue;
      auto option = price(codec_, model(levels), sample_, {{{"first_bits", levels.first}, {"second_bits", levels.second}}},
                          levels.second == 0 ? cost_per_component : 1.5 * cost_per_component);
      if (option) return *std::move(option);
    }
    return std::nullopt;
  }

  const codec::Codec& codec_;
  Sample sample_;
};

Result<std::unique_ptr<codec::Trainer>> train(const codec::Codec& codec, const codec::Schema& schema,
                                              const codec::TrainContext& context) {
  return make_sample_trainer(schema, context, false, [&codec](Sample sample) -> Result<std::unique_ptr<codec::Trained>> {
    return std::make_unique<LvqTrained>(codec, std::move(sample));
  });
}

}  // namespace
}  // namespace attar::vector::lvq

namespace attar::vector {
const codec::Codec& lvq_codec() noexcept {
  static const BlockCodec<lvq::LvqModel, ColumnView> codec(
      {.id = 0x0103, .name = "lvq", .summary = "uniform levels between each row's own bounds, one or two levels"}, lvq::train);
  return codec;
}
}  // namespace attar::vector
