// The reader of progressive tensors and its row of the registry. spec.md has the bytes.
#include <algorithm>
#include <optional>
#include <utility>

#include "codec/tensors.h"
#include "tensor/refined/block.h"
#include "tensor/refined/cells.h"
#include "tensor/refined/frame.h"
#include "tensor/refined/refined.h"

namespace attar::tensor {
namespace refined {
namespace {

class RefinedReader final : public codec::TensorReader {
 public:
  RefinedReader(Frame frame, const math::RansModel& model)
      : frame_(std::move(frame)), model_(model), middles_(middles_of(model)) {}

  [[nodiscard]] Status read(base::ByteView block, base::ByteView /*base*/, std::span<std::byte> out) const override {
    base::ByteReader in(block);
    const std::size_t count = out.size() / steps::bytes_of(frame_.type);
    ATTAR_ASSIGN(const Root root, read_root(in, frame_, count));
    // A thread keeps its own: pages that are taken anew for every block take as long as decoding it.
    thread_local Cells cells;
    thread_local std::vector<std::uint8_t> symbols;
    cells.begin(count, frame_.scales, root.scales);
    symbols.resize(count + math::rans_slack);
    std::optional<math::RansDecoder> decoder;
    for (unsigned number = 0; in.remaining() != 0; ++number) {
      if (number >= 2 * root.planes) return fail(ErrorCode::corrupt, "a block has more passes than its planes have");
      ATTAR_ASSIGN(const auto length, in.read<std::uint32_t>());
      ATTAR_ASSIGN(base::ByteView stream, in.take(length));
      if (!decoder) {
        const std::size_t states = math::rans_state_bytes(count);
        if (length < states) return fail(ErrorCode::corrupt, "a block's first pass ends early");
        decoder = math::RansDecoder::of_pieces(model_, stream.first(states));
        stream = stream.subspan(states);
      }
      const Pass pass = pass_of(root.planes, number);
      cells.gather(pass);
      ATTAR_TRY(decoder->next_piece(stream, cells.pass_contexts(), cells.gathered(), symbols.data()));
      cells.apply(pass, symbols.data());
    }
    put_back(frame_, root, middles_, cells, out);
    return {};
  }

 private:
  Frame frame_;
  const math::RansModel& model_;
  std::vector<float> middles_;
};

class RefinedCodec final : public codec::TensorCodec {
 public:
  [[nodiscard]] const codec::CodecInfo& info() const noexcept override { return info_; }
  [[nodiscard]] bool lossy() const noexcept override { return true; }

  [[nodiscard]] std::unique_ptr<codec::TensorTrial> look(const codec::TensorView& /*tensor*/) const override {
    return nullptr;
  }

  [[nodiscard]] Result<std::unique_ptr<codec::TensorReader>> open(base::ByteView preamble,
                                                                  const codec::TensorSchema& schema,
                                                                  const codec::TableSets& tables) const override {
    ATTAR_ASSIGN(Frame frame, read_frame(preamble, schema, tables));
    const math::RansModel& model = tables.set(frame.table);
    return std::make_unique<RefinedReader>(std::move(frame), model);
  }

 private:
  codec::CodecInfo info_{.id = codec_id,
                         .name = "refined",
                         .summary =
                             "lossy: plane by plane, to be cut anywhere, in contexts of the scales of rows and "
                             "columns and of what is known"};
};

}  // namespace
}  // namespace refined

const codec::TensorCodec& refined_codec() noexcept {
  static const refined::RefinedCodec codec;
  return codec;
}

}  // namespace attar::tensor
