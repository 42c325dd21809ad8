// Rows that repeat, around another codec: the look, the writer, the reader, and its rows of the registry. spec.md has
// the bytes.
#include <algorithm>
#include <array>
#include <utility>

#include "base/checked.h"
#include "base/leb128.h"
#include "format/tensors.h"
#include "tensor/refined/refined.h"
#include "tensor/rows/rows.h"

namespace attar::tensor {
namespace rows {
namespace {

constexpr std::uint8_t kind_plain = 0, kind_runs = 1;
constexpr unsigned leb128_bytes = 5;
// What a look copies of the rows that do not repeat: more than codecs read of a tensor.
constexpr std::uint64_t most_copied_bytes = 1u << 26;
// Flags, ids and lengths of the preamble; two lengths and a number of a run.
constexpr double head_bytes = 12, run_bytes = 4;

bool takes(const codec::TensorCodec& inner, bool lossy) noexcept {
  const std::uint32_t id = inner.info().id;
  return !inner.needs_base() && inner.lossy() == lossy && id != codec_id && id != lossy_codec_id &&
         id != refined::codec_id;
}

// ---- writing --------------------------------------------------------------------------------------------------------

/// So many own rows, then so many that repeat one.
struct Run {
  std::uint64_t own = 0, repeated = 0;
  std::uint32_t number = 0;
};

class RowsWriter final : public codec::TensorWriter {
 public:
  RowsWriter(std::shared_ptr<const Repeats> repeats, std::uint32_t inner_id, std::unique_ptr<codec::TensorWriter> inner)
      : repeats_(std::move(repeats)), inner_id_(inner_id), inner_(std::move(inner)) {}

  [[nodiscard]] std::vector<std::byte> preamble() const override {
    base::ByteWriter out;
    out.write(std::uint8_t{0});
    base::write_leb128(out, inner_id_);
    base::write_leb128(out, codec::find_tensor_codec(inner_id_)->info().wire_max);
    base::write_leb128(out, repeats_->size());
    const std::vector<std::byte> own = inner_->preamble();
    base::write_leb128(out, own.size());
    out.write_bytes(own);
    std::vector<std::byte> list;
    inner_->write({.elements = repeats_->list(), .finer = repeats_->finer()}, list);
    out.write_bytes(list);
    return std::move(out).release();
  }

  void write(const codec::TensorBlock& block, std::vector<std::byte>& out) const override {
    thread_local Kept own;
    const std::vector<Run> runs = split(block, own);
    if (runs.size() == 1 && runs.front().repeated == 0) {
      out.push_back(std::byte{kind_plain});
      inner_->write({.elements = block.elements, .finer = block.finer}, out);
      return;
    }
    base::ByteWriter head;
    head.write(kind_runs);
    for (const Run& run : runs) {
      base::write_leb128(head, run.own);
      base::write_leb128(head, run.repeated);
      if (run.repeated != 0) base::write_leb128(head, run.number);
    }
    out.insert(out.end(), head.bytes().begin(), head.bytes().end());
    if (!own.empty()) inner_->write(own.block(), out);
  }

 private:
  // The runs of a block, and its own rows one after the other.
  [[nodiscard]] std::vector<Run> split(const codec::TensorBlock& block, Kept& own) const {
    std::vector<Run> out;
    own.clear();
    const base::ByteView elements = block.elements;
    for (std::uint64_t at = 0, i = 0; at < elements.size(); at += repeats_->row_bytes(), ++i) {
      const base::ByteView row = elements.subspan(at, std::min(repeats_->row_bytes(), elements.size() - at));
      const std::optional<std::uint32_t> number = repeats_->number_of(row);
      if (number && !out.empty() && (out.back().repeated == 0 || out.back().number == *number)) {
        out.back().number = *number;
        ++out.back().repeated;
      } else if (number) {
        out.push_back({.repeated = 1, .number = *number});
      } else {
        if (out.empty() || out.back().repeated != 0) out.emplace_back();
        ++out.back().own;
        own.add(row, block, i);
      }
    }
    return out;
  }

