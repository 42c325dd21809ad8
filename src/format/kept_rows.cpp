#include "format/kept_rows.h"

#include <bit>

#include "base/checked.h"
#include "base/leb128.h"

namespace attar::format {
namespace {

constexpr unsigned most_leb_of_a_tensor = 5, most_leb_of_a_row = 10;

// A table of these rows has whole rows of at least a byte.
bool has_rows(const TensorEntry& tensor, std::uint64_t rows) noexcept {
  return tensor.shape.size() >= 2 && tensor.shape.front() == rows && rows >= 2 && tensor.bytes() != 0 &&
         tensor.bytes() % rows == 0;
}

Result<KeptRowsEntry> take_kept_rows(base::ByteReader& in, const std::vector<TensorEntry>& tensors) {
  KeptRowsEntry out;
  ATTAR_ASSIGN(const std::uint64_t number, base::read_leb128(in, most_leb_of_a_tensor));
  if (number >= tensors.size()) return fail(ErrorCode::corrupt, "names a tensor that is not there");
  out.tensor = static_cast<std::uint32_t>(number);
  ATTAR_ASSIGN(out.original, in.read<std::uint64_t>());
  ATTAR_ASSIGN(const std::uint64_t filler, base::read_leb128(in, most_leb_of_a_row));
  ATTAR_ASSIGN(out.rows, base::read_leb128(in, most_leb_of_a_row));
  if (!has_rows(tensors[number], out.rows)) return fail(ErrorCode::corrupt, "has other rows than its tensor");
  ATTAR_ASSIGN(const base::ByteView bits, in.take(base::ceil_div(out.rows, std::uint64_t{8})));
  out.bits.assign(bits.begin(), bits.end());
  if (out.rows % 8 != 0 && std::to_integer<unsigned>(out.bits.back()) >> out.rows % 8 != 0)
    return fail(ErrorCode::corrupt, "keeps rows that its tensor does not have");
  const std::uint64_t kept = out.kept();
  if (kept == 0 || kept == out.rows) return fail(ErrorCode::corrupt, "keeps none or all of a tensor's rows");
  if (filler == 0) return out;
  if (filler > out.rows || !out.keeps(filler - 1))
    return fail(ErrorCode::corrupt, "has a dropped row in the place of others");
  out.filler = filler - 1;
  return out;
}

Result<std::vector<KeptRowsEntry>> kept_rows_of(base::ByteReader& in, const std::vector<TensorEntry>& tensors) {
  std::vector<KeptRowsEntry> out;
  ATTAR_ASSIGN(const std::uint64_t count, base::read_leb128(in, most_leb_of_a_tensor));
  for (std::uint64_t i = 0; i < count; ++i) {
    ATTAR_ASSIGN(KeptRowsEntry own, take_kept_rows(in, tensors));
    if (!out.empty() && own.tensor <= out.back().tensor)
      return fail(ErrorCode::corrupt, "has tensors that do not ascend");
    out.push_back(std::move(own));
  }
  if (in.remaining() != 0) return fail(ErrorCode::corrupt, "goes on after its last tensor");
  return out;
}

}  // namespace

std::uint64_t KeptRowsEntry::kept() const noexcept {
  std::uint64_t out = 0;
  for (const std::byte own : bits) out += static_cast<std::uint64_t>(std::popcount(std::to_integer<unsigned>(own)));
  return out;
}

std::vector<std::byte> encode_kept_rows(const std::vector<KeptRowsEntry>& entries) {
  base::ByteWriter out;
  base::write_leb128(out, entries.size());
  for (const KeptRowsEntry& own : entries) {
    base::write_leb128(out, own.tensor);
    out.write(own.original);
    base::write_leb128(out, own.filler ? *own.filler + 1 : 0);
    base::write_leb128(out, own.rows);
    out.write_bytes(own.bits);
  }
  return std::move(out).release();
}

Result<std::vector<KeptRowsEntry>> decode_kept_rows(const SectionReader& section,
                                                    const std::vector<TensorEntry>& tensors) {
  ATTAR_TRY(section.expect_version(kept_rows_wire_version));
  ATTAR_TRY(section.verify_all());
  base::ByteReader in(section.bytes());
  auto out = kept_rows_of(in, tensors);
  if (!out) return section.fail(out.error().code, out.error().message);
  return out;
}

}  // namespace attar::format
