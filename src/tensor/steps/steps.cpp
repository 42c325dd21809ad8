#include "tensor/steps/steps.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "base/bits.h"
#include "base/checked.h"
#include "tensor/common/scales.h"
#include "tensor/steps/frame.h"
#include "tensor/steps/quantizer.h"

namespace attar::tensor::steps {
namespace {

constexpr std::uint64_t least_rows_with_columns = 32;  // fewer do not pay for columns' scales
constexpr std::uint64_t least_columns_with_rows = 16;  // shorter rows do not pay for a scale
constexpr std::uint64_t sampled_for_scales = 1u << 22, sampled_for_rates = 1u << 18;
constexpr int scale_rounds = 3;
// Further from the others a column's scale says no more.
constexpr int widest_column = 240;
// Finer steps than this part of the root mean square leave too many numbers without a symbol.
constexpr double most_half_steps_of_a_trellis = 24;
constexpr double bits_of_block_head = 8 * (1 + 4 + 4);

base::ByteView row_of(const codec::TensorView& view, std::uint64_t row) {
  const std::uint64_t row_bytes = view.schema.columns * view.schema.element.bytes, at = row * row_bytes;
  return view.bytes.subspan(at, std::min<std::uint64_t>(row_bytes, view.bytes.size() - at));
}

/// Whole rows at even distances, about so many elements of them; of rows that repeat only where there are no others.
std::vector<std::uint64_t> sampled_rows(const codec::TensorView& view, const rows::Repeats* repeats,
                                        std::uint64_t elements) {
  const std::uint64_t rows = base::ceil_div(view.schema.count, view.schema.columns);
  const std::uint64_t wanted = std::clamp<std::uint64_t>(elements / view.schema.columns, 1, rows);
  std::vector<std::uint64_t> out, own;
  for (std::uint64_t i = 0; i < wanted; ++i) out.push_back(i * rows / wanted);
  if (repeats == nullptr) return out;
  std::ranges::copy_if(out, std::back_inserter(own),
                       [&](std::uint64_t row) { return !repeats->number_of(row_of(view, row)); });
  return own.empty() ? out : own;
}

/// A block without its rows that repeat; the first one has the list before them. A thread keeps one.
codec::TensorBlock without_repeats(const codec::TensorBlock& block, const rows::Repeats& repeats, bool first) {
  thread_local rows::Kept kept;
  kept.clear();
  if (first) kept.add_list(repeats);
  kept.add_own(block, repeats);
  return kept.block();
}

// Rows of a tensor, less those of its base where it has one.
class RowReader {
 public:
  explicit RowReader(const codec::TensorView& view)
      : view_(view),
        type_(*type_of(view.schema.element)),
        values_(view.schema.columns),
        base_(view.base.empty() ? 0 : view.schema.columns) {}

  [[nodiscard]] unsigned finer(std::uint64_t row) const noexcept { return view_.finer.empty() ? 0 : view_.finer[row]; }

  std::span<const float> operator()(std::uint64_t row) {
    const std::uint64_t first = row * view_.schema.columns;
    const std::uint64_t count = std::min(view_.schema.columns, view_.schema.count - first);
    widen(type_, view_.bytes.data() + first * bytes_of(type_), count, values_.data());
    if (!base_.empty()) {
      widen(type_, view_.base.data() + first * bytes_of(type_), count, base_.data());
      for (std::uint64_t i = 0; i < count; ++i) values_[i] -= base_[i];
    }
    return std::span(values_).first(count);
  }

