// The reader of steps and its row of the registry. spec.md has the bytes.
#include <algorithm>
#include <utility>

#include "base/bits.h"
#include "base/checked.h"
#include "codec/tensors.h"
#include "tensor/common/scales.h"
#include "tensor/steps/frame.h"
#include "tensor/steps/steps.h"

namespace attar::tensor {
namespace steps {
namespace {

std::unexpected<Error> bad_block(const char* what) { return fail(ErrorCode::corrupt, what); }

class StepsReader final : public codec::TensorReader {
 public:
  StepsReader(Frame frame, const math::RansModel& model, bool has_base)
      : frame_(std::move(frame)), model_(model), has_base_(has_base) {}

  [[nodiscard]] Status read(base::ByteView block, base::ByteView base, std::span<std::byte> out) const override {
    if (has_base_ && base.size() != out.size()) return bad_block("a block's base has another length than its elements");
    base::ByteReader in(block);
    ATTAR_ASSIGN(const auto kind, in.read<std::uint8_t>());
    if (kind == kind_steps) return read_steps(in, base, out);
    if (kind != kind_stored) return bad_block("a block is of an unknown kind");
    if (in.remaining() != out.size()) return bad_block("a stored block has another length than its elements");
    std::ranges::copy(block.subspan(1), out.begin());
    return {};
  }

 private:
  Status read_steps(base::ByteReader& in, base::ByteView base, std::span<std::byte> out) const {
    const unsigned bytes = bytes_of(frame_.type);
    const std::uint64_t count = out.size() / bytes, rows = base::ceil_div(count, frame_.columns);
    ATTAR_ASSIGN(const auto stream_bytes, in.read<std::uint32_t>());
    ATTAR_ASSIGN(const auto escapes, in.read<std::uint32_t>());
    if (escapes > count) return bad_block("a block has more escapes than elements");
    ATTAR_ASSIGN(const std::vector<std::int16_t> scales,
                 read_scales(in, frame_.scales_of(rows), least_scale, most_scale));
    std::vector<std::int16_t> finer;
    if (frame_.finer) {
      ATTAR_ASSIGN(finer, read_scales(in, rows, 0, static_cast<int>(most_finer)));
    }
    ATTAR_ASSIGN(const base::ByteView stream, in.take(stream_bytes));
    ATTAR_ASSIGN(const base::ByteView own, in.take(std::uint64_t{escapes} * bytes));
    ATTAR_ASSIGN(const base::ByteView packed, in.take(in.remaining()));

    // A thread keeps its own: pages that are taken anew for every block take as long as decoding it.
    thread_local std::vector<std::uint8_t> symbols, contexts;
    thread_local std::vector<float> values;
    symbols.resize(count + slack);
    contexts.resize(count + slack);
    const Classes classes{.width = frame_.width, .most_class = static_cast<int>(model_.contexts().size() / 2) - 1};
    for (std::uint64_t i = 0, at = 0; i < rows; ++i, at += frame_.columns)
      find_contexts(classes, frame_.scales.data(), scales[frame_.row_scales ? i : 0],
                    std::min(frame_.columns, count - at), &contexts[at]);
    if (frame_.plain)
      ATTAR_TRY(model_.decode(stream, contexts.data(), count, symbols.data()));
    else
      ATTAR_TRY(model_.decode_trellis(stream, contexts.data(), count, symbols.data()));
    values.resize(count);
    thread_local std::vector<std::uint16_t> low_bits;
    if (frame_.plain)
      ATTAR_TRY(read_low_bits(packed, std::span(symbols).first(count), low_bits));
    else if (!packed.empty())
      return bad_block("a block goes on after its end");
    const auto put_rows = [&](float half_step, std::uint64_t at, std::uint64_t length) {
      if (frame_.plain)
        join_numbers(&symbols[at], &low_bits[at], half_step, frame_.low, length, &values[at]);
      else
        put_back(&symbols[at], &contexts[at], half_step, length, &values[at]);
    };
    if (!frame_.finer) put_rows(frame_.half_step, 0, count);
    for (std::uint64_t i = 0, at = 0; i < finer.size(); ++i, at += frame_.columns)
      put_rows(frame_.half_step_of(static_cast<unsigned>(finer[i])), at, std::min(frame_.columns, count - at));
    if (frame_.centre != 0)
      for (float& value : values) value += frame_.centre;
    if (has_base_) {
      thread_local std::vector<float> origins;
      origins.resize(count);
      widen(frame_.type, base.data(), count, origins.data());
      for (std::uint64_t i = 0; i < count; ++i) values[i] += origins[i];
    }
    narrow(frame_.type, values.data(), count, out.data());
    return put_escapes(symbols, own, out);
  }

