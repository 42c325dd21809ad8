// Floats split into fields: validation and memory around the kernel. spec.md has the bytes.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

#include "base/checked.h"
#include "base/leb128.h"
#include "codec/tensors.h"
#include "tensor/common/scaled_frame.h"
#include "tensor/fields/kernel.h"
#include "tensor/fields/scales.h"

namespace attar::tensor {
namespace fields {
namespace {

constexpr std::uint8_t kind_stored = 0, kind_fields = 1;
constexpr double escape_bits = 16;
// What a look reads: enough for scales within a fifth of their step, and for tables.
constexpr std::uint64_t sample_elements = 1u << 16, most_sample_elements = 1u << 20;
constexpr std::uint64_t sample_share = 8;  // of a large tensor's elements, one in so many
constexpr std::uint64_t least_rows_for_columns = 32;
// Two numbers, the scales' base and parameter, and the runs of zeros.
constexpr std::uint64_t block_head = 1 + 4 + 4 + 3 + 3;

// Rows that are coded together: some 32,000 elements stay in the near caches, and rANS takes a multiple of 64.
constexpr std::size_t strip_rows(std::size_t columns) noexcept {
  constexpr std::size_t elements = 1u << 15, unit = 64;
  return std::max<std::size_t>(elements / columns / unit, 1) * unit;
}

std::vector<const std::byte*> sample_rows(const codec::TensorView& tensor, std::uint64_t columns) {
  const std::uint64_t rows = tensor.schema.count / columns;
  const std::uint64_t elements = std::clamp(tensor.schema.count / sample_share, sample_elements, most_sample_elements);
  const std::uint64_t wanted = std::clamp<std::uint64_t>(elements / columns, 1, std::max<std::uint64_t>(rows, 1));
  std::vector<const std::byte*> out;
  for (std::uint64_t i = 0; i < std::min(wanted, rows); ++i)
    out.push_back(tensor.bytes.data() + i * rows / wanted * columns * tensor.schema.element.bytes);
  return out;
}

// The place of the first escape from `from` on; `count` where there is none.
std::size_t next_escape(std::span<const std::uint8_t> symbols, std::size_t from, std::size_t count) noexcept {
  const void* found = std::memchr(symbols.data() + from, escape, count - from);
  return found == nullptr ? count : static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - symbols.data());
}

// ---- writing --------------------------------------------------------------------------------------------------------

class Writer final : public codec::TensorWriter {
 public:
  Writer(ScaledFrame frame, const math::RansModel& model)
      : frame_(std::move(frame)), model_(model), weights_(weights_of(frame_.scales)) {
    const math::SymbolRange range = math::common_range(model.contexts());
    coded_ = {.first = static_cast<std::uint8_t>(range.first), .last = static_cast<std::uint8_t>(range.last)};
  }

  [[nodiscard]] std::vector<std::byte> preamble() const override { return frame_.preamble(); }

  void write(const codec::TensorBlock& block, std::vector<std::byte>& out) const override {
    codec::BlockParts parts;
    write_parts(block, parts);
    out.insert(out.end(), parts.front.begin(), parts.front.end());
    out.insert(out.end(), parts.back().begin(), parts.back().end());
  }

  void write_parts(const codec::TensorBlock& block, codec::BlockParts& out) const override {
    split(block.elements, out);
    if (out.size() < 1 + block.elements.size()) return;
    out.clear();
    out.front.push_back(std::byte{kind_stored});
    out.front.insert(out.front.end(), block.elements.begin(), block.elements.end());
  }

 private:
  /// What a block is split into. A thread keeps its own: pages that are taken anew for every block take as long as
  /// coding it.
  struct Split {
    std::vector<std::uint8_t> symbols, contexts;  ///< of a strip
    std::vector<std::int16_t> scales;             ///< of all rows
    std::vector<std::uint8_t> zeros;              ///< likewise
    std::vector<std::uint16_t> escapes;           ///< from the last to the first
    std::vector<std::byte> work;

    void clear(std::size_t count, std::size_t columns) {
      const std::size_t rows = base::ceil_div(count, columns), strip = std::min(count, strip_rows(columns) * columns);
      grow(symbols, strip + slack);
      grow(contexts, strip + slack);
      grow(work, work_bytes(std::min(count, columns)));
      scales.resize(rows);
      zeros.resize(rows);
      escapes.clear();
    }
  };

  // A vector that shrank would be filled with zeros when it grows again.
  template <class T>
  static void grow(std::vector<T>& room, std::size_t size) {
    if (room.size() < size) room.resize(size);
  }

