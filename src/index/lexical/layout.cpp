#include "index/lexical/layout.h"

#include <fmt/format.h>

#include "base/checked.h"

namespace attar::index::lexical {
namespace {

constexpr std::uint64_t most_length = std::uint64_t{1} << 53;
constexpr float most_k1 = 100;
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 48;  // of a part

}  // namespace

double mean_length(std::uint64_t total, std::uint32_t documents) noexcept {
  return total == 0 ? 1.0 : static_cast<double>(total) / documents;
}

void Header::write(base::ByteWriter& out) const {
  out.write(documents);
  out.write(terms);
  out.write(parameters.k1);
  out.write(parameters.b);
  out.write(total_length);
  out.write(list_bytes);
  out.write(entry_bytes);
  out.pad_to(header_bytes);
}

Result<Header> Header::read(const format::SectionReader& section) {
  if (section.bytes().size() < header_bytes) return section.fail(ErrorCode::truncated, "ends before its header does");
  ATTAR_TRY(section.verify(0, header_bytes));
  base::ByteReader reader(section.bytes().first(header_bytes));
  Header out;
  ATTAR_ASSIGN(out.documents, reader.read<std::uint32_t>());
  ATTAR_ASSIGN(out.terms, reader.read<std::uint32_t>());
  ATTAR_ASSIGN(out.parameters.k1, reader.read<float>());
  ATTAR_ASSIGN(out.parameters.b, reader.read<float>());
  ATTAR_ASSIGN(out.total_length, reader.read<std::uint64_t>());
  ATTAR_ASSIGN(out.list_bytes, reader.read<std::uint64_t>());
  ATTAR_ASSIGN(out.entry_bytes, reader.read<std::uint64_t>());
  ATTAR_ASSIGN(const auto zeros, reader.read_array<std::uint64_t>(3));
  const Parameters& p = out.parameters;
  if (out.documents == 0 || out.documents > most_documents || !(p.k1 >= 0 && p.k1 <= most_k1) ||
      !(p.b >= 0 && p.b <= 1) || out.total_length > most_length || zeros != std::vector<std::uint64_t>(3))
    return section.fail(ErrorCode::corrupt, "a field of its header is out of range");
  return out;
}

Result<Layout> Layout::of(const Header& header) {
  if (header.list_bytes > most_bytes || header.entry_bytes > most_bytes)
    return fail(ErrorCode::corrupt, "a part of the lexical index is larger than any can be");
  Layout out;  // no sum of these passes 64 bits
  out.codes = header_bytes;
  out.index = base::round_up(out.codes + header.documents, 8);
  out.entries = out.index + 16 * base::ceil_div(header.terms, group_terms);
  out.lists = base::round_up(out.entries + header.entry_bytes, 8);
  out.bytes = base::round_up(out.lists + header.list_bytes, 8);
  return out;
}

}  // namespace attar::index::lexical
