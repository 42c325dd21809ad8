// Floats by what they differ from those of a base: validation and memory around the kernel. spec.md has the bytes.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/bits.h"
#include "base/checked.h"
#include "codec/tensors.h"
#include "tensor/common/scaled_frame.h"
#include "tensor/common/scales.h"
#include "tensor/delta/kernel.h"
#include "tensor/fields/scales.h"

namespace attar::tensor {
namespace delta {
namespace {

constexpr std::uint8_t kind_stored = 0, kind_delta = 1, kind_alike = 2;
constexpr std::uint64_t sample_elements = 1u << 17;
constexpr std::uint64_t least_rows_for_columns = 32;
constexpr std::uint64_t block_head = 1 + 4 + 4 + 3;

double escape_bits(const ScaledFrame& frame) noexcept { return 8.0 * frame.layout.bytes; }

// By the mean of roots: a few elements that changed wholly would spoil the mean of all.
int scale_of(double mean_root) noexcept {
  return static_cast<int>(std::lround(std::clamp(2 * steps_of_an_octave * std::log2(mean_root), -30'000.0, 30'000.0)));
}

/// What a row is coded with. A thread keeps its own.
struct Work {
  std::vector<std::uint8_t> symbols, contexts, shifts;
  std::vector<std::int64_t> differences;
  std::vector<float> magnitudes;

  void resize(std::size_t count, std::size_t columns) {
    symbols.resize(count + math::rans_slack);
    contexts.resize(count + math::rans_slack);
    shifts.resize(count);
    differences.resize(count);
    magnitudes.resize(columns);
  }
};

// The row's scale by its differences, which `work` holds from place `at` on.
int row_scale(const ScaledFrame& frame, std::span<const float> weights, base::ByteView base, std::size_t at,
              std::size_t count, Work& work) {
  magnitudes(frame.layout, base.data(), &work.differences[at], count, work.magnitudes.data());
  double sum = 0;
  for (std::size_t j = 0; j < count; ++j) sum += static_cast<double>(std::sqrt(work.magnitudes[j] * weights[j]));
  if (!(sum > 0)) return 0;
  const int scale = scale_of(sum / static_cast<double>(count)) + steps_of_an_octave * middle(frame.layout);
  return std::clamp(scale, 0, most_row);
}

void code_row(const ScaledFrame& frame, std::span<const float> weights, base::ByteView values, base::ByteView base,
              std::size_t at, Work& work, std::vector<std::int16_t>& scales) {
  const std::size_t count = values.size() / frame.layout.bytes;
  differences(frame.layout, values.data(), base.data(), count, &work.differences[at]);
  const int scale = row_scale(frame, weights, base, at, count, work);
  scales.push_back(static_cast<std::int16_t>(scale));
  know(frame.layout, base.data(), frame.scales.data(), scale, count, {&work.contexts[at], &work.shifts[at]});
  find_symbols(&work.differences[at], &work.shifts[at], count, &work.symbols[at]);
}

// ---- writing --------------------------------------------------------------------------------------------------------

void put(std::vector<std::byte>& out, base::ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

class Writer final : public codec::TensorWriter {
 public:
  Writer(ScaledFrame frame, const math::RansModel& model)
      : frame_(std::move(frame)), model_(model), weights_(fields::weights_of(frame_.scales)) {}

  [[nodiscard]] std::vector<std::byte> preamble() const override { return frame_.preamble(); }

  void write(const codec::TensorBlock& block, std::vector<std::byte>& out) const override {
    if (std::memcmp(block.elements.data(), block.base.data(), block.elements.size()) == 0) {
      out.push_back(std::byte{kind_alike});
      return;
    }
    const std::size_t before = out.size();
    code(block.elements, block.base, out);
    store_if_smaller(block.elements, std::byte{kind_stored}, before, out);
  }

 private:
  void code(base::ByteView elements, base::ByteView base, std::vector<std::byte>& out) const {
    const std::size_t count = elements.size() / frame_.layout.bytes, row_bytes = frame_.columns * frame_.layout.bytes;
    thread_local Work work;
    work.resize(count, frame_.columns);
    std::vector<std::int16_t> scales;
    for (std::size_t at = 0; at < elements.size(); at += row_bytes) {
      const std::size_t length = std::min(row_bytes, elements.size() - at);
      code_row(frame_, weights_, elements.subspan(at, length), base.subspan(at, length), at / frame_.layout.bytes, work,
               scales);
    }
    std::vector<std::byte> escapes, stream;
    base::BitWriter low;
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t difference = work.differences[i];
      if (work.symbols[i] != escape && model_.codes(work.contexts[i], work.symbols[i])) {
        low.put(static_cast<std::uint64_t>(difference) & ((std::uint64_t{1} << work.shifts[i]) - 1), work.shifts[i]);
        continue;
      }
      work.symbols[i] = escape;
      put(escapes, std::as_bytes(std::span(&difference, 1)).first(frame_.layout.bytes));
    }
    model_.encode(work.symbols.data(), work.contexts.data(), count, stream);
    base::ByteWriter head;
    head.write(kind_delta);
    head.write(static_cast<std::uint32_t>(stream.size()));
    head.write(static_cast<std::uint32_t>(escapes.size() / frame_.layout.bytes));
    write_scales(head, scales);
    put(out, head.bytes());
    put(out, stream);
    put(out, escapes);
    put(out, std::move(low).finish());
  }

  ScaledFrame frame_;
  const math::RansModel& model_;
  std::vector<float> weights_;
};

class Trial final : public codec::TensorTrial {
 public:
  explicit Trial(const codec::TensorView& tensor) : frame_(tensor.schema) {
    const std::uint64_t rows = base::ceil_div(tensor.schema.count, frame_.columns);
    const std::uint64_t wanted = std::clamp<std::uint64_t>(sample_elements / frame_.columns, 1, rows);
    if (wanted >= least_rows_for_columns && tensor.schema.count >= frame_.columns * wanted)
      find_columns(tensor, wanted);
    count_symbols(tensor, wanted);
    price(tensor);
  }