 private:
  const codec::TensorView& view_;
  Type type_;
  std::vector<float> values_, base_;
};

// Root mean squares by turns: of the rows with the columns' weights, then of the columns with the rows'.
std::vector<std::int16_t> scales_of_columns(const codec::TensorView& view, const rows::Repeats* repeats) {
  const std::size_t columns = view.schema.columns;
  RowReader read(view);
  const std::vector<std::uint64_t> sampled = sampled_rows(view, repeats, sampled_for_scales);
  std::vector<std::int16_t> out(columns);
  for (int round = 0; round < scale_rounds; ++round) {
    const std::vector<double> weights = weights_of_columns(out);
    std::vector<double> sums(columns);
    double rows = 0;
    for (const std::uint64_t row : sampled) {
      const std::span<const float> values = read(row);
      if (values.size() < columns) continue;
      const double mean = weighed_squares(values.data(), weights.data(), columns) / static_cast<double>(columns);
      if (!(mean > 0) || !std::isfinite(mean)) continue;
      add_squares(values.data(), 1 / std::sqrt(mean), sums.data(), columns);
      ++rows;
    }
    for (std::size_t j = 0; j < columns; ++j) {
      const double mean = rows > 0 ? sums[j] / rows : 1;
      const double eighths = mean > 0 ? 0.5 * steps_of_an_octave * std::log2(mean) : -widest_column;
      out[j] = static_cast<std::int16_t>(std::lround(std::clamp<double>(eighths, -widest_column, widest_column)));
    }
  }
  return out;
}

void count_symbols(const Block& block, codec::TableSets::Counts& counts) {
  for (std::size_t i = 0; i < block.count; ++i) ++counts[block.contexts[i]][block.symbols[i]];
}

double bits_of_scales(const Block& block) {
  base::ByteWriter out;
  write_scales(out, block.scales);
  if (!block.finer.empty()) write_scales(out, block.finer);
  return 8.0 * static_cast<double>(out.size());
}

// Symbols reach 127 steps: enough for what is thirty times as large as the others are.
unsigned low_bits_for(float half_step, double root_mean_square) {
  unsigned low = 0;
  while (low < most_low_bits &&
         root_mean_square > std::ldexp(static_cast<double>(half_step), static_cast<int>(low) + 3))
    ++low;
  return low;
}

/// Writes blocks of one tensor.
class StepsWriter final : public codec::TensorWriter {
 public:
  StepsWriter(Frame frame, const math::RansModel& model, Rounding rounding)
      : frame_(std::move(frame)), model_(model), quantizer_(frame_, model, rounding) {}

  [[nodiscard]] std::vector<std::byte> preamble() const override { return write_frame(frame_); }

  void write(const codec::TensorBlock& from, std::vector<std::byte>& out) const override {
    const base::ByteView elements = from.elements;
    thread_local Block block;
    thread_local std::vector<std::byte> stream;
    quantizer_.quantize(from, block);
    stream.clear();
    model_.encode(block.symbols.data(), block.contexts.data(), block.count, stream);
    base::ByteWriter head;
    head.write(kind_steps);
    head.write(static_cast<std::uint32_t>(stream.size()));
    head.write(static_cast<std::uint32_t>(block.escapes.size() / bytes_of(frame_.type)));
    write_scales(head, block.scales);
    if (frame_.finer) write_scales(head, block.finer);
    const std::vector<std::byte> low_bits = packed_low_bits(block);
    if (head.size() + stream.size() + block.escapes.size() + low_bits.size() > elements.size()) {
      out.push_back(std::byte{kind_stored});
      out.insert(out.end(), elements.begin(), elements.end());
      return;
    }
    for (const base::ByteView part :
         {head.bytes(), base::ByteView(stream), base::ByteView(block.escapes), base::ByteView(low_bits)})
      out.insert(out.end(), part.begin(), part.end());
  }

 private:
  [[nodiscard]] std::vector<std::byte> packed_low_bits(const Block& block) const {
    base::BitWriter bits;
    if (frame_.low != 0)
      for (std::size_t i = 0; i < block.count; ++i)
        if (block.symbols[i] != escape) bits.put(block.low_bits[i], frame_.low);
    return std::move(bits).finish();
  }