  void split_row(base::ByteView values, std::size_t number, std::size_t at, Split& out,
                 codec::BlockParts& block) const {
    const std::size_t count = values.size() / frame_.layout.bytes;
    const Row row{.columns = frame_.scales.data(),
                  .count = count,
                  .scale = row_scale(frame_.layout, values.data(), std::span(weights_).first(count)),
                  .zeros = common_zeros(frame_.layout, values.data(), count)};
    out.scales[number] = static_cast<std::int16_t>(row.scale);
    out.zeros[number] = static_cast<std::uint8_t>(row.zeros);
    find_contexts(row, out.contexts.data() + at);
    find_symbols(frame_.layout, row, coded_, values.data(), out.symbols.data() + at);
    block.back_at -= rest_bytes(frame_.layout, count, row.zeros);
    write_rest(frame_.layout, row, values.data(), block.room.data() + block.back_at, out.work.data());
  }

  // Asks for what is split some rows later: no processor sees by itself that rows come from the last to the first.
  static void fetch_ahead(base::ByteView elements, std::size_t at, std::size_t count) noexcept {
    constexpr std::size_t ahead = 8u << 10, line = 64;
    if (at < ahead) return;
    for (std::size_t i = 0; i < count; i += line) __builtin_prefetch(elements.data() + at - ahead + i, 0, 3);
  }

  // Rows [first, last), the last of them first, for rANS writes from the end on.
  void split_strip(base::ByteView elements, std::size_t first, std::size_t last, Split& out, codec::BlockParts& block,
                   math::RansEncoder& encoder) const {
    const std::size_t row_bytes = frame_.columns * frame_.layout.bytes, begin = first * row_bytes;
    const std::size_t end = std::min(last * row_bytes, elements.size()), count = (end - begin) / frame_.layout.bytes;
    for (std::size_t i = last; i > first;) {
      --i;
      fetch_ahead(elements, i * row_bytes, row_bytes);
      split_row(elements.subspan(i * row_bytes, std::min(row_bytes, end - i * row_bytes)), i,
                (i - first) * frame_.columns, out, block);
    }
    const std::size_t before = out.escapes.size();
    for (std::size_t i = next_escape(out.symbols, 0, count); i < count; i = next_escape(out.symbols, i + 1, count))
      out.escapes.push_back(escaped(frame_.layout, elements.data() + begin + i * frame_.layout.bytes));
    std::reverse(out.escapes.begin() + static_cast<std::ptrdiff_t>(before), out.escapes.end());
    encoder.put_front(out.symbols.data(), out.contexts.data(), count);
  }

  void split(base::ByteView elements, codec::BlockParts& out) const {
    const std::size_t count = elements.size() / frame_.layout.bytes;
    thread_local Split parts;
    parts.clear(count, frame_.columns);
    const std::size_t rows = parts.scales.size(), strip = strip_rows(frame_.columns);
    grow(out.room, rows * most_rest_bytes(std::min(count, frame_.columns)));
    out.back_at = out.room.size();
    math::RansEncoder encoder(model_, count);
    for (std::size_t strips = base::ceil_div(rows, strip); strips > 0; --strips)
      split_strip(elements, (strips - 1) * strip, std::min(strips * strip, rows), parts, out, encoder);
    std::ranges::reverse(parts.escapes);
    base::ByteWriter head;
    head.write(kind_fields);
    head.write(static_cast<std::uint32_t>(encoder.bytes()));
    head.write(static_cast<std::uint32_t>(parts.escapes.size()));
    write_scales(head, parts.scales);
    for (std::size_t first = 0; first < rows;) {
      std::size_t last = first + 1;
      while (last < rows && parts.zeros[last] == parts.zeros[first]) ++last;
      base::write_leb128(head, last - first);
      head.write(parts.zeros[first]);
      first = last;
    }
    const base::ByteView escapes = std::as_bytes(std::span(parts.escapes));
    out.front.reserve(head.bytes().size() + encoder.bytes() + escapes.size());
    out.front.insert(out.front.end(), head.bytes().begin(), head.bytes().end());
    encoder.finish(out.front);
    out.front.insert(out.front.end(), escapes.begin(), escapes.end());
  }

  // Of a row, whatever its zeros are: each of its parts of a few bits ends with a whole byte.
  [[nodiscard]] std::size_t most_rest_bytes(std::size_t count) const noexcept {
    constexpr std::size_t parts = 3;
    return count * (frame_.layout.rest_bits(0) + 1) / 8 + parts + 1;
  }

  ScaledFrame frame_;
  const math::RansModel& model_;
  std::vector<float> weights_;
  Coded coded_;
};

class Trial final : public codec::TensorTrial {
 public:
  explicit Trial(const codec::TensorView& tensor) : frame_(tensor.schema) {
    const std::vector<const std::byte*> rows = sample_rows(tensor, frame_.columns);
    if (rows.size() >= least_rows_for_columns) {
      frame_.scales = column_scales(frame_.layout, rows, frame_.columns);
      frame_.scaled = true;
    }
    count_symbols(tensor, rows);
    price(tensor);
  }

