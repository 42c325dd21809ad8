#include "text/store/layout.h"

#include "base/checked.h"

namespace attar::text {

void TextsHeader::write(base::ByteWriter& out) const {
  out.write(pieces);
  out.write(groups);
  out.write(bytes);
  out.write(dictionary_bytes);
  out.write(most_content);
  out.write(std::uint64_t{0});
}

Result<TextsHeader> TextsHeader::read(const format::SectionReader& section) {
  if (section.bytes().size() < texts_header_bytes)
    return section.fail(ErrorCode::truncated, "ends before its header does");
  ATTAR_TRY(section.verify(0, texts_header_bytes));
  base::ByteReader in(section.bytes().first(texts_header_bytes));
  TextsHeader out;
  ATTAR_ASSIGN(out.pieces, in.read<std::uint32_t>());
  ATTAR_ASSIGN(out.groups, in.read<std::uint32_t>());
  ATTAR_ASSIGN(out.bytes, in.read<std::uint64_t>());
  ATTAR_ASSIGN(out.dictionary_bytes, in.read<std::uint32_t>());
  ATTAR_ASSIGN(out.most_content, in.read<std::uint32_t>());
  ATTAR_ASSIGN(const auto zero, in.read<std::uint64_t>());
  if (out.groups == 0 || out.groups > out.pieces || out.dictionary_bytes > most_dictionary_bytes ||
      out.most_content == 0 || out.most_content > most_content_bytes || zero != 0)
    return section.fail(ErrorCode::corrupt, "a field of its header is out of range; pack the data anew");
  return out;
}

TextsLayout TextsLayout::of(const TextsHeader& header) noexcept {
  TextsLayout out;  // no sum of these passes 64 bits
  out.ends = base::round_up(texts_header_bytes + header.dictionary_bytes, 8);
  out.pieces = out.ends + 8 * std::uint64_t{header.groups};
  out.frames = base::round_up(out.pieces + 4 * std::uint64_t{header.groups}, 8);
  return out;
}

Result<TextsLayout> TextsLayout::of(const TextsHeader& header, const format::SectionReader& section) {
  const TextsLayout out = of(header);
  if (out.frames > section.bytes().size())
    return section.fail(ErrorCode::truncated, "ends before its texts begin; copy the file again from its source");
  return out;
}

}  // namespace attar::text
