#include "text/store/documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/bits.h"
#include "base/checked.h"

namespace attar::text {
namespace {

constexpr std::uint32_t documents_per_sum = 64;
constexpr std::uint64_t header_bytes = 8;
constexpr std::uint32_t most_bits = 32;

struct Layout {
  std::uint64_t counts = 0;
  std::uint64_t bytes = 0;

  static Layout of(std::uint32_t documents, std::uint32_t bits) noexcept {
    const std::uint64_t sums = bits == 0 ? 0 : 4 * base::ceil_div(documents, documents_per_sum);
    const std::uint64_t counts = header_bytes + sums;
    return {counts, base::round_up(counts + base::ceil_div(std::uint64_t{documents} * bits, 8), 8)};
  }
};

}  // namespace

std::vector<std::byte> pack_documents(std::span<const std::uint32_t> counts) {
  const std::uint32_t most = counts.empty() ? 1 : std::ranges::max(counts);
  const auto bits = static_cast<unsigned>(std::bit_width(most - 1));
  base::ByteWriter out;
  out.write(static_cast<std::uint32_t>(counts.size()));
  out.write(std::uint32_t{bits});
  base::BitWriter packed;
  std::uint32_t before = 0;
  for (std::size_t i = 0; bits != 0 && i < counts.size(); ++i) {
    if (i % documents_per_sum == 0) out.write(before);
    before += counts[i];
    packed.put(counts[i] - 1, bits);
  }
  out.write_bytes(std::move(packed).finish());
  out.pad_to(8);
  return std::move(out).release();
}

Result<Documents> Documents::open(const format::SectionReader& section, std::uint64_t rows) {
  ATTAR_TRY(section.expect_version(documents_wire_version));
  const auto corrupt = [&](std::string_view what) {
    return section.fail(ErrorCode::corrupt, fmt::format("{}; pack the data anew", what));
  };
  if (section.bytes().size() < header_bytes) return section.fail(ErrorCode::truncated, "ends before its header does");
  ATTAR_TRY(section.verify_all());
  const std::byte* bytes = section.bytes().data();
  const auto documents = base::load<std::uint32_t>(bytes), bits = base::load<std::uint32_t>(bytes + 4);
  if (documents == 0 || documents > rows || bits > most_bits) return corrupt("a field of its header is out of range");
  const Layout layout = Layout::of(documents, bits);
  if (section.bytes().size() != layout.bytes) return corrupt("has another size than its documents need");
  Documents out;
  out.ends_.reserve(documents);
  base::BitReader packed(section.bytes().subspan(layout.counts));
  std::uint64_t end = 0;
  for (std::uint32_t i = 0; i < documents; ++i) {
    if (bits != 0 && i % documents_per_sum == 0 &&
        base::load<std::uint32_t>(bytes + header_bytes + 4 * std::uint64_t{i / documents_per_sum}) != end)
      return corrupt("its sums and its counts contradict each other");
    end += packed.get(bits) + 1;
    if (end > rows) break;
    out.ends_.push_back(static_cast<std::uint32_t>(end));
  }
  if (end != rows) return corrupt(fmt::format("its documents have not the {} rows of the artifact", rows));
  return out;
}

DocumentRows Documents::of(std::uint32_t row) const noexcept {
  const auto found = std::ranges::upper_bound(ends_, row);
  return rows(static_cast<std::uint32_t>(found - ends_.begin()));
}

}  // namespace attar::text
