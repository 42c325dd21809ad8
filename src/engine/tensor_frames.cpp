#include "engine/tensor_frames.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/checked.h"
#include "base/hash.h"
#include "data/input_file.h"

namespace attar::engine {
namespace {

// Blocks of a wave: enough that threads seldom wait for the slowest, few enough to stay in the caches.
std::uint64_t wave_of(const base::ThreadPool& pool) noexcept {
  return pool.size() == 1 ? 1 : std::uint64_t{4} * pool.size();
}

// What went wrong inside of a tensor, with its name.
std::unexpected<Error> in_tensor(const format::SectionReader& frames, const format::TensorEntry& entry,
                                 const Error& error) {
  return frames.fail(error.code, fmt::format("tensor {}: {}", data::in_quotes(entry.name), error.message));
}

Result<const codec::TensorCodec*> codec_of(const format::TensorEntry& entry) {
  const codec::TensorCodec* found = codec::find_tensor_codec(entry.codec_id);
  if (found == nullptr)
    return fail(
        ErrorCode::unknown_codec,
        fmt::format("was written by a codec (id {:#06x}) that this build does not have; a newer Attar may have it",
                    entry.codec_id));
  ATTAR_TRY(codec::check_wire_version(found->info(), entry.wire_version));
  return found;
}

struct FrameParts {
  std::vector<base::ByteView> blocks;
  base::ByteView preamble;
};

// The frame from its end: the preamble's length, the preamble, the blocks' lengths.
Result<FrameParts> parts_of(base::ByteView frame, std::uint64_t blocks) {
  constexpr std::uint64_t size = sizeof(std::uint32_t);
  FrameParts out;
  if (frame.size() < size * (blocks + 1))
    return fail(ErrorCode::corrupt, "has a frame shorter than its blocks' lengths");
  const std::uint64_t preamble = base::load<std::uint32_t>(frame.data() + frame.size() - size);
  if (preamble > frame.size() - size * (blocks + 1))
    return fail(ErrorCode::corrupt, "has a frame shorter than its preamble");
  out.preamble = frame.subspan(frame.size() - size - preamble, preamble);
  const base::ByteView lengths = frame.subspan(frame.size() - size - preamble - size * blocks, size * blocks);
  base::ByteReader body(frame.first(frame.size() - size - preamble - size * blocks));
  for (std::uint64_t i = 0; i < blocks; ++i) {
    const auto block = body.take(base::load<std::uint32_t>(lengths.data() + i * size));
    if (!block) return fail(ErrorCode::corrupt, "has blocks that are longer than its frame");
    out.blocks.push_back(*block);
  }
  if (body.remaining() != 0) return fail(ErrorCode::corrupt, "has a frame that goes on after its last block");
  return out;
}

/// Called for every block once it is made: on any thread, then in order.
struct BlockWatch {
  std::function<void(std::uint64_t block, base::ByteView made, std::size_t place)> made = {};
  std::function<Status(std::uint64_t block, std::size_t place)> taken = {};
};

Result<std::uint64_t> write_blocks(const codec::TensorWriter& writer, const codec::TensorView& tensor, base::Sink& sink,
                                   base::ThreadPool& pool, base::Progress& progress, FrameRoom& made,
                                   const BlockWatch& watch) {
  const std::uint64_t blocks = base::ceil_div(tensor.schema.count, tensor.block_elements), wave = wave_of(pool);
  made.resize(std::max<std::size_t>(made.size(), std::min(wave, blocks)));
  base::ByteWriter trailer;
  std::uint64_t bytes = 0;
  for (std::uint64_t first = 0; first < blocks; first += wave) {
    ATTAR_TRY(base::check_cancelled(progress));
    const std::uint64_t count = std::min(wave, blocks - first);
    pool.run(count, [&](std::size_t piece, unsigned) {
      codec::BlockParts& own = made[piece];
      own.clear();
      if (!watch.made) return writer.write_parts(tensor.block(first + piece), own);
      writer.write(tensor.block(first + piece), own.front);
      watch.made(first + piece, own.front, piece);
    });
    for (std::uint64_t i = 0; i < count; ++i) {
      if (watch.taken) ATTAR_TRY(watch.taken(first + i, i));
      ATTAR_TRY(sink.write(made[i].front));
      ATTAR_TRY(sink.write(made[i].back()));
      trailer.write(static_cast<std::uint32_t>(made[i].size()));
      bytes += made[i].size();
      progress.advance(tensor.block(first + i).elements.size());
    }
  }
  const std::vector<std::byte> preamble = writer.preamble();
  trailer.write_bytes(preamble);
  trailer.write(static_cast<std::uint32_t>(preamble.size()));
  ATTAR_TRY(sink.write(trailer.bytes()));
  return bytes + trailer.size();
}

}  // namespace

Result<std::uint64_t> write_frame(const codec::TensorWriter& writer, const codec::TensorView& tensor, base::Sink& sink,
                                  base::ThreadPool& pool, base::Progress& progress, FrameRoom& room) {
  return write_blocks(writer, tensor, sink, pool, progress, room, {});
}

Result<LossyFrame> write_lossy_frame(const codec::TensorWriter& writer, const codec::TensorView& tensor,
                                     const format::TensorEntry& entry, const codec::TableSets& tables,
                                     const format::KeptRowsEntry* rows, base::Sink& sink, base::ThreadPool& pool,
                                     base::Progress& progress) {
  ATTAR_ASSIGN(const codec::TensorCodec* codec, codec_of(entry));
  ATTAR_ASSIGN(const auto reader, codec->open(writer.preamble(), tensor.schema, tables));
  struct Back {
    std::vector<std::byte> bytes;
    Status status;
    BlockLoss loss;
  };
  std::vector<Back> backs(wave_of(pool));
  LossyFrame out;
  base::Checksum checksum;
  const BlockWatch watch{.made =
                             [&](std::uint64_t number, base::ByteView made, std::size_t place) {
                               const codec::TensorBlock block = tensor.block(number);
                               Back& own = backs[place];
                               own.bytes.resize(block.elements.size());
                               own.status = reader->read(made, block.base, own.bytes);
                               if (own.status)
                                 own.loss = measure_kept_rows(
                                     tensor.schema.element, block.elements, own.bytes, rows, tensor.bytes.size(),
                                     number * tensor.block_elements * tensor.schema.element.bytes);
                             },
                         .taken = [&](std::uint64_t, std::size_t place) -> Status {
                           const Back& own = backs[place];
                           ATTAR_TRY(own.status);
                           checksum.update(own.bytes);
                           out.loss.add(own.loss);
                           return {};
                         }};
  FrameRoom room;
  ATTAR_ASSIGN(out.bytes, write_blocks(writer, tensor, sink, pool, progress, room, watch));
  out.checksum = checksum.value();
  if (out.loss.broken)
    return fail(ErrorCode::corrupt,
                fmt::format("tensor {} did not come back as it must; please report this", data::in_quotes(entry.name)));
  return out;
}

codec::TensorSchema schema_of(const format::TensorEntry& entry) noexcept {
  return {.element = {.bytes = entry.element_bytes,
                      .exponent_bits = entry.exponent_bits,
                      .mantissa_bits = entry.mantissa_bits},
          .count = entry.count,
          .columns = entry.columns};
}

Result<FrameReader> FrameReader::open(const format::SectionReader& frames, const format::TensorEntry& entry,
                                      const codec::TableSets& tables, base::ByteView base,
                                      std::optional<TensorRefinements> refinements) {
  FrameReader out(frames, entry, base);
  out.refinements_ = refinements;
  const auto codec = codec_of(entry);
  if (!codec) return in_tensor(frames, entry, codec.error());
  ATTAR_TRY(frames.verify(entry.frame_offset, entry.frame_bytes));
  auto parts = parts_of(frames.bytes().subspan(entry.frame_offset, entry.frame_bytes),
                        base::ceil_div(entry.count, entry.block_elements));
  if (!parts) return in_tensor(frames, entry, parts.error());
  out.blocks_ = std::move(parts->blocks);
  auto reader = (*codec)->open(parts->preamble, schema_of(entry), tables);
  if (!reader) return in_tensor(frames, entry, reader.error());
  out.reader_ = *std::move(reader);
  return out;
}

Status FrameReader::decode(base::ThreadPool& pool, std::uint64_t first, std::span<std::byte> out) const {
  const std::uint64_t count = base::ceil_div(out.size(), block_bytes());
  std::vector<Status> outcome(count);
  pool.run(count, [&](std::size_t piece, unsigned) {
    const std::uint64_t at = piece * block_bytes(), length = std::min(block_bytes(), out.size() - at);
    const std::uint64_t from = first * block_bytes() + at;
    if (refinements_) {
      outcome[piece] = decode_refined(first + piece, out.subspan(at, length));
      return;
    }
    const base::ByteView base = base_.empty() ? base::ByteView{} : base_.subspan(from, length);
    outcome[piece] = reader_->read(blocks_[first + piece], base, out.subspan(at, length));
  });
  for (const Status& own : outcome)
    if (!own) return in_tensor(*frames_, *entry_, own.error());
  return {};
}

// The codec sees a block of the frame and behind it the passes that are there.
Status FrameReader::decode_refined(std::uint64_t block, std::span<std::byte> out) const {
  std::vector<std::byte> bytes(blocks_[block].begin(), blocks_[block].end());
  ATTAR_TRY(refinements_->append_passes(block, bytes));
  ATTAR_TRY(reader_->read(bytes, {}, out));
  if (base::checksum(out) == refinements_->state(block).checksum) return {};
  return fail(ErrorCode::corrupt, "does not decode to the bytes that were packed");
}

Status FrameReader::wrong_checksum() const {
  return in_tensor(*frames_, *entry_,
                   {.code = ErrorCode::corrupt, .message = "does not decode to the bytes that were packed"});
}

Status FrameReader::read(base::ThreadPool& pool, const Take& take) const {
  const std::uint64_t wave = wave_of(pool);
  std::vector<std::byte> room(std::min(entry_->bytes(), wave * block_bytes()));
  base::Checksum checksum;
  for (std::uint64_t first = 0; first < blocks_.size(); first += wave) {
    const std::uint64_t bytes = std::min<std::uint64_t>(room.size(), entry_->bytes() - first * block_bytes());
    const std::span<std::byte> out = std::span(room).first(bytes);
    ATTAR_TRY(decode(pool, first, out));
    checksum.update(out);
    ATTAR_TRY(take(out));
  }
  return holds(checksum.value()) ? Status{} : wrong_checksum();
}

Status FrameReader::read(base::ThreadPool& pool, std::span<std::byte> out) const {
  ATTAR_TRY(decode(pool, 0, out));
  return refinements_ || holds(base::checksum(out)) ? Status{} : wrong_checksum();
}

}  // namespace attar::engine
