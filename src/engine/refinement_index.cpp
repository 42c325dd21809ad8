#include "engine/refinement_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "data/input_file.h"
#include "tensor/refined/refined.h"

namespace attar::engine {
namespace {

bool is_progressive(const format::TensorEntry& entry) noexcept { return entry.codec_id == tensor::refined::codec_id; }

// The place in the order of each tensor: its own, or that of the tensor whose frame it shares.
Result<std::vector<std::optional<std::uint32_t>>> slots_of(const format::RefinementOrder& order,
                                                           const std::vector<format::TensorEntry>& tensors) {
  const auto bad = [&](std::uint32_t number, const char* what) {
    return fail(ErrorCode::corrupt, fmt::format("{} tensor {}", what, data::in_quotes(tensors[number].name)));
  };
  std::map<std::uint64_t, std::uint32_t> by_frame;
  for (std::uint32_t slot = 0; slot < order.tensors.size(); ++slot) {
    const std::uint32_t number = order.tensors[slot].number;
    if (!is_progressive(tensors[number])) return bad(number, "has refinements of the whole");
    if (!by_frame.try_emplace(tensors[number].frame_offset, slot).second)
      return bad(number, "has refinements of the shared");
  }
  std::vector<std::optional<std::uint32_t>> out(tensors.size());
  for (std::uint32_t i = 0; i < tensors.size(); ++i) {
    if (!is_progressive(tensors[i])) continue;
    if (tensors[i].checksum != 0) return bad(i, "stands beside another checksum of");
    const auto found = by_frame.find(tensors[i].frame_offset);
    if (found == by_frame.end()) return bad(i, "does not name");
    const format::TensorEntry& owner = tensors[order.tensors[found->second].number];
    if (owner.frame_bytes != tensors[i].frame_bytes || owner.count != tensors[i].count ||
        owner.block_elements != tensors[i].block_elements)
      return bad(i, "does not fit the frame of");
    out[i] = found->second;
  }
  return out;
}

}  // namespace

Status TensorRefinements::append_passes(std::uint64_t block, std::vector<std::byte>& out) const {
  for (const auto& pass : index_->passes_[tensor_->first_block + block]) {
    ATTAR_TRY(index_->section_.verify(pass.at, pass.length));
    const base::ByteView bytes = index_->section_.bytes().subspan(pass.at, pass.length);
    base::ByteWriter length;
    length.write(pass.length);
    out.insert(out.end(), length.bytes().begin(), length.bytes().end());
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  return {};
}

const format::BlockState& TensorRefinements::state(std::uint64_t block) const noexcept {
  return index_->states_[tensor_->first_block + block];
}

std::uint64_t TensorRefinements::bytes() const noexcept {
  std::uint64_t out = 0;
  for (std::uint32_t i = 0; i < tensor_->blocks; ++i)
    for (const auto& pass : index_->passes_[tensor_->first_block + i]) out += pass.length;
  return out;
}

Result<std::optional<RefinementIndex>> RefinementIndex::open(const format::ArtifactReader& reader,
                                                             const std::vector<format::TensorEntry>& tensors,
                                                             const OpenLimits& limits) {
  using format::SectionKind;
  const bool wanted = std::ranges::any_of(tensors, is_progressive);
  const bool there = reader.find(SectionKind::order) != nullptr || reader.find(SectionKind::refinements) != nullptr;
  if (!wanted && !there) return std::nullopt;
  ATTAR_ASSIGN(auto section, reader.section(SectionKind::refinements));
  ATTAR_TRY(section.expect_version(format::refinements_wire_version));
  ATTAR_ASSIGN(const auto list, reader.section(SectionKind::order));
  RefinementIndex out(std::move(section));
  ATTAR_ASSIGN(out.order_, format::decode_order(list, tensors, out.section_.bytes().size(), limits));
  auto slots = slots_of(out.order_, tensors);
  if (!slots) return list.fail(slots.error().code, slots.error().message);
  out.slots_ = *std::move(slots);
  out.arrange();
  return out;
}

void RefinementIndex::arrange() {
  passes_.assign(order_.roots.size(), {});
  states_ = order_.roots;
  std::uint64_t at = 0;
  for (const format::Refinement& own : order_.refinements) {
    for (const std::uint32_t length : own.lengths) {
      passes_[own.block].push_back({.at = at, .length = length});
      at += length;
    }
    states_[own.block] = own.state;
  }
}

std::optional<TensorRefinements> RefinementIndex::of(std::size_t number) const noexcept {
  if (!slots_[number]) return std::nullopt;
  return TensorRefinements(*this, order_.tensors[*slots_[number]]);
}

void RefinementIndex::keep(std::size_t count) {
  order_.refinements.resize(std::min(count, order_.refinements.size()));
  arrange();
}

void RefinementIndex::state_errors(format::Losses& losses) const {
  for (format::TensorLossEntry& own : losses.tensors) {
    const auto refinements = of(own.tensor);
    if (!refinements) continue;
    own.squared_error = own.max_error = 0;
    for (std::uint64_t i = 0; i < refinements->blocks(); ++i) {
      own.squared_error += refinements->state(i).squared_error;
      own.max_error = std::max(own.max_error, refinements->state(i).max_error);
    }
  }
}

}  // namespace attar::engine