  [[nodiscard]] double bytes() const override { return bytes_; }
  void share(codec::TableSets& tables) override { frame_.table = tables.place(counts_, scale_, escape_bits(frame_)); }
  [[nodiscard]] std::unique_ptr<codec::TensorWriter> writer(const codec::TableSets& tables) const override {
    return std::make_unique<Writer>(frame_, tables.set(frame_.table));
  }

 private:
  struct Row {
    base::ByteView values, base;
  };

  [[nodiscard]] Row row(const codec::TensorView& tensor, std::uint64_t i, std::uint64_t wanted) const {
    const std::uint64_t rows = base::ceil_div(tensor.schema.count, frame_.columns);
    const std::uint64_t at = i * rows / wanted * frame_.columns * frame_.layout.bytes;
    const std::uint64_t length = std::min(frame_.columns * frame_.layout.bytes, tensor.bytes.size() - at);
    return {tensor.bytes.subspan(at, length), tensor.base.subspan(at, length)};
  }

  void find_columns(const codec::TensorView& tensor, std::uint64_t wanted) {
    Work work;
    work.resize(frame_.columns, frame_.columns);
    std::vector<double> sums(frame_.columns);
    std::uint64_t used = 0;
    for (std::uint64_t i = 0; i < wanted; ++i) {
      const Row own = row(tensor, i, wanted);
      if (own.values.size() != frame_.columns * frame_.layout.bytes) continue;
      differences(frame_.layout, own.values.data(), own.base.data(), frame_.columns, work.differences.data());
      magnitudes(frame_.layout, own.base.data(), work.differences.data(), frame_.columns, work.magnitudes.data());
      double sum = 0;
      for (float& value : work.magnitudes) sum += static_cast<double>(value = std::sqrt(value));
      if (!(sum > 0) || !std::isfinite(sum)) continue;
      for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += static_cast<double>(work.magnitudes[j]) / sum;
      ++used;
    }
    if (used == 0) return;
    frame_.scaled = true;
    for (std::size_t j = 0; j < sums.size(); ++j) {
      const double mean = sums[j] * static_cast<double>(frame_.columns) / static_cast<double>(used);
      if (mean > 0)
        frame_.scales[j] =
            static_cast<std::int16_t>(std::clamp(scale_of(mean), fields::least_column, fields::most_column));
    }
  }