  Status read_low_bits(base::ByteView packed, std::span<const std::uint8_t> symbols,
                       std::vector<std::uint16_t>& out) const {
    out.assign(symbols.size(), 0);
    const std::uint64_t coded = symbols.size() - static_cast<std::uint64_t>(std::ranges::count(symbols, escape));
    if (packed.size() != base::ceil_div(coded * frame_.low, 8u))
      return bad_block("a block's low bits are not as many as its symbols ask for");
    if (frame_.low == 0) return {};
    base::BitReader bits(packed);
    for (std::size_t i = 0; i < symbols.size(); ++i)
      if (symbols[i] != escape) out[i] = static_cast<std::uint16_t>(bits.get(frame_.low));
    return {};
  }

  Status put_escapes(std::span<const std::uint8_t> symbols, base::ByteView own, std::span<std::byte> out) const {
    const unsigned bytes = bytes_of(frame_.type);
    const auto end = symbols.begin() + static_cast<std::ptrdiff_t>(out.size() / bytes);
    for (auto it = std::find(symbols.begin(), end, escape); it != end; it = std::find(it + 1, end, escape)) {
      if (own.empty()) return bad_block("a block has fewer escapes than its symbols say");
      std::ranges::copy(own.first(bytes), out.begin() + (it - symbols.begin()) * bytes);
      own = own.subspan(bytes);
    }
    if (!own.empty()) return bad_block("a block has more escapes than its symbols say");
    return {};
  }

  Frame frame_;
  const math::RansModel& model_;
  bool has_base_;
};

class StepsCodec final : public codec::TensorCodec {
 public:
  explicit StepsCodec(const codec::CodecInfo& info, bool has_base) noexcept : info_(info), has_base_(has_base) {}

  [[nodiscard]] const codec::CodecInfo& info() const noexcept override { return info_; }
  [[nodiscard]] bool needs_base() const noexcept override { return has_base_; }
  [[nodiscard]] bool lossy() const noexcept override { return true; }

  [[nodiscard]] std::unique_ptr<codec::TensorTrial> look(const codec::TensorView& /*tensor*/) const override {
    return nullptr;
  }

  [[nodiscard]] Result<std::unique_ptr<codec::TensorReader>> open(base::ByteView preamble,
                                                                  const codec::TensorSchema& schema,
                                                                  const codec::TableSets& tables) const override {
    ATTAR_ASSIGN(Frame frame, read_frame(preamble, schema, tables));
    const math::RansModel& model = tables.set(frame.table);
    return std::make_unique<StepsReader>(std::move(frame), model, has_base_);
  }

 private:
  codec::CodecInfo info_;
  bool has_base_;
};

}  // namespace
}  // namespace steps

const codec::TensorCodec& steps_codec() noexcept {
  static const steps::StepsCodec codec(
      {.id = steps::codec_id,
       .name = "steps",
       .summary =
           "lossy: uniform steps along a trellis, priced by bits, in contexts of the scales of rows and columns"},
      false);
  return codec;
}

const codec::TensorCodec& moves_codec() noexcept {
  static const steps::StepsCodec codec(
      {.id = steps::moves_codec_id, .name = "moves", .summary = "lossy: the difference from a base, by uniform steps"},
      true);
  return codec;
}

}  // namespace attar::tensor
