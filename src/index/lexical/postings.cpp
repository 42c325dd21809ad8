#include "index/lexical/postings.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/bits.h"

namespace attar::index::lexical {
namespace {

constexpr unsigned shift_bits = 5, largest_bits = 8, width_bits = 3;
constexpr std::size_t least_in_block = 4;  // on average, of a dense list
static_assert(most_count <= 1u << ((1u << width_bits) - 1));

std::uint32_t block_of(const Posting& posting) noexcept { return posting.document / block_documents; }

// Postings of a block after another.
template <class Take>
void each_block(std::span<const Posting> postings, const Take& take) {
  while (!postings.empty()) {
    const std::uint32_t block = block_of(postings.front());
    const auto end = std::ranges::find_if(postings, [&](const Posting& p) { return block_of(p) != block; });
    const auto size = static_cast<std::size_t>(end - postings.begin());
    take(block, postings.first(size));
    postings = postings.subspan(size);
  }
}

std::vector<std::byte> encode_sparse(std::span<const Posting> postings, std::size_t documents) {
  // Of geometric gaps the best shift is about the mean's logarithm less a half.
  const std::size_t mean = std::max<std::size_t>(1, documents * 7 / 10 / postings.size());
  const auto shift = static_cast<unsigned>(std::bit_width(mean) - 1);
  base::BitWriter out;
  out.put(0, 1);
  out.put(shift, shift_bits);
  std::uint32_t next = 0;
  for (const Posting& posting : postings) {
    out.put_rice(posting.document - next, shift);
    out.put_gamma(posting.count);
    next = posting.document + 1;
  }
  return std::move(out).finish();
}

std::vector<std::byte> encode_dense(std::span<const Posting> postings, std::uint32_t blocks,
                                    std::span<const std::uint8_t> codes, const Impacts& impacts) {
  base::BitWriter out;
  out.put(1, 1);
  out.put_gamma(blocks);
  std::uint32_t next = 0;
  std::vector<unsigned> widths;
  each_block(postings, [&](std::uint32_t block, std::span<const Posting> own) {
    std::uint8_t largest = 0;
    std::uint32_t count = 1;
    for (const Posting& posting : own) {
      largest = std::max(largest, impacts.of(codes[posting.document], posting.count));
      count = std::max(count, posting.count);
    }
    widths.push_back(static_cast<unsigned>(std::bit_width(count - 1)));
    out.put_gamma(block - next + 1);
    out.put(own.size() - 1, place_bits);
    out.put(largest, largest_bits);
    out.put(widths.back(), width_bits);
    next = block + 1;
  });
  if (out.bits() % 8 != 0) out.put(0, static_cast<unsigned>(8 - out.bits() % 8));
  std::size_t i = 0;
  each_block(postings, [&](std::uint32_t, std::span<const Posting> own) {
    for (const Posting& posting : own) {
      out.put(posting.document % block_documents, place_bits);
      out.put(posting.count - 1, widths[i]);
    }
    ++i;
  });
  return std::move(out).finish();
}

std::unexpected<Error> damaged() { return fail(ErrorCode::corrupt, "the list of a term contradicts itself"); }

}  // namespace

std::vector<std::byte> encode_list(std::span<const Posting> postings, std::span<const std::uint8_t> codes,
                                   const Impacts& impacts) {
  std::uint32_t blocks = 0;
  each_block(postings, [&](std::uint32_t, std::span<const Posting>) { ++blocks; });
  if (postings.size() < least_in_block * blocks) return encode_sparse(postings, codes.size());
  return encode_dense(postings, blocks, codes, impacts);
}

Status List::read(base::ByteView bytes, std::uint32_t holding, std::span<const std::uint8_t> codes,
                  const Impacts& impacts) {
  bytes_ = bytes;
  holding_ = holding;
  documents_ = static_cast<std::uint32_t>(codes.size());
  blocks_.clear();
  postings_.clear();
  if (holding == 0 || holding > documents_ || bytes.empty()) return damaged();
  dense_ = (static_cast<unsigned>(bytes[0]) & 1) != 0;
  return dense_ ? read_dense(documents_) : read_sparse(codes, impacts);
}

Status List::read_sparse(std::span<const std::uint8_t> codes, const Impacts& impacts) {
  // A posting takes two bits at the least: nothing is allocated that the bytes do not hold.
  if (holding_ > bytes_.size() * 4) return damaged();
  base::BitReader bits(bytes_, 1);
  const auto shift = static_cast<unsigned>(bits.get(shift_bits));
  std::uint64_t next = 0;
  for (std::uint32_t i = 0; i < holding_; ++i) {
    const std::uint64_t document = next + bits.get_rice(shift);
    const std::uint32_t count = bits.get_gamma();
    if (!bits.sound() || document >= documents_ || count > most_count) return damaged();
    next = document + 1;
    const Posting posting{static_cast<std::uint32_t>(document), count};
    const std::uint8_t impact = impacts.of(codes[posting.document], count);
    if (blocks_.empty() || blocks_.back().block != block_of(posting))
      blocks_.push_back({.block = block_of(posting), .at = postings_.size()});
    blocks_.back().largest = std::max(blocks_.back().largest, impact);
    ++blocks_.back().documents;
    postings_.push_back(posting);
  }
  return {};
}

Status List::read_dense(std::uint32_t documents) {
  base::BitReader bits(bytes_, 1);
  const std::uint32_t count = bits.get_gamma(), most = (documents - 1) / block_documents + 1;
  if (!bits.sound() || count > most || count > holding_) return damaged();
  std::uint64_t next = 0, sum = 0, length = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t block = next + bits.get_gamma() - 1;
    const auto own = static_cast<std::uint32_t>(bits.get(place_bits)) + 1;
    const auto largest = static_cast<std::uint8_t>(bits.get(largest_bits));
    const auto width = static_cast<std::uint32_t>(bits.get(width_bits));
    if (!bits.sound() || block >= most) return damaged();
    blocks_.push_back({static_cast<std::uint32_t>(block), largest, own, width, length});
    next = block + 1;
    sum += own;
    length += std::uint64_t{own} * (place_bits + width);
  }
  const std::uint64_t from = (bits.position() + 7) / 8 * 8;
  if (sum != holding_ || from + length > bytes_.size() * 8) return damaged();
  for (ListBlock& block : blocks_) block.at += from;
  return {};
}

}  // namespace attar::index::lexical