  void count_symbols(const codec::TensorView& tensor, std::uint64_t wanted) {
    counts_.resize(contexts);
    const std::vector<float> weights = fields::weights_of(frame_.scales);
    Work work;
    work.resize(frame_.columns, frame_.columns);
    std::vector<std::int16_t> scales;
    for (std::uint64_t i = 0; i < wanted; ++i) {
      const Row own = row(tensor, i, wanted);
      code_row(frame_, weights, own.values, own.base, 0, work, scales);
      const std::size_t count = own.values.size() / frame_.layout.bytes;
      for (std::size_t j = 0; j < count; ++j) {
        ++counts_[work.contexts[j]][work.symbols[j]];
        low_bits_ += work.shifts[j];
      }
      looked_at_ += count;
    }
  }

  void price(const codec::TensorView& tensor) {
    scale_ = static_cast<double>(tensor.schema.count) / static_cast<double>(looked_at_);
    const std::uint64_t blocks = base::ceil_div(tensor.schema.count, tensor.block_elements);
    double bits = static_cast<double>(low_bits_);
    for (const math::RansCounts& own : counts_)
      bits += math::entropy_bits(own) + escape_bits(frame_) * static_cast<double>(own[escape]);
    const std::uint64_t block = std::min(tensor.schema.count, tensor.block_elements);
    bytes_ = std::min(scale_ * bits / 8 + static_cast<double>(blocks * (block_head + math::rans_state_bytes(block))),
                      static_cast<double>(tensor.schema.bytes() + blocks));
  }

  ScaledFrame frame_;
  codec::TableSets::Counts counts_;
  std::uint64_t low_bits_ = 0, looked_at_ = 0;
  double scale_ = 0, bytes_ = 0;
};

// ---- reading --------------------------------------------------------------------------------------------------------

std::unexpected<Error> corrupt(const char* what) { return fail(ErrorCode::corrupt, what); }

class Reader final : public codec::TensorReader {
 public:
  Reader(ScaledFrame frame, const math::RansModel& model) : frame_(std::move(frame)), model_(model) {}

  [[nodiscard]] Status read(base::ByteView block, base::ByteView base, std::span<std::byte> out) const override {
    if (base.size() != out.size()) return corrupt("a difference has a base of another length");
    base::ByteReader in(block);
    ATTAR_ASSIGN(const auto kind, in.read<std::uint8_t>());
    if (kind == kind_delta) return decode(in, base, out);
    if (kind != kind_stored && kind != kind_alike) return corrupt("a block is of an unknown kind");
    if (in.remaining() != (kind == kind_alike ? 0 : out.size()))
      return corrupt("a stored block has another length than its elements");
    std::ranges::copy(kind == kind_alike ? base : block.subspan(1), out.begin());
    return {};
  }

