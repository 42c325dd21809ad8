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

Result<const codec::TensorCodec*> codec_of(const format::SectionReader& frames, const format::TensorEntry& entry) {
  const codec::TensorCodec* found = codec::find_tensor_codec(entry.codec_id);
  const std::string name = data::in_quotes(entry.name);
  if (found == nullptr)
    return frames.fail(
        ErrorCode::unknown_codec,
        fmt::format(
            "tensor {} was written by a codec (id {:#06x}) that this build does not have; a newer Attar may have it",
            name, entry.codec_id));
  const codec::CodecInfo& info = found->info();
  if (entry.wire_version > info.wire_max)
    return frames.fail(
        ErrorCode::too_new,
        fmt::format("tensor {} has wire version {} of codec {}; this build reads up to {}: use a newer Attar", name,
                    entry.wire_version, info.name, info.wire_max));
  if (entry.wire_version < info.wire_min)
    return frames.fail(ErrorCode::too_old,
                       fmt::format("tensor {} has wire version {} of codec {}; this build reads {} and later", name,
                                   entry.wire_version, info.name, info.wire_min));
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
  if (frame.size() < size * (blocks + 1)) return fail(ErrorCode::corrupt, "is shorter than its blocks' lengths");
  const std::uint64_t preamble = base::load<std::uint32_t>(frame.data() + frame.size() - size);
  if (preamble > frame.size() - size * (blocks + 1)) return fail(ErrorCode::corrupt, "is shorter than its preamble");
  out.preamble = frame.subspan(frame.size() - size - preamble, preamble);
  const base::ByteView lengths = frame.subspan(frame.size() - size - preamble - size * blocks, size * blocks);
  base::ByteReader body(frame.first(frame.size() - size - preamble - size * blocks));
  for (std::uint64_t i = 0; i < blocks; ++i) {
    ATTAR_ASSIGN(out.blocks.emplace_back(), body.take(base::load<std::uint32_t>(lengths.data() + i * size)));
  }
  if (body.remaining() != 0) return fail(ErrorCode::corrupt, "goes on after its last block");
  return out;
}

}  // namespace

Result<std::uint64_t> write_frame(const codec::TensorWriter& writer, const codec::TensorView& tensor, base::Sink& sink,
                                  base::ThreadPool& pool, base::Progress& progress) {
  const std::uint64_t width = tensor.schema.element.bytes, block = tensor.block_elements * width;
  const std::uint64_t blocks = base::ceil_div(tensor.schema.count, tensor.block_elements), wave = wave_of(pool);
  std::vector<std::vector<std::byte>> made(std::min(wave, blocks));
  base::ByteWriter trailer;
  std::uint64_t bytes = 0;
  for (std::uint64_t first = 0; first < blocks; first += wave) {
    ATTAR_TRY(base::check_cancelled(progress));
    const std::uint64_t count = std::min(wave, blocks - first);
    const std::uint64_t begin = first * block, end = std::min(tensor.bytes.size(), (first + count) * block);
    pool.run(count, [&](std::size_t piece, unsigned) {
      const std::uint64_t at = begin + piece * block, length = std::min(block, end - at);
      const base::ByteView base = tensor.base.empty() ? base::ByteView{} : tensor.base.subspan(at, length);
      made[piece].clear();
      writer.write(at / width, tensor.bytes.subspan(at, length), base, made[piece]);
    });
    for (std::uint64_t i = 0; i < count; ++i) {
      ATTAR_TRY(sink.write(made[i]));
      trailer.write(static_cast<std::uint32_t>(made[i].size()));
      bytes += made[i].size();
    }
    progress.advance(end - begin);
  }
  const std::vector<std::byte> preamble = writer.preamble();
  trailer.write_bytes(preamble);
  trailer.write(static_cast<std::uint32_t>(preamble.size()));
  ATTAR_TRY(sink.write(trailer.bytes()));
  return bytes + trailer.size();
}

codec::TensorSchema schema_of(const format::TensorEntry& entry) noexcept {
  return {.element = {.bytes = entry.element_bytes,
                      .exponent_bits = entry.exponent_bits,
                      .mantissa_bits = entry.mantissa_bits},
          .count = entry.count,
          .columns = entry.columns};
}

Result<FrameReader> FrameReader::open(const format::SectionReader& frames, const format::TensorEntry& entry,
                                      const codec::TableSets& tables) {
  FrameReader out(frames, entry);
  ATTAR_ASSIGN(const codec::TensorCodec* codec, codec_of(frames, entry));
  ATTAR_TRY(frames.verify(entry.frame_offset, entry.frame_bytes));
  auto parts = parts_of(frames.bytes().subspan(entry.frame_offset, entry.frame_bytes),
                        base::ceil_div(entry.count, entry.block_elements));
  if (!parts)
    return frames.fail(parts.error().code,
                       fmt::format("the frame of tensor {} {}", data::in_quotes(entry.name), parts.error().message));
  out.blocks_ = std::move(parts->blocks);
  auto reader = codec->open(parts->preamble, schema_of(entry), tables);
  if (!reader)
    return frames.fail(reader.error().code,
                       fmt::format("tensor {}: {}", data::in_quotes(entry.name), reader.error().message));
  out.reader_ = *std::move(reader);
  return out;
}

Status FrameReader::decode(base::ThreadPool& pool, std::uint64_t first, std::span<std::byte> out) const {
  const std::uint64_t count = base::ceil_div(out.size(), block_bytes());
  std::vector<Status> outcome(count);
  pool.run(count, [&](std::size_t piece, unsigned) {
    const std::uint64_t at = piece * block_bytes();
    outcome[piece] = reader_->read((first + piece) * entry_->block_elements, blocks_[first + piece], {},
                                   out.subspan(at, std::min(block_bytes(), out.size() - at)));
  });
  for (const Status& own : outcome)
    if (!own)
      return frames_->fail(own.error().code,
                           fmt::format("tensor {}: {}", data::in_quotes(entry_->name), own.error().message));
  return {};
}

Status FrameReader::wrong_checksum() const {
  return frames_->fail(ErrorCode::corrupt, fmt::format("tensor {} does not decode to the bytes that were packed",
                                                       data::in_quotes(entry_->name)));
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
  return checksum.value() == entry_->checksum ? Status{} : wrong_checksum();
}

Status FrameReader::read(base::ThreadPool& pool, std::span<std::byte> out) const {
  ATTAR_TRY(decode(pool, 0, out));
  return base::checksum(out) == entry_->checksum ? Status{} : wrong_checksum();
}

}  // namespace attar::engine
