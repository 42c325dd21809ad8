#include "format/tensors.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"
#include "base/leb128.h"
#include "data/utf8.h"
#include "format/compressed_part.h"

namespace attar::format {
namespace {

constexpr unsigned most_leb = 9;
constexpr std::uint64_t most_axes = 8, longest_name = 4096, longest_type = 32, longest_path = 4096;
constexpr std::uint64_t most_columns = 1u << 24, most_element = 1u << 16;

void put_string(base::ByteWriter& out, std::string_view text) {
  base::write_leb128(out, text.size());
  out.write_text(text);
}

Result<std::string> take_string(base::ByteReader& in, std::uint64_t longest) {
  ATTAR_ASSIGN(const std::uint64_t length, base::read_leb128(in, most_leb));
  if (length > longest)
    return fail(ErrorCode::over_limit, fmt::format("a name has {} bytes, more than {}", length, longest));
  ATTAR_ASSIGN(const base::ByteView bytes, in.take(length));
  if (!data::is_utf8(base::as_text(bytes))) return fail(ErrorCode::corrupt, "a name is not UTF-8");
  return std::string(base::as_text(bytes));
}

/// LEB128 of at most `most`.
Result<std::uint64_t> take(base::ByteReader& in, std::uint64_t most, const char* what) {
  ATTAR_ASSIGN(const std::uint64_t value, base::read_leb128(in, most_leb));
  if (value > most) return fail(ErrorCode::corrupt, fmt::format("{} is {}, more than {}", what, value, most));
  return value;
}

void put_tensor(base::ByteWriter& out, const TensorEntry& tensor) {
  base::write_leb128(out, tensor.source);
  put_string(out, tensor.name);
  put_string(out, tensor.type);
  base::write_leb128(out, tensor.element_bytes);
  out.write(tensor.exponent_bits);
  out.write(tensor.mantissa_bits);
  out.write(static_cast<std::uint8_t>(tensor.shape.size()));
  for (const std::uint64_t length : tensor.shape) base::write_leb128(out, length);
  for (const std::uint64_t value : {tensor.count, tensor.columns, tensor.block_elements, std::uint64_t{tensor.codec_id},
                                    std::uint64_t{tensor.wire_version}, tensor.frame_offset, tensor.frame_bytes})
    base::write_leb128(out, value);
  base::write_leb128(out, tensor.base ? std::uint64_t{*tensor.base} + 1 : 0);
  out.write(tensor.checksum);
}

Status take_element(base::ByteReader& in, TensorEntry& out) {
  ATTAR_ASSIGN(const std::uint64_t bytes, take(in, most_element, "the width of an element"));
  if (bytes == 0) return fail(ErrorCode::corrupt, "an element has no bytes");
  out.element_bytes = static_cast<std::uint32_t>(bytes);
  ATTAR_ASSIGN(out.exponent_bits, in.read<std::uint8_t>());
  ATTAR_ASSIGN(out.mantissa_bits, in.read<std::uint8_t>());
  if (out.exponent_bits == 0 && out.mantissa_bits == 0) return {};
  // A float has a sign, 2 to 11 bits of exponent, and a mantissa, in 1, 2, 4 or 8 bytes.
  const bool whole = bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
  if (!whole || out.exponent_bits < 2 || out.exponent_bits > 11 || out.mantissa_bits == 0 || out.mantissa_bits > 52 ||
      1u + out.exponent_bits + out.mantissa_bits != 8 * bytes)
    return fail(ErrorCode::corrupt, "a float has impossible fields");
  return {};
}

Status take_layout(base::ByteReader& in, TensorEntry& out) {
  ATTAR_ASSIGN(out.count, take(in, std::uint64_t{1} << 60, "a number of elements"));
  ATTAR_TRY(base::checked_mul(out.count, out.element_bytes));
  ATTAR_ASSIGN(out.columns, take(in, most_columns, "the columns of a tensor"));
  ATTAR_ASSIGN(out.block_elements, take(in, most_block_bytes / out.element_bytes, "the elements of a block"));
  if (out.columns == 0 || out.block_elements == 0 || out.block_elements % out.columns != 0)
    return fail(ErrorCode::corrupt, "the blocks of a tensor are no whole rows");
  return {};
}

Status take_frame(base::ByteReader& in, std::uint64_t frames_bytes, TensorEntry& out) {
  ATTAR_ASSIGN(const std::uint64_t codec, take(in, 0xffff'ffff, "a codec's id"));
  ATTAR_ASSIGN(const std::uint64_t version, take(in, 0xffff, "a codec's wire version"));
  out.codec_id = static_cast<std::uint32_t>(codec);
  out.wire_version = static_cast<std::uint16_t>(version);
  ATTAR_ASSIGN(out.frame_offset, take(in, frames_bytes, "the place of a frame"));
  ATTAR_ASSIGN(out.frame_bytes, take(in, frames_bytes - out.frame_offset, "the length of a frame"));
  ATTAR_ASSIGN(const std::uint64_t numbered, take(in, most_tensors, "the number of a base's tensor"));
  if (numbered != 0) out.base = static_cast<std::uint32_t>(numbered - 1);
  ATTAR_ASSIGN(out.checksum, in.read<std::uint64_t>());
  if (out.is_base()) {
    if (out.base && out.frame_bytes == 0 && out.wire_version == 0) return {};
    return fail(ErrorCode::corrupt, "a tensor without a codec is not its base");
  }
  // A length for each block and one for the preamble.
  const std::uint64_t blocks = base::ceil_div(out.count, out.block_elements);
  if (out.frame_bytes / sizeof(std::uint32_t) < blocks + 1)
    return fail(ErrorCode::corrupt, "a frame is shorter than its blocks' lengths");
  return {};
}

Result<TensorEntry> take_tensor(base::ByteReader& in, std::uint64_t frames_bytes) {
  TensorEntry out;
  ATTAR_ASSIGN(const std::uint64_t source, take(in, most_sources - 1, "the number of a source"));
  out.source = static_cast<std::uint32_t>(source);
  ATTAR_ASSIGN(out.name, take_string(in, longest_name));
  ATTAR_ASSIGN(out.type, take_string(in, longest_type));
  ATTAR_TRY(take_element(in, out));
  ATTAR_ASSIGN(const auto axes, in.read<std::uint8_t>());
  if (axes > most_axes) return fail(ErrorCode::over_limit, "a tensor has more than 8 axes");
  for (unsigned i = 0; i < axes; ++i) {
    ATTAR_ASSIGN(out.shape.emplace_back(), base::read_leb128(in, most_leb));
  }
  ATTAR_TRY(take_layout(in, out));
  ATTAR_TRY(take_frame(in, frames_bytes, out));
  return out;
}

/// Adds the section's name to what went wrong inside of it.
template <class T>
Result<T> named(const SectionReader& section, Result<T> result) {
  if (result || !result.error().section.empty()) return result;
  return section.fail(result.error().code, std::move(result).error().message);
}

Result<std::vector<TensorEntry>> tensors_of(const SectionReader& section, std::uint64_t frames_bytes,
                                            const OpenLimits& limits) {
  ATTAR_ASSIGN(const std::vector<std::byte> bytes, decompressed_part(section, limits));
  base::ByteReader in(bytes);
  ATTAR_ASSIGN(const std::uint64_t count, take(in, most_tensors, "the number of tensors"));
  std::vector<TensorEntry> out;
  for (std::uint64_t i = 0; i < count; ++i) {
    ATTAR_ASSIGN(TensorEntry tensor, take_tensor(in, frames_bytes));
    if (!out.empty() && tensor.source < out.back().source)
      return fail(ErrorCode::corrupt, "tensors are not in the order of their sources");
    out.push_back(std::move(tensor));
  }
  if (in.remaining() != 0) return fail(ErrorCode::corrupt, "goes on after its last tensor");
  return out;
}

Result<SourceEntry> take_source(base::ByteReader& in, std::uint64_t pieces_wanted, std::uint64_t tensor_bytes,
                                std::vector<std::uint64_t>& lengths) {
  SourceEntry out;
  ATTAR_ASSIGN(out.path, take_string(in, longest_path));
  if (!stays_inside(out.path)) return fail(ErrorCode::corrupt, "a source's path leaves its folder");
  ATTAR_ASSIGN(out.bytes, base::read_leb128(in, most_leb));
  ATTAR_ASSIGN(const std::uint64_t pieces, base::read_leb128(in, most_leb));
  if (pieces != pieces_wanted) return fail(ErrorCode::corrupt, "a source has another number of pieces than of tensors");
  std::uint64_t sum = tensor_bytes;
  for (std::uint64_t i = 0; i < pieces; ++i) {
    ATTAR_ASSIGN(lengths.emplace_back(), base::read_leb128(in, most_leb));
    ATTAR_ASSIGN(sum, base::checked_add(sum, lengths.back()));
  }
  if (sum != out.bytes) return fail(ErrorCode::corrupt, "a source is not as long as its parts");
  return out;
}

Result<std::vector<SourceEntry>> sources_of(const SectionReader& section, const std::vector<TensorEntry>& tensors,
                                            const OpenLimits& limits) {
  ATTAR_ASSIGN(const std::vector<std::byte> bytes, decompressed_part(section, limits));
  base::ByteReader in(bytes);
  ATTAR_ASSIGN(const std::uint64_t count, take(in, most_sources, "the number of sources"));
  if (!tensors.empty() && tensors.back().source >= count) return fail(ErrorCode::corrupt, "a tensor has no source");
  std::vector<SourceEntry> out;
  std::vector<std::uint64_t> lengths;
  std::size_t next = 0;
  std::vector<std::uint64_t> pieces;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t own = 0, sum = 0;
    for (; next < tensors.size() && tensors[next].source == i; ++next, ++own) {
      ATTAR_ASSIGN(sum, base::checked_add(sum, tensors[next].bytes()));
    }
    ATTAR_ASSIGN(SourceEntry source, take_source(in, own + 1, sum, lengths));
    out.push_back(std::move(source));
    pieces.push_back(own + 1);
  }
  std::size_t at = 0;
  for (std::size_t i = 0; i < out.size(); ++i)
    for (std::uint64_t p = 0; p < pieces[i]; ++p) {
      ATTAR_ASSIGN(const base::ByteView piece, in.take(lengths[at++]));
      out[i].pieces.emplace_back(piece.begin(), piece.end());
    }
  if (in.remaining() != 0) return fail(ErrorCode::corrupt, "goes on after its last piece");
  return out;
}

}  // namespace

std::vector<std::byte> encode_base(const BaseEntry& base) {
  base::ByteWriter out;
  out.write_bytes(base.content.bytes);
  out.write(base.depth);
  out.write(std::uint32_t{0});
  return std::move(out).release();
}

Result<BaseEntry> decode_base(const SectionReader& section) {
  ATTAR_TRY(section.verify_all());
  base::ByteReader in(section.bytes());
  BaseEntry out;
  if (in.remaining() != out.content.bytes.size() + 2 * sizeof(std::uint32_t))
    return section.fail(ErrorCode::corrupt, "has another length than a digest and a depth");
  ATTAR_ASSIGN(const base::ByteView digest, in.take(out.content.bytes.size()));
  std::ranges::copy(digest, out.content.bytes.begin());
  ATTAR_ASSIGN(out.depth, in.read<std::uint32_t>());
  ATTAR_ASSIGN(const auto zero, in.read<std::uint32_t>());
  if (out.depth == 0 || out.depth > most_depth || zero != 0)
    return section.fail(ErrorCode::corrupt, "has an impossible depth");
  return out;
}

bool stays_inside(std::string_view path) noexcept {
  if (path.empty() || path.find('\0') != std::string_view::npos) return false;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") return false;
    at = end + 1;
  }
  return true;
}

std::vector<std::byte> encode_tensors(const std::vector<TensorEntry>& tensors) {
  base::ByteWriter out;
  base::write_leb128(out, tensors.size());
  for (const TensorEntry& tensor : tensors) put_tensor(out, tensor);
  return compressed_part(out.bytes());
}

Result<std::vector<TensorEntry>> decode_tensors(const SectionReader& section, std::uint64_t frames_bytes,
                                                const OpenLimits& limits) {
  return named(section, tensors_of(section, frames_bytes, limits));
}

std::vector<std::byte> encode_sources(const std::vector<SourceEntry>& sources) {
  base::ByteWriter out;
  base::write_leb128(out, sources.size());
  for (const SourceEntry& source : sources) {
    put_string(out, source.path);
    base::write_leb128(out, source.bytes);
    base::write_leb128(out, source.pieces.size());
    for (const auto& piece : source.pieces) base::write_leb128(out, piece.size());
  }
  for (const SourceEntry& source : sources)
    for (const auto& piece : source.pieces) out.write_bytes(piece);
  return compressed_part(out.bytes());
}

Result<std::vector<SourceEntry>> decode_sources(const SectionReader& section, const std::vector<TensorEntry>& tensors,
                                                const OpenLimits& limits) {
  return named(section, sources_of(section, tensors, limits));
}

}  // namespace attar::format
