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
#include "tensor/fields/kernel.h"
#include "tensor/fields/scales.h"

namespace attar::tensor {
namespace fields {
namespace {

constexpr std::uint8_t has_columns = 1;
constexpr std::uint8_t kind_stored = 0, kind_fields = 1;
constexpr std::uint64_t most_columns = 1u << 24;
constexpr double escape_bits = 16;
// What a look reads: enough for scales within a fifth of their step, and for tables.
constexpr std::uint64_t sample_elements = 1u << 16, most_sample_elements = 1u << 20;
constexpr std::uint64_t sample_share = 8;  // of a large tensor's elements, one in so many
constexpr std::uint64_t least_rows_for_columns = 32;
// Two numbers, the scales' base and parameter, and the runs of zeros.
constexpr std::uint64_t block_head = 1 + 4 + 4 + 3 + 3;

/// What both sides know of a tensor.
struct Frame {
  Layout layout;
  std::uint64_t columns = 1;
  bool scaled = false;  ///< columns have scales
  std::uint32_t table = 0;
  std::vector<std::int16_t> scales;  ///< of the columns, zeros where they have none
};

// A run of rows with as many zero bits.
struct Run {
  std::uint64_t rows;
  unsigned zeros;
};

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
  Writer(Frame frame, const math::RansModel& model)
      : frame_(std::move(frame)), model_(model), weights_(weights_of(frame_.scales)) {
    const math::SymbolRange range = math::common_range(model.contexts());
    coded_ = {.first = static_cast<std::uint8_t>(range.first), .last = static_cast<std::uint8_t>(range.last)};
  }

  [[nodiscard]] std::vector<std::byte> preamble() const override {
    base::ByteWriter out;
    out.write(frame_.scaled ? has_columns : std::uint8_t{0});
    out.write(std::uint8_t{0});
    out.write(static_cast<std::uint16_t>(frame_.table));
    if (frame_.scaled) write_scales(out, frame_.scales);
    return std::move(out).release();
  }

  void write(std::uint64_t /*first*/, base::ByteView elements, base::ByteView /*base*/,
             std::vector<std::byte>& out) const override {
    const std::size_t before = out.size();
    split(elements, out);
    if (out.size() - before < 1 + elements.size()) return;
    out.resize(before);
    out.push_back(std::byte{kind_stored});
    out.insert(out.end(), elements.begin(), elements.end());
  }

 private:
  /// A block in parts. A thread keeps its own: pages that are taken anew for every block take as long as coding it.
  struct Split {
    std::vector<std::uint8_t> symbols, contexts;
    std::vector<std::int16_t> scales;
    std::vector<Run> runs;
    std::vector<std::byte> rest, work, stream;

    void clear(std::size_t count, std::size_t columns) {
      symbols.resize(count + slack);
      contexts.resize(count + slack);
      work.resize(work_bytes(std::min(count, columns)));
      scales.clear();
      runs.clear();
      rest.clear();
      stream.clear();
    }
  };

  void add_row(base::ByteView values, std::size_t at, Split& out) const {
    const std::size_t count = values.size() / frame_.layout.bytes;
    const Row row{.columns = frame_.scales.data(),
                  .count = count,
                  .scale = row_scale(frame_.layout, values.data(), std::span(weights_).first(count)),
                  .zeros = common_zeros(frame_.layout, values.data(), count)};
    out.scales.push_back(static_cast<std::int16_t>(row.scale));
    if (out.runs.empty() || out.runs.back().zeros != row.zeros)
      out.runs.push_back({1, row.zeros});
    else
      ++out.runs.back().rows;
    find_contexts(row, out.contexts.data() + at);
    find_symbols(frame_.layout, row, coded_, values.data(), out.symbols.data() + at);
    const std::size_t bytes = rest_bytes(frame_.layout, count, row.zeros), before = out.rest.size();
    out.rest.resize(before + bytes);
    write_rest(frame_.layout, row, values.data(), out.rest.data() + before, out.work.data());
  }