  std::shared_ptr<const Repeats> repeats_;
  std::uint32_t inner_id_;
  std::unique_ptr<codec::TensorWriter> inner_;
};

/// The tensor without its repeats, or evenly spread rows of it.
std::vector<std::byte> without_repeats(const codec::TensorView& tensor, const Repeats& repeats) {
  const std::uint64_t row_bytes = repeats.row_bytes(), rows = tensor.schema.count / tensor.schema.columns;
  const std::uint64_t wanted = std::clamp<std::uint64_t>(most_copied_bytes / row_bytes, 1, rows);
  std::vector<std::byte> out(repeats.list().begin(), repeats.list().end());
  for (std::uint64_t i = 0; i < wanted; ++i) {
    const base::ByteView row = tensor.bytes.subspan(i * rows / wanted * row_bytes, row_bytes);
    if (!repeats.number_of(row)) out.insert(out.end(), row.begin(), row.end());
  }
  return out;
}

class RowsTrial final : public codec::TensorTrial {
 public:
  RowsTrial(const codec::TensorView& tensor, std::shared_ptr<const Repeats> repeats) : repeats_(std::move(repeats)) {
    std::vector<const codec::TensorCodec*> inner;
    for (const codec::TensorCodec* codec : codec::tensor_registry())
      if (takes(*codec, false)) inner.push_back(codec);
    const std::vector<std::byte> kept = without_repeats(tensor, *repeats_);
    codec::TensorView view = tensor;
    view.bytes = kept;
    view.base = {};
    view.schema.count = kept.size() / tensor.schema.element.bytes;
    choice_ = codec::choose_codec(inner, view);
    const std::uint64_t rows = kept.size() / repeats_->row_bytes(), stored = repeats_->own() + repeats_->size();
    const double scale = static_cast<double>(stored) / static_cast<double>(rows);
    const std::uint64_t blocks = base::ceil_div(tensor.schema.count, std::max<std::uint64_t>(tensor.block_elements, 1));
    bytes_ = scale * choice_.trial->bytes() + head_bytes + static_cast<double>(blocks) +
             run_bytes * static_cast<double>(repeats_->runs());
  }

  [[nodiscard]] double bytes() const override { return bytes_; }
  void share(codec::TableSets& tables) override { choice_.trial->share(tables); }
  [[nodiscard]] std::unique_ptr<codec::TensorWriter> writer(const codec::TableSets& tables) const override {
    return leave_out(repeats_, choice_.codec->info().id, choice_.trial->writer(tables));
  }

 private:
  std::shared_ptr<const Repeats> repeats_;
  codec::CodecChoice choice_;
  double bytes_ = 0;
};

// ---- reading --------------------------------------------------------------------------------------------------------

std::unexpected<Error> bad_rows(const char* what) { return fail(ErrorCode::corrupt, what); }

class RowsReader final : public codec::TensorReader {
 public:
  RowsReader(std::uint64_t row_bytes, std::vector<std::byte> list, std::unique_ptr<codec::TensorReader> inner)
      : row_bytes_(row_bytes), list_(std::move(list)), inner_(std::move(inner)) {}

  [[nodiscard]] Status read(base::ByteView block, base::ByteView /*base*/, std::span<std::byte> out) const override {
    base::ByteReader in(block);
    ATTAR_ASSIGN(const auto kind, in.read<std::uint8_t>());
    if (kind == kind_plain) return inner_->read(block.subspan(1), {}, out);
    if (kind != kind_runs) return bad_rows("a block is of an unknown kind");
    ATTAR_ASSIGN(const std::vector<Run> runs, read_runs(in, base::ceil_div(out.size(), row_bytes_)));
    ATTAR_ASSIGN(const std::uint64_t own_bytes, bytes_of_own(runs, out.size()));
    thread_local std::vector<std::byte> own;
    own.resize(own_bytes);
    const base::ByteView rest = block.subspan(in.position());
    if (own_bytes != 0)
      ATTAR_TRY(inner_->read(rest, {}, own));
    else if (!rest.empty())
      return bad_rows("a block goes on after its end");
    put_rows(runs, own, out);
    return {};
  }

 private:
  [[nodiscard]] Result<std::vector<Run>> read_runs(base::ByteReader& in, std::uint64_t rows) const {
    std::vector<Run> out;
    for (std::uint64_t left = rows; left != 0;) {
      Run run;
      ATTAR_ASSIGN(run.own, base::read_leb128(in, leb128_bytes));
      ATTAR_ASSIGN(run.repeated, base::read_leb128(in, leb128_bytes));
      if (run.own > left || run.repeated > left - run.own || run.own + run.repeated == 0)
        return bad_rows("a run of rows does not fit its block");
      left -= run.own + run.repeated;
      if (run.repeated == 0 && left != 0) return bad_rows("a run of rows names no row that it repeats");
      if (run.repeated != 0) {
        ATTAR_ASSIGN(const std::uint64_t number, base::read_leb128(in, leb128_bytes));
        if (number >= list_.size() / row_bytes_) return bad_rows("a row repeats one that is not in the list");
        run.number = static_cast<std::uint32_t>(number);
      }
      out.push_back(run);
    }
    return out;
  }

  // A last row that is shorter than the others repeats none.
  [[nodiscard]] Result<std::uint64_t> bytes_of_own(std::span<const Run> runs, std::uint64_t bytes) const {
    std::uint64_t repeated = 0;
    for (const Run& run : runs) repeated += run.repeated * row_bytes_;
    if (repeated > bytes || (bytes % row_bytes_ != 0 && runs.back().repeated != 0))
      return bad_rows("a row that is shorter than others repeats one");
    return bytes - repeated;
  }

