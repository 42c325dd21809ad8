#include "format/refinements.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include "base/checked.h"
#include "base/leb128.h"
#include "format/compressed_part.h"

namespace attar::format {
namespace {

constexpr unsigned most_leb_of_a_length = 5;
constexpr std::uint64_t bytes_of_a_state = 3 * 8;

void put_state(base::ByteWriter& out, const BlockState& state) {
  out.write(state.checksum);
  out.write(state.squared_error);
  out.write(state.max_error);
}

Result<BlockState> take_state(base::ByteReader& in) {
  BlockState out;
  ATTAR_ASSIGN(out.checksum, in.read<std::uint64_t>());
  ATTAR_ASSIGN(out.squared_error, in.read<double>());
  ATTAR_ASSIGN(out.max_error, in.read<double>());
  for (const double value : {out.squared_error, out.max_error})
    if (!std::isfinite(value) || value < 0) return fail(ErrorCode::corrupt, "has a number that no error can be");
  return out;
}

Result<RefinementOrder::Tensor> take_tensor_of_order(base::ByteReader& in, const std::vector<TensorEntry>& tensors,
                                                     RefinementOrder& out) {
  ATTAR_ASSIGN(const std::uint64_t number, base::read_leb128(in, most_leb_of_a_length));
  if (number >= tensors.size()) return fail(ErrorCode::corrupt, "names a tensor that is not there");
  const TensorEntry& entry = tensors[number];
  const std::uint64_t blocks = base::ceil_div(entry.count, entry.block_elements);
  if (blocks > in.remaining() / bytes_of_a_state) return fail(ErrorCode::corrupt, "has fewer states than blocks");
  RefinementOrder::Tensor own{.number = static_cast<std::uint32_t>(number),
                              .first_block = static_cast<std::uint32_t>(out.roots.size()),
                              .blocks = static_cast<std::uint32_t>(blocks)};
  for (std::uint64_t i = 0; i < blocks; ++i) {
    ATTAR_ASSIGN(out.roots.emplace_back(), take_state(in));
  }
  return own;
}

Result<Refinement> take_refinement(base::ByteReader& in, std::size_t blocks) {
  Refinement out;
  ATTAR_ASSIGN(const std::uint64_t block, base::read_leb128(in, most_leb_of_a_length));
  if (block >= blocks) return fail(ErrorCode::corrupt, "refines a block that is not there");
  out.block = static_cast<std::uint32_t>(block);
  ATTAR_ASSIGN(const std::uint64_t passes, base::read_leb128(in, 1));
  if (passes == 0 || passes > most_passes_of_a_block)
    return fail(ErrorCode::corrupt, "has a refinement of no passes, or of too many");
  for (std::uint64_t i = 0; i < passes; ++i) {
    ATTAR_ASSIGN(const std::uint64_t length, base::read_leb128(in, most_leb_of_a_length));
    if (length > std::numeric_limits<std::uint32_t>::max()) return fail(ErrorCode::corrupt, "has a pass too long");
    out.lengths.push_back(static_cast<std::uint32_t>(length));
  }
  ATTAR_ASSIGN(out.state, take_state(in));
  return out;
}

// Lengths make up the section, no block has more passes than it may, and every refinement is one.
Status check_refinements(const RefinementOrder& order, std::uint64_t refinements_bytes) {
  std::vector<std::size_t> passes(order.roots.size());
  std::vector<double> errors;
  errors.reserve(order.roots.size());
  for (const BlockState& root : order.roots) errors.push_back(root.squared_error);
  std::uint64_t sum = 0;
  for (const Refinement& own : order.refinements) {
    ATTAR_ASSIGN(sum, base::checked_add(sum, own.bytes()));
    passes[own.block] += own.lengths.size();
    if (passes[own.block] > most_passes_of_a_block) return fail(ErrorCode::corrupt, "has a block of too many passes");
    if (!(own.state.squared_error < errors[own.block]))
      return fail(ErrorCode::corrupt, "has a refinement that makes nothing better");
    errors[own.block] = own.state.squared_error;
  }
  if (sum != refinements_bytes) return fail(ErrorCode::corrupt, "has refinements of another length than their section");
  return {};
}

Result<RefinementOrder> order_of(const SectionReader& section, const std::vector<TensorEntry>& tensors,
                                 std::uint64_t refinements_bytes, const OpenLimits& limits) {
  ATTAR_ASSIGN(const std::vector<std::byte> bytes, decompressed_part(section, limits));
  base::ByteReader in(bytes);
  RefinementOrder out;
  ATTAR_ASSIGN(const std::uint64_t count, base::read_leb128(in, most_leb_of_a_length));
  if (count > tensors.size()) return fail(ErrorCode::corrupt, "has more tensors than there are");
  for (std::uint64_t i = 0; i < count; ++i) {
    ATTAR_ASSIGN(const RefinementOrder::Tensor own, take_tensor_of_order(in, tensors, out));
    if (!out.tensors.empty() && own.number <= out.tensors.back().number)
      return fail(ErrorCode::corrupt, "has tensors that do not ascend");
    out.tensors.push_back(own);
  }
  ATTAR_ASSIGN(const std::uint64_t refinements, base::read_leb128(in, most_leb_of_a_length));
  if (refinements > in.remaining() / (bytes_of_a_state + 3))
    return fail(ErrorCode::corrupt, "has fewer refinements than it says");
  out.refinements.reserve(refinements);
  for (std::uint64_t i = 0; i < refinements; ++i) {
    ATTAR_ASSIGN(Refinement own, take_refinement(in, out.roots.size()));
    out.refinements.push_back(std::move(own));
  }
  if (in.remaining() != 0) return fail(ErrorCode::corrupt, "goes on after its last refinement");
  ATTAR_TRY(check_refinements(out, refinements_bytes));
  return out;
}

}  // namespace

std::uint64_t Refinement::bytes() const noexcept {
  return std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{0});
}

std::vector<std::byte> encode_order(const RefinementOrder& order, std::size_t count) {
  base::ByteWriter out;
  base::write_leb128(out, order.tensors.size());
  for (const RefinementOrder::Tensor& own : order.tensors) {
    base::write_leb128(out, own.number);
    for (std::uint32_t i = 0; i < own.blocks; ++i) put_state(out, order.roots[own.first_block + i]);
  }
  const auto kept = std::span(order.refinements).first(std::min(count, order.refinements.size()));
  base::write_leb128(out, kept.size());
  for (const Refinement& own : kept) {
    base::write_leb128(out, own.block);
    base::write_leb128(out, own.lengths.size());
    for (const std::uint32_t length : own.lengths) base::write_leb128(out, length);
    put_state(out, own.state);
  }
  return compressed_part(out.bytes());
}

Result<RefinementOrder> decode_order(const SectionReader& section, const std::vector<TensorEntry>& tensors,
                                     std::uint64_t refinements_bytes, const OpenLimits& limits) {
  ATTAR_TRY(section.expect_version(refinements_wire_version));
  auto out = order_of(section, tensors, refinements_bytes, limits);
  if (!out && out.error().section.empty()) return section.fail(out.error().code, out.error().message);
  return out;
}

}  // namespace attar::format