  // What the escapes stand for, in their order.
  std::vector<std::uint16_t> escapes_of(base::ByteView elements, const Split& of) const {
    std::vector<std::uint16_t> out;
    const std::size_t count = elements.size() / frame_.layout.bytes;
    for (std::size_t i = next_escape(of.symbols, 0, count); i < count; i = next_escape(of.symbols, i + 1, count))
      out.push_back(escaped(frame_.layout, elements.data() + i * frame_.layout.bytes));
    return out;
  }

  void split(base::ByteView elements, std::vector<std::byte>& out) const {
    const std::size_t count = elements.size() / frame_.layout.bytes;
    thread_local Split parts;
    parts.clear(count, frame_.columns);
    parts.rest.reserve(elements.size());
    const std::size_t row_bytes = frame_.columns * frame_.layout.bytes;
    for (std::size_t at = 0; at < elements.size(); at += row_bytes)
      add_row(elements.subspan(at, std::min(row_bytes, elements.size() - at)), at / frame_.layout.bytes, parts);
    const std::vector<std::uint16_t> escapes = escapes_of(elements, parts);
    model_.encode(parts.symbols.data(), parts.contexts.data(), count, parts.stream);
    base::ByteWriter head;
    head.write(kind_fields);
    head.write(static_cast<std::uint32_t>(parts.stream.size()));
    head.write(static_cast<std::uint32_t>(escapes.size()));
    write_scales(head, parts.scales);
    for (const Run& run : parts.runs) {
      base::write_leb128(head, run.rows);
      head.write(static_cast<std::uint8_t>(run.zeros));
    }
    for (const base::ByteView part :
         {head.bytes(), base::ByteView(parts.stream), std::as_bytes(std::span(escapes)), base::ByteView(parts.rest)})
      out.insert(out.end(), part.begin(), part.end());
  }