  Frame frame_;
  const math::RansModel& model_;
  Quantizer quantizer_;
};

}  // namespace

Result<Setting> bounded_by(double bound, double root_mean_square) {
  if (!(bound >= static_cast<double>(least_half_step) && bound <= static_cast<double>(most_half_step)))
    return fail(ErrorCode::invalid_argument, "an error's bound must lie between 2^-126 and 2^119");
  auto half_step = static_cast<float>(bound);
  if (static_cast<double>(half_step) > bound) half_step = std::nextafter(half_step, 0.0f);
  return Setting{
      .half_step = half_step, .rounding = Rounding::bounded, .low = low_bits_for(half_step, root_mean_square)};
}

Setting setting_of(double half_step, double root_mean_square) noexcept {
  const double held =
      std::clamp<double>(half_step, static_cast<double>(least_half_step), static_cast<double>(most_half_step));
  const auto rounded = static_cast<float>(held);
  if (root_mean_square <= most_half_steps_of_a_trellis * held) return {.half_step = rounded};
  return {.half_step = rounded, .rounding = Rounding::nearest, .low = low_bits_for(rounded, root_mean_square)};
}

void Tally::add(const Tally& other, double times) {
  const auto scaled = [&](std::uint64_t count) {
    return times == 1 ? count : static_cast<std::uint64_t>(static_cast<double>(count) * times + 0.5);
  };
  if (counts.size() < other.counts.size()) counts.resize(other.counts.size());
  for (std::size_t c = 0; c < other.counts.size(); ++c)
    for (std::size_t s = 0; s < alphabet; ++s) counts[c][s] += scaled(other.counts[c][s]);
  elements += scaled(other.elements);
  escapes += scaled(other.escapes);
  bits += other.bits * times;
  squared_error += other.squared_error * times;
  max_error = std::max(max_error, other.max_error);
}

std::unique_ptr<const Weights> Weights::look(const codec::TensorView& tensor,
                                             std::shared_ptr<const rows::Repeats> repeats) {
  const codec::TensorSchema& schema = tensor.schema;
  if (!type_of(schema.element) || schema.count == 0 || schema.columns == 0 || schema.columns > most_columns)
    return nullptr;
  auto out = std::unique_ptr<Weights>(new Weights);
  out->view_ = tensor;
  out->view_.base = {};
  out->has_base_ = !tensor.base.empty();
  if (!out->has_base_) out->repeats_ = std::move(repeats);
  out->column_scales_ = schema.count / schema.columns >= least_rows_with_columns && schema.columns > 1;
  out->scales_.resize(schema.columns);
  if (out->column_scales_) out->scales_ = scales_of_columns(tensor, out->repeats_.get());
  RowReader read(tensor);
  const std::vector<double> even(schema.columns, 1);
  for (std::uint64_t row = 0; row * schema.columns < schema.count; ++row) {
    const std::span<const float> values = read(row);
    const double own = weighed_squares(values.data(), even.data(), values.size());
    out->square_ += own;
    out->weighed_square_ += std::ldexp(own, static_cast<int>(read.finer(row)));
    for (const float x : values)
      if (std::isfinite(x)) out->largest_ = std::max(out->largest_, std::fabs(static_cast<double>(x)));
  }
  return out;
}

double Weights::root_mean_square() const noexcept {
  return std::sqrt(weighed_square_ / static_cast<double>(view_.schema.count));
}

bool Weights::has_row_scales() const noexcept { return view_.schema.columns >= least_columns_with_rows; }

std::uint64_t Weights::blocks() const noexcept { return base::ceil_div(view_.schema.count, view_.block_elements); }

codec::TensorBlock Weights::block_of(std::uint64_t block, base::ByteView base) const {
  codec::TensorView view = view_;
  if (has_base_) view.base = base;
  return repeats_ == nullptr ? view.block(block) : without_repeats(view.block(block), *repeats_, block == 0);
}

Frame Weights::frame_of(const Setting& setting) const {
  return {.type = *type_of(view_.schema.element),
          .columns = view_.schema.columns,
          .column_scales = column_scales_,
          .row_scales = has_row_scales(),
          .plain = setting.rounding != Rounding::trellis,
          .finer = !view_.finer.empty(),
          .half_step = setting.half_step,
          .low = setting.low,
          .scales = scales_};
}

std::vector<Rate> Weights::rates(std::span<const float> half_steps, base::ByteView base) const {
  const std::vector<double> weights = weights_of_columns(scales_);
  const std::vector<std::uint64_t> rows = sampled_rows(view_, repeats_.get(), sampled_for_rates);
  codec::TensorView view = view_;
  if (has_base_) view.base = base;
  RowReader read(view);
  std::vector<Rate> out;
  for (const float half_step : half_steps) {
    codec::TableSets::Counts counts(encoder_contexts);
    const std::size_t room = view_.schema.columns + slack;
    std::vector<std::uint8_t> symbols(room), contexts(room);
    std::vector<std::uint16_t> low_bits(room);
    std::vector<float> values(room), back(room);
    const unsigned low = setting_of(static_cast<double>(half_step), root_mean_square()).low;
    Rate own{.half_step = half_step};
    double seen = 0;
    for (const std::uint64_t row : rows) {
      const std::span<const float> own_values = read(row);
      const float factor = magnified_by({.half_step = half_step}, read.finer(row));
      std::ranges::transform(own_values, values.begin(), [factor](float x) { return x * factor; });
      const std::size_t length = own_values.size();
      const double mean = weighed_squares(values.data(), weights.data(), length) / static_cast<double>(length);
      find_contexts({.width = 2, .most_class = static_cast<int>(encoder_classes) - 1}, scales_.data(),
                    scale_of(mean, std::ldexp(half_step, static_cast<int>(low))), length, contexts.data());
      split_numbers(values.data(), half_step, low, length, symbols.data(), low_bits.data());
      join_numbers(symbols.data(), low_bits.data(), half_step, low, length, back.data());
      for (std::size_t j = 0; j < length; ++j) {
        ++counts[contexts[j]][symbols[j]];
        if (symbols[j] == escape) continue;
        const double error =
            (static_cast<double>(values[j]) - static_cast<double>(back[j])) / static_cast<double>(factor);
        own.squared_error += error * error;
        own.bits += low;
      }
      seen += static_cast<double>(length);
    }
    for (const math::RansCounts& context : counts)
      own.bits += math::entropy_bits(context) + 8.0 * view_.schema.element.bytes * static_cast<double>(context[escape]);
    const double scale = static_cast<double>(view_.schema.count) / seen;
    own.bits *= scale;
    own.squared_error *= scale;
    out.push_back(own);
  }
  return out;
}

Tally Weights::count_nearest(const Setting& setting, std::uint64_t block, base::ByteView base) const {
  thread_local Block parts;
  const Frame frame = frame_of(setting);
  Tally out{.counts = codec::TableSets::Counts(encoder_contexts)};
  const codec::TensorBlock elements = block_of(block, base);
  if (elements.elements.empty()) return out;
  prepare(frame, weights_of_columns(scales_), elements, parts);
  out.elements = parts.count;
  if (frame.plain) {
    parts.low_bits.resize(parts.count);
    split_numbers(parts.values.data(), frame.half_step, frame.low, parts.count, parts.symbols.data(),
                  parts.low_bits.data());
    count_symbols(parts, out.counts);
    return out;
  }
  round_to_steps(parts.values.data(), frame.half_step, parts.count, parts.symbols.data());
  count_symbols(parts, out.counts);
  // The odd union's numbers: what is 2q − 1 half steps large rounds as (x + 1) / 2 does, but all below 1/2 is zero.
  for (std::size_t i = 0; i < parts.count; ++i) {
    float& x = parts.values[i];
    x = std::fabs(x) < 0.5f * frame.half_step ? 0.0f : x + std::copysign(frame.half_step, x);
    parts.contexts[i] |= 1;
  }
  round_to_steps(parts.values.data(), frame.half_step, parts.count, parts.symbols.data());
  count_symbols(parts, out.counts);
  return out;
}

Tally Weights::measure(const Setting& setting, const math::RansModel& model, std::uint64_t block,
                       base::ByteView base) const {
  thread_local Block parts;
  const Frame frame = frame_of(setting);
  const unsigned bytes = view_.schema.element.bytes;
  Tally out{.counts = codec::TableSets::Counts(encoder_contexts)};
  const codec::TensorBlock elements = block_of(block, base);
  if (elements.elements.empty()) return out;
  Quantizer(frame, model, setting.rounding).quantize(elements, parts);
  out.elements = parts.count;
  out.escapes = parts.escapes.size() / bytes;
  // Off the trellis a symbol does not depend on the tables: one that these have no code for is counted all the same.
  if (frame.plain)
    out.counts = count_nearest(setting, block, base).counts;
  else
    count_symbols(parts, out.counts);
  for (std::size_t c = 0; c < encoder_contexts; ++c) out.bits += model.bits(c, out.counts[c], 8.0 * bytes);
  out.bits += static_cast<double>(frame.low * (parts.count - out.escapes));
  // Of the states' 32 bits a half is what coding would have cost in words.
  out.bits +=
      bits_of_scales(parts) + bits_of_block_head + 4.0 * static_cast<double>(math::rans_state_bytes(parts.count));
  for (std::size_t i = 0; i < parts.count; ++i) {
    if (parts.symbols[i] == escape) continue;
    const double error = std::fabs(static_cast<double>(parts.elements[i]) - static_cast<double>(parts.back[i]));
    out.squared_error += error * error;
    out.max_error = std::max(out.max_error, error);
  }
  return out;
}

Result<std::unique_ptr<codec::TensorWriter>> Weights::writer(const Setting& setting, const codec::TableSets& tables,
                                                             std::uint32_t table) const {
  if (!(setting.half_step >= least_half_step && setting.half_step <= most_half_step))
    return fail(ErrorCode::invalid_argument, "a half step must lie between 2^-126 and 2^119");
  if (setting.low > (setting.rounding == Rounding::trellis ? 0 : most_low_bits))
    return fail(ErrorCode::invalid_argument, "a tensor off the trellis has 12 low bits at most, one along it none");
  const auto codes_escape = [](const math::RansFrequencies& own) { return own[escape] != 0; };
  if (table >= tables.size() || tables.set(table).contexts().size() != encoder_contexts ||
      !std::ranges::all_of(tables.set(table).contexts(), codes_escape))
    return fail(ErrorCode::invalid_argument, "the tables are not those of steps; take them from fit()");
  Frame frame = frame_of(setting);
  frame.table = table;
  return std::make_unique<StepsWriter>(std::move(frame), tables.set(table), setting.rounding);
}

math::RansModel fit(const codec::TableSets::Counts& counts, double escape_bits) {
  return math::RansModel(math::fit_frequencies_apart(counts, escape_bits));
}

math::RansModel fit_by_turns(std::span<const Part> parts, double escape_bits, int turns) {
  const auto tally = [&](auto&& of_block) {
    Tally out{.counts = codec::TableSets::Counts(encoder_contexts)};
    for (const Part& part : parts)
      for (std::uint64_t b = 0; b < part.weights->blocks(); ++b) out.add(of_block(part, b));
    return fit(out.counts, escape_bits);
  };
  math::RansModel model =
      tally([](const Part& part, std::uint64_t b) { return part.weights->count_nearest(part.setting, b); });
  for (int i = 0; i < turns; ++i)
    model = tally([&](const Part& part, std::uint64_t b) { return part.weights->measure(part.setting, model, b); });
  return model;
}

}  // namespace attar::tensor::steps
