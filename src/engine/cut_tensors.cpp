// Progressive artifacts cut to a size: a prefix of their refinements, copied.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "attar/tensors.h"
#include "data/input_file.h"
#include "engine/lossy_tensors.h"
#include "engine/tensor_state.h"
#include "format/layout.h"
#include "format/writer.h"

namespace attar {
namespace {

using format::SectionKind;

std::uint64_t bytes_of_refinements(const format::RefinementOrder& order, std::size_t count) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < count; ++i) out += order.refinements[i].bytes();
  return out;
}

}  // namespace

std::uint64_t TensorArtifact::State::packed_bytes(std::size_t number) const noexcept {
  const auto refined = refinements ? refinements->of(number) : std::nullopt;
  return tensors[number].frame_bytes + (refined ? refined->bytes() : 0);
}

Result<std::uint64_t> TensorArtifact::State::bytes_of(const Budget& budget) const {
  ATTAR_TRY(engine::check_tensor_budget(budget));
  std::uint64_t weights = 0, sources_bytes = 0;
  for (const format::TensorEntry& tensor : tensors)
    if (tensor.exponent_bits != 0) weights += tensor.count;
  if (!sources()) return std::unexpected(sources().error());
  for (const format::SourceEntry& source : *sources()) sources_bytes += source.bytes;
  return engine::tensor_budget_bytes(budget, weights, sources_bytes);
}

std::uint64_t TensorArtifact::State::length_with(const format::SectionEntry& entry, std::size_t count) const {
  if (refinements && entry.spec.kind == SectionKind::refinements)
    return bytes_of_refinements(refinements->order(), count);
  if (refinements && entry.spec.kind == SectionKind::order)
    return format::encode_order(refinements->order(), count).size();
  return entry.length;
}

Result<std::uint64_t> TensorArtifact::State::bytes_with(std::size_t count, std::uint64_t certificate_bytes) const {
  std::vector<format::PlannedSection> sections;
  for (const format::SectionEntry& entry : reader.sections())
    if (entry.spec.kind != SectionKind::certificate)
      sections.push_back({.spec = entry.spec, .length = length_with(entry, count)});
  return format::size_of(sections, certificate_bytes);
}

// The list of refinements is compressed, and sections begin at multiples of 64 bytes, so that a size is known once the
// list is made: from the first count that may do, down. Where that is far too large, by as many refinements as can not
// be enough, and by one where they may.
Result<std::size_t> TensorArtifact::State::refinements_within(std::uint64_t bytes,
                                                              std::uint64_t certificate_bytes) const {
  if (!refinements)
    return std::unexpected(
        Error{.code = ErrorCode::invalid_argument,
              .message = "is not progressive and can not be cut; pack the original with --progressive",
              .file = reader.path()});
  const auto& all = refinements->order().refinements;
  ATTAR_ASSIGN(const std::uint64_t least, bytes_with(0, certificate_bytes));
  // What the compressed list may differ by from entry to entry, beside the entry, and what is rounded up.
  constexpr std::uint64_t unsteady = 1024;
  std::uint64_t sum = least;
  std::size_t count = 0;
  while (count < all.size() && sum + all[count].bytes() <= bytes + unsteady) sum += all[count++].bytes();
  for (; least <= bytes; --count) {
    ATTAR_ASSIGN(const std::uint64_t exact, bytes_with(count, certificate_bytes));
    if (exact <= bytes) return count;
    constexpr std::uint64_t most_of_a_listing = 31, most_of_a_pass = 5;
    std::uint64_t over = exact - bytes;
    for (; count > 1 && over > unsteady; --count) {
      const format::Refinement& last = all[count - 1];
      const std::uint64_t saved = last.bytes() + most_of_a_listing + most_of_a_pass * last.lengths.size();
      if (over - unsteady <= saved) break;
      over -= saved;
    }
  }
  return std::unexpected(
      Error{.code = ErrorCode::goal_unreachable,
            .message = fmt::format("takes {} bytes with all free weights at zero, more than the budget of {}; raise it",
                                   least, bytes),
            .file = reader.path()});
}

void TensorArtifact::State::keep(std::size_t count, std::uint64_t budget) {
  refinements->keep(count);
  refinements->state_errors(losses);
  losses.goal = format::Losses::Goal::budget;
  losses.goal_value = static_cast<double>(budget);
  is_cut = true;
}

Result<std::uint64_t> TensorArtifact::State::write_kept(const std::filesystem::path& output,
                                                        std::uint64_t certificate_bytes) const {
  if ((reader.features().read_only & ~format::known_features.read_only) != 0)
    return fail(ErrorCode::too_new, "the file has read-only features that this build does not know; update Attar");
  ATTAR_ASSIGN(auto writer, format::ArtifactWriter::create(
                                output, {.certificate_bytes = certificate_bytes, .features = reader.features()}));
  for (const format::SectionEntry& entry : reader.sections()) {
    if (entry.spec.kind == SectionKind::certificate) continue;
    std::vector<std::byte> made;
    if (entry.spec.kind == SectionKind::losses) made = format::encode_losses(losses);
    if (entry.spec.kind == SectionKind::order) made = format::encode_order(refinements->order());
    if (!made.empty()) {
      ATTAR_TRY(writer.add(entry.spec, made));
      continue;
    }
    ATTAR_ASSIGN(const auto section, reader.section(entry.spec.kind, entry.spec.instance));
    const std::uint64_t length = length_with(entry, refinements->order().refinements.size());
    ATTAR_TRY(section.verify(0, length));
    ATTAR_TRY(writer.add(entry.spec, section.bytes().first(length)));
  }
  ATTAR_ASSIGN(const std::uint64_t bytes, writer.final_bytes());
  ATTAR_TRY(writer.finish());
  return bytes;
}

Status TensorArtifact::cut(const Budget& budget) {
  ATTAR_ASSIGN(const std::uint64_t bytes, state_->bytes_of(budget));
  ATTAR_ASSIGN(const std::size_t count, state_->refinements_within(bytes));
  state_->keep(count, bytes);
  return {};
}

Result<CutReport> cut_tensors(const std::filesystem::path& artifact, const std::filesystem::path& output,
                              const Budget& budget, const OpenOptions& options) {
  const auto started = std::chrono::steady_clock::now();
  if (output.empty()) return fail(ErrorCode::invalid_argument, "name the artifact to write");
  ATTAR_ASSIGN(const auto state, TensorArtifact::State::open(artifact, options, {}));
  ATTAR_ASSIGN(const std::uint64_t bytes, state->bytes_of(budget));
  ATTAR_ASSIGN(const std::size_t count, state->refinements_within(bytes));
  CutReport out{.path = output.string(),
                .former_bytes = state->reader.file_bytes(),
                .refinements = count,
                .former_refinements = state->refinements->order().refinements.size(),
                .former_weighed_error = state->weighed_error()};
  state->keep(count, bytes);
  ATTAR_ASSIGN(out.bytes, state->write_kept(output, 0));
  out.weighed_error = state->weighed_error();
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return out;
}

}  // namespace attar