  Frame frame_;
  const math::RansModel& model_;
  std::vector<float> weights_;
  Coded coded_;
};

class Trial final : public codec::TensorTrial {
 public:
  explicit Trial(const codec::TensorView& tensor) {
    frame_.layout = layout_of(tensor.schema.element);
    frame_.columns = tensor.schema.columns;
    const std::vector<const std::byte*> rows = sample_rows(tensor, frame_.columns);
    frame_.scales.resize(frame_.columns);
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
    for (const std::byte* values : rows) {
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

  Frame frame_;
  codec::TableSets::Counts counts_;
  std::uint64_t rest_ = 0, looked_at_ = 0;
  double scale_ = 0, bytes_ = 0;
};

// ---- reading --------------------------------------------------------------------------------------------------------

std::unexpected<Error> corrupt(const char* what) { return fail(ErrorCode::corrupt, what); }

class Reader final : public codec::TensorReader {
 public:
  Reader(Frame frame, const math::RansModel& model) : frame_(std::move(frame)), model_(model) {}

  [[nodiscard]] Status read(std::uint64_t /*first*/, base::ByteView block, base::ByteView /*base*/,
                            std::span<std::byte> out) const override {
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

    // A thread keeps its own: pages that are taken anew for every block take as long as decoding it.
    thread_local std::vector<std::uint8_t> symbols, places;
    symbols.resize(count + slack);
    places.resize(count + slack);
    for (std::uint64_t i = 0; i < rows; ++i)
      find_contexts(row(i, count, scales[i], zeros[i]), &places[i * frame_.columns]);
    ATTAR_TRY(model_.decode(stream, places.data(), count, symbols.data()));
    ATTAR_TRY(join_rows(scales, zeros, symbols, rest, out));
    return put_escapes(symbols, pairs, out);
  }

  [[nodiscard]] Row row(std::uint64_t number, std::uint64_t count, std::int16_t scale, unsigned zeros) const noexcept {
    return {.columns = frame_.scales.data(),
            .count = std::min(frame_.columns, count - number * frame_.columns),
            .scale = scale,
            .zeros = zeros};
  }

  Status join_rows(std::span<const std::int16_t> scales, std::span<const std::uint8_t> zeros,
                   std::span<const std::uint8_t> symbols, base::ByteView rest, std::span<std::byte> out) const {
    const std::uint64_t count = out.size() / frame_.layout.bytes;
    thread_local std::vector<std::byte> work;
    work.resize(work_bytes(std::min(count, frame_.columns)));
    for (std::uint64_t i = 0; i < scales.size(); ++i) {
      const Row own = row(i, count, scales[i], zeros[i]);
      const std::size_t bytes = rest_bytes(frame_.layout, own.count, own.zeros);
      if (bytes > rest.size()) return corrupt("the bits of a block's rows end early");
      join(frame_.layout, own, symbols.data() + i * frame_.columns, rest.data(),
           out.data() + i * frame_.columns * frame_.layout.bytes, work.data());
      rest = rest.subspan(bytes);
    }
    if (!rest.empty()) return corrupt("a block goes on after its last row");
    return {};
  }

  Status put_escapes(std::span<const std::uint8_t> symbols, base::ByteView pairs, std::span<std::byte> out) const {
    const std::uint64_t count = out.size() / frame_.layout.bytes;
    std::uint64_t at = 0;
    for (std::size_t i = next_escape(symbols, 0, count); i < count; i = next_escape(symbols, i + 1, count)) {
      if (at == pairs.size()) return corrupt("a block has fewer escapes than its symbols say");
      set_escaped(frame_.layout, base::load<std::uint16_t>(pairs.data() + at), out.data() + i * frame_.layout.bytes);
      at += sizeof(std::uint16_t);
    }
    if (at != pairs.size()) return corrupt("a block has more escapes than its symbols say");
    return {};
  }

  Frame frame_;
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
    const codec::TensorSchema& schema = tensor.schema;
    if (!schema.element.is_float() || schema.count == 0 || schema.columns > most_columns) return nullptr;
    return std::make_unique<Trial>(tensor);
  }

  [[nodiscard]] Result<std::unique_ptr<codec::TensorReader>> open(base::ByteView preamble,
                                                                  const codec::TensorSchema& schema,
                                                                  const codec::TableSets& tables) const override {
    if (!schema.element.is_float()) return corrupt("a tensor without floats is said to be split into fields");
    base::ByteReader in(preamble);
    Frame frame{.layout = layout_of(schema.element), .columns = schema.columns, .scales = {}};
    ATTAR_ASSIGN(const auto flags, in.read<std::uint8_t>());
    ATTAR_ASSIGN(const auto zero, in.read<std::uint8_t>());
    ATTAR_ASSIGN(frame.table, in.read<std::uint16_t>());
    if ((flags & ~has_columns) != 0) return fail(ErrorCode::too_new, "a tensor has features of a later version");
    if (zero != 0 || frame.columns == 0 || frame.columns > most_columns)
      return corrupt("a tensor's rows have an impossible length");
    if (frame.table >= tables.size() || tables.set(frame.table).contexts().size() != contexts)
      return corrupt("a tensor names a table that is not there");
    frame.scaled = (flags & has_columns) != 0;
    frame.scales.resize(frame.columns);
    if (frame.scaled) {
      ATTAR_ASSIGN(frame.scales, read_scales(in, frame.columns, least_column, most_column));
    }
    if (in.remaining() != 0) return corrupt("a tensor's preamble goes on after its end");
    return std::make_unique<Reader>(std::move(frame), tables.set(frame.table));
  }
};

}  // namespace
}  // namespace fields

const codec::TensorCodec& fields_codec() noexcept {
  static const fields::FieldsCodec codec;
  return codec;
}

}  // namespace attar::tensor