  [[nodiscard]] double bytes() const override { return bytes_; }

  void share(codec::TableSets& tables) override { frame_.table = tables.place(counts_, scale_, escape_bits); }

  [[nodiscard]] std::unique_ptr<codec::TensorWriter> writer(const codec::TableSets& tables) const override {
    return std::make_unique<Writer>(frame_, tables.set(frame_.table));
  }

 private:
  void count_symbols(const codec::TensorView& tensor, std::vector<const std::byte*> rows) {
    counts_.resize(contexts);
    std::size_t length = frame_.columns;
    if (rows.empty()) {
      rows.push_back(tensor.bytes.data());
      length = tensor.schema.count;
    }
    const std::vector<float> weights = weights_of(frame_.scales);
    std::vector<std::uint8_t> symbols(length + slack), places(length + slack);
    // Tables are shared: every second row of what scales were found from is enough.
    for (std::size_t i = 0; i < rows.size(); i += 2) {
      const std::byte* values = rows[i];
      const Row row{.columns = frame_.scales.data(),
                    .count = length,
                    .scale = row_scale(frame_.layout, values, std::span(weights).first(length)),
                    .zeros = common_zeros(frame_.layout, values, length)};
      find_contexts(row, places.data());
      find_symbols(frame_.layout, row, {}, values, symbols.data());
      for (std::size_t j = 0; j < length; ++j) ++counts_[places[j]][symbols[j]];
      rest_ += rest_bytes(frame_.layout, length, row.zeros);
      looked_at_ += length;
    }
  }

  void price(const codec::TensorView& tensor) {
    double bits = 0;
    for (const math::RansCounts& own : counts_)
      bits += math::entropy_bits(own) + escape_bits * static_cast<double>(own[escape]);
    scale_ = looked_at_ == 0 ? 0 : static_cast<double>(tensor.schema.count) / static_cast<double>(looked_at_);
    const std::uint64_t blocks = base::ceil_div(tensor.schema.count, std::max<std::uint64_t>(tensor.block_elements, 1));
    const std::uint64_t block = std::min(tensor.schema.count, tensor.block_elements);
    const double split = scale_ * (bits / 8 + static_cast<double>(rest_)) +
                         static_cast<double>(blocks * (block_head + math::rans_state_bytes(block)));
    bytes_ = std::min(split, static_cast<double>(tensor.schema.bytes() + blocks));
  }

  ScaledFrame frame_;
  codec::TableSets::Counts counts_;
  std::uint64_t rest_ = 0, looked_at_ = 0;
  double scale_ = 0, bytes_ = 0;
};

// ---- reading --------------------------------------------------------------------------------------------------------

std::unexpected<Error> corrupt(const char* what) { return fail(ErrorCode::corrupt, what); }

class Reader final : public codec::TensorReader {
 public:
  Reader(ScaledFrame frame, const math::RansModel& model) : frame_(std::move(frame)), model_(model) {}

  [[nodiscard]] Status read(base::ByteView block, base::ByteView /*base*/, std::span<std::byte> out) const override {
    base::ByteReader in(block);
    ATTAR_ASSIGN(const auto kind, in.read<std::uint8_t>());
    if (kind == kind_fields) return join_block(in, out);
    if (kind != kind_stored) return corrupt("a block is of an unknown kind");
    if (in.remaining() != out.size()) return corrupt("a stored block has another length than its elements");
    std::ranges::copy(block.subspan(1), out.begin());
    return {};
  }

 private:
  Result<std::vector<std::uint8_t>> read_zeros(base::ByteReader& in, std::uint64_t rows) const {
    std::vector<std::uint8_t> out;
    out.reserve(rows);
    while (out.size() < rows) {
      ATTAR_ASSIGN(const std::uint64_t run, base::read_leb128(in, 5));
      ATTAR_ASSIGN(const auto zeros, in.read<std::uint8_t>());
      if (run == 0 || run > rows - out.size() || zeros > frame_.layout.mantissa_bits)
        return corrupt("a run of rows does not fit its block");
      out.insert(out.end(), run, zeros);
    }
    return out;
  }