 private:
  Status decode(base::ByteReader& in, base::ByteView base, std::span<std::byte> out) const {
    const std::uint64_t count = out.size() / frame_.layout.bytes, rows = base::ceil_div(count, frame_.columns);
    ATTAR_ASSIGN(const auto stream_bytes, in.read<std::uint32_t>());
    ATTAR_ASSIGN(const auto escapes, in.read<std::uint32_t>());
    if (escapes > count) return corrupt("a block has more escapes than elements");
    ATTAR_ASSIGN(const std::vector<std::int16_t> scales, read_scales(in, rows, 0, most_row));
    ATTAR_ASSIGN(const base::ByteView stream, in.take(stream_bytes));
    ATTAR_ASSIGN(const base::ByteView whole, in.take(std::uint64_t{escapes} * frame_.layout.bytes));
    ATTAR_ASSIGN(const base::ByteView low, in.take(in.remaining()));
    thread_local Work work;
    work.resize(count, frame_.columns);
    for (std::uint64_t i = 0; i < rows; ++i) {
      const std::uint64_t at = i * frame_.columns;
      know(frame_.layout, base.data() + at * frame_.layout.bytes, frame_.scales.data(), scales[i],
           std::min(frame_.columns, count - at), {&work.contexts[at], &work.shifts[at]});
    }
    ATTAR_TRY(model_.decode(stream, work.contexts.data(), count, work.symbols.data()));
    return apply_all(work, whole, low, base, out);
  }

  Status apply_all(const Work& work, base::ByteView whole, base::ByteView low, base::ByteView base,
                   std::span<std::byte> out) const {
    const std::uint64_t count = out.size() / frame_.layout.bytes;
    // Bits are read eight bytes at a time: zeros stand behind the last.
    thread_local std::vector<std::byte> bits;
    bits.assign(low.begin(), low.end());
    bits.resize(low.size() + sizeof(std::uint64_t));
    Rest rest{.escapes = whole.data(),
              .escapes_end = whole.data() + whole.size(),
              .bits = bits.data(),
              .end = low.size() * 8};
    for (std::uint64_t at = 0; at < count; at += frame_.columns) {
      const std::uint64_t length = std::min(frame_.columns, count - at), byte = at * frame_.layout.bytes;
      const std::span symbols = std::span(work.symbols).subspan(at, length);
      const std::span shifts = std::span(work.shifts).subspan(at, length);
      const bool plain = *std::ranges::max_element(shifts) == 0 && std::ranges::find(symbols, escape) == symbols.end();
      if (plain)
        join_plain(frame_.layout, symbols.data(), base.data() + byte, length, out.data() + byte);
      else if (!join(frame_.layout, symbols.data(), shifts.data(), base.data() + byte, length, rest, out.data() + byte))
        return corrupt("the escapes or the low bits of a block end early");
    }
    if (rest.escapes != rest.escapes_end || base::ceil_div(rest.at, 8) != low.size())
      return corrupt("a block goes on after its last element");
    return {};
  }

  ScaledFrame frame_;
  const math::RansModel& model_;
};

class DeltaCodec final : public codec::TensorCodec {
 public:
  [[nodiscard]] const codec::CodecInfo& info() const noexcept override {
    static constexpr codec::CodecInfo row = {
        .id = 0x0403,
        .name = "delta",
        .summary = "lossless: floats by their differences from those of a base, by the scales of rows and columns"};
    return row;
  }

  [[nodiscard]] bool needs_base() const noexcept override { return true; }

  [[nodiscard]] std::unique_ptr<codec::TensorTrial> look(const codec::TensorView& tensor) const override {
    if (tensor.base.empty() || !ScaledFrame::takes(tensor.schema)) return nullptr;
    return std::make_unique<Trial>(tensor);
  }

  [[nodiscard]] Result<std::unique_ptr<codec::TensorReader>> open(base::ByteView preamble,
                                                                  const codec::TensorSchema& schema,
                                                                  const codec::TableSets& tables) const override {
    ATTAR_ASSIGN(ScaledFrame frame, ScaledFrame::read(preamble, schema, tables, contexts));
    const math::RansModel& model = tables.set(frame.table);
    return std::make_unique<Reader>(std::move(frame), model);
  }
};

}  // namespace
}  // namespace delta

const codec::TensorCodec& delta_codec() noexcept {
  static const delta::DeltaCodec codec;
  return codec;
}

}  // namespace attar::tensor