  void put_rows(std::span<const Run> runs, base::ByteView own, std::span<std::byte> out) const {
    for (const Run& run : runs) {
      const std::uint64_t length = std::min<std::uint64_t>(run.own * row_bytes_, own.size());
      std::ranges::copy(own.first(length), out.begin());
      own = own.subspan(length);
      out = out.subspan(length);
      for (std::uint64_t i = 0; i < run.repeated; ++i) {
        std::ranges::copy(base::ByteView(list_).subspan(run.number * row_bytes_, row_bytes_), out.begin());
        out = out.subspan(row_bytes_);
      }
    }
  }

  std::uint64_t row_bytes_;
  std::vector<std::byte> list_;
  std::unique_ptr<codec::TensorReader> inner_;
};

Result<const codec::TensorCodec*> inner_of(std::uint64_t id, std::uint64_t version, bool lossy) {
  const codec::TensorCodec* found =
      id <= UINT32_MAX ? codec::find_tensor_codec(static_cast<std::uint32_t>(id)) : nullptr;
  if (found == nullptr) return fail(ErrorCode::unknown_codec, "rows were written by a codec of a later version");
  if (!takes(*found, lossy)) return bad_rows("rows are said to be written by a codec that cannot");
  if (version == 0 || version > UINT16_MAX) return bad_rows("rows have an impossible version");
  ATTAR_TRY(codec::check_wire_version(found->info(), static_cast<std::uint16_t>(version)));
  return found;
}

class RowsCodec final : public codec::TensorCodec {
 public:
  RowsCodec(const codec::CodecInfo& info, bool lossy) noexcept : info_(info), lossy_(lossy) {}

  [[nodiscard]] const codec::CodecInfo& info() const noexcept override { return info_; }
  [[nodiscard]] bool lossy() const noexcept override { return lossy_; }

  [[nodiscard]] std::unique_ptr<codec::TensorTrial> look(const codec::TensorView& tensor) const override {
    if (lossy_) return nullptr;
    auto repeats = Repeats::find(tensor);
    if (repeats == nullptr) return nullptr;
    return std::make_unique<RowsTrial>(tensor, std::move(repeats));
  }

  [[nodiscard]] Result<std::unique_ptr<codec::TensorReader>> open(base::ByteView preamble,
                                                                  const codec::TensorSchema& schema,
                                                                  const codec::TableSets& tables) const override {
    base::ByteReader in(preamble);
    ATTAR_ASSIGN(const auto flags, in.read<std::uint8_t>());
    if (flags != 0) return fail(ErrorCode::too_new, "a tensor has features of a later version");
    ATTAR_ASSIGN(const std::uint64_t id, base::read_leb128(in, leb128_bytes));
    ATTAR_ASSIGN(const std::uint64_t version, base::read_leb128(in, leb128_bytes));
    ATTAR_ASSIGN(const codec::TensorCodec* inner, inner_of(id, version, lossy_));
    ATTAR_ASSIGN(const std::uint64_t count, base::read_leb128(in, leb128_bytes));
    ATTAR_ASSIGN(const std::uint64_t row_bytes, base::checked_mul(schema.columns, schema.element.bytes));
    if (row_bytes == 0 || count == 0 || count > schema.count / schema.columns ||
        count > format::most_block_bytes / row_bytes)
      return bad_rows("a list of rows has an impossible length");
    ATTAR_ASSIGN(const std::uint64_t length, base::read_leb128(in, leb128_bytes));
    ATTAR_ASSIGN(const base::ByteView own, in.take(length));
    ATTAR_ASSIGN(auto reader, inner->open(own, schema, tables));
    std::vector<std::byte> list(count * row_bytes);
    ATTAR_TRY(reader->read(preamble.subspan(in.position()), {}, list));
    return std::make_unique<RowsReader>(row_bytes, std::move(list), std::move(reader));
  }

 private:
  codec::CodecInfo info_;
  bool lossy_;
};

}  // namespace

std::unique_ptr<codec::TensorWriter> leave_out(std::shared_ptr<const Repeats> repeats, std::uint32_t inner_id,
                                               std::unique_ptr<codec::TensorWriter> inner) {
  return std::make_unique<RowsWriter>(std::move(repeats), inner_id, std::move(inner));
}

}  // namespace rows

const codec::TensorCodec& rows_codec() noexcept {
  static const rows::RowsCodec codec({.id = rows::codec_id,
                                      .name = "rows",
                                      .summary = "lossless: rows that repeat stand there once, the others by another "
                                                 "codec"},
                                     false);
  return codec;
}

const codec::TensorCodec& step_rows_codec() noexcept {
  static const rows::RowsCodec codec(
      {.id = rows::lossy_codec_id, .name = "step-rows", .summary = "lossy: the same around uniform steps"}, true);
  return codec;
}

}  // namespace attar::tensor