  Status join_block(base::ByteReader& in, std::span<std::byte> out) const {
    const std::uint64_t count = out.size() / frame_.layout.bytes, rows = base::ceil_div(count, frame_.columns);
    ATTAR_ASSIGN(const auto stream_bytes, in.read<std::uint32_t>());
    ATTAR_ASSIGN(const auto escapes, in.read<std::uint32_t>());
    if (escapes > count) return corrupt("a block has more escapes than elements");
    ATTAR_ASSIGN(const std::vector<std::int16_t> scales, read_scales(in, rows, 0, most_row(frame_.layout)));
    ATTAR_ASSIGN(const std::vector<std::uint8_t> zeros, read_zeros(in, rows));
    ATTAR_ASSIGN(const base::ByteView stream, in.take(stream_bytes));
    ATTAR_ASSIGN(const base::ByteView pairs, in.take(std::uint64_t{escapes} * sizeof(std::uint16_t)));
    ATTAR_ASSIGN(const base::ByteView rest, in.take(in.remaining()));

    ATTAR_ASSIGN(math::RansDecoder decoder, math::RansDecoder::open(model_, stream, count));
    const std::size_t strip = strip_rows(frame_.columns);
    Rest left{.pairs = pairs, .bits = rest};
    for (std::uint64_t first = 0; first < rows; first += strip)
      ATTAR_TRY(join_strip(scales, zeros, first, std::min<std::uint64_t>(first + strip, rows), decoder, left, out));
    ATTAR_TRY(decoder.finish());
    if (!left.pairs.empty()) return corrupt("a block has more escapes than its symbols say");
    if (!left.bits.empty()) return corrupt("a block goes on after its last row");
    return {};
  }

  /// What of a block's escapes and bits is not read yet.
  struct Rest {
    base::ByteView pairs, bits;
  };

  [[nodiscard]] Row row(std::uint64_t number, std::uint64_t count, std::int16_t scale, unsigned zeros) const noexcept {
    return {.columns = frame_.scales.data(),
            .count = std::min(frame_.columns, count - number * frame_.columns),
            .scale = scale,
            .zeros = zeros};
  }

  Status join_strip(std::span<const std::int16_t> scales, std::span<const std::uint8_t> zeros, std::uint64_t first,
                    std::uint64_t last, math::RansDecoder& decoder, Rest& left, std::span<std::byte> out) const {
    const std::uint64_t all = out.size() / frame_.layout.bytes, begin = first * frame_.columns;
    const std::uint64_t count = std::min(last * frame_.columns, all) - begin;
    // A thread keeps its own: pages that are taken anew for every block take as long as decoding it.
    thread_local std::vector<std::uint8_t> symbols, places;
    thread_local std::vector<std::byte> work;
    symbols.resize(count + slack);
    places.resize(count + slack);
    work.resize(work_bytes(std::min(all, frame_.columns)));
    for (std::uint64_t i = first; i < last; ++i)
      find_contexts(row(i, all, scales[i], zeros[i]), &places[(i - first) * frame_.columns]);
    ATTAR_TRY(decoder.next(places.data(), count, symbols.data()));
    for (std::uint64_t i = first; i < last; ++i) {
      const Row own = row(i, all, scales[i], zeros[i]);
      const std::size_t bytes = rest_bytes(frame_.layout, own.count, own.zeros);
      if (bytes > left.bits.size()) return corrupt("the bits of a block's rows end early");
      join(frame_.layout, own, &symbols[(i - first) * frame_.columns], left.bits.data(),
           out.data() + i * frame_.columns * frame_.layout.bytes, work.data());
      left.bits = left.bits.subspan(bytes);
    }
    return put_escapes(symbols, count, left, out.subspan(begin * frame_.layout.bytes));
  }

  Status put_escapes(std::span<const std::uint8_t> symbols, std::uint64_t count, Rest& left,
                     std::span<std::byte> out) const {
    for (std::size_t i = next_escape(symbols, 0, count); i < count; i = next_escape(symbols, i + 1, count)) {
      if (left.pairs.empty()) return corrupt("a block has fewer escapes than its symbols say");
      set_escaped(frame_.layout, base::load<std::uint16_t>(left.pairs.data()), out.data() + i * frame_.layout.bytes);
      left.pairs = left.pairs.subspan(sizeof(std::uint16_t));
    }
    return {};
  }

  ScaledFrame frame_;
  const math::RansModel& model_;
};

class FieldsCodec final : public codec::TensorCodec {
 public:
  [[nodiscard]] const codec::CodecInfo& info() const noexcept override {
    static constexpr codec::CodecInfo row = {
        .id = 0x0401,
        .name = "fields",
        .summary = "lossless: floats split into fields, exponents by the scales of rows and columns"};
    return row;
  }

  [[nodiscard]] std::unique_ptr<codec::TensorTrial> look(const codec::TensorView& tensor) const override {
    return ScaledFrame::takes(tensor.schema) ? std::make_unique<Trial>(tensor) : nullptr;
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
}  // namespace fields

const codec::TensorCodec& fields_codec() noexcept {
  static const fields::FieldsCodec codec;
  return codec;
}

}  // namespace attar::tensor
