// Original vectors, from the user's file or from the artifact itself, as one kind of source.
#include "engine/originals.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "codec/registry.h"
#include "engine/artifact_state.h"
#include "engine/stored_rows.h"
#include "plan/field.h"

namespace attar::engine {
namespace {

// Rows that a codec of originals learns from: hardly more than their magnitude.
constexpr std::uint64_t magnitude_rows = 4096;

constexpr std::array kinds = {OriginalsKind{.name = "i8", .codec = "lvq", .param = "second_bits", .value = 0},
                              OriginalsKind{.name = "f16", .codec = "f16", .param = {}},
                              OriginalsKind{.name = "f32", .codec = "f32", .param = {}}};

}  // namespace

std::span<const OriginalsKind> originals_kinds() noexcept { return kinds; }

const OriginalsKind* find_originals_kind(std::string_view name) noexcept {
  const auto it =
      std::find_if(kinds.begin(), kinds.end(), [name](const OriginalsKind& kind) { return kind.name == name; });
  return it == kinds.end() ? nullptr : &*it;
}

std::string_view originals_name(std::string_view codec) noexcept {
  const auto it =
      std::find_if(kinds.begin(), kinds.end(), [codec](const OriginalsKind& kind) { return kind.codec == codec; });
  return it == kinds.end() ? std::string_view{} : it->name;
}

Result<std::shared_ptr<const plan::Trial>> encode_originals(const OriginalsKind& kind, const data::VectorSource& base,
                                                            Metric metric, std::uint64_t memory_bytes,
                                                            std::uint64_t seed, base::ThreadPool& pool,
                                                            Progress& progress) {
  const codec::Codec& codec = *codec::find_codec(kind.codec);
  const plan::Rows rows = {.base = &base, .metric = metric, .block_rows = 1};
  std::vector<std::uint32_t> numbers;
  ATTAR_ASSIGN(const auto sample, plan::sample_rows(base, magnitude_rows, seed, numbers));
  ATTAR_ASSIGN(const auto trainer, codec.trainer(rows.coded_schema(), {.pool = &pool, .seed = seed}));
  base::SilentProgress silent;
  ATTAR_TRY(
      plan::stream_rows(*sample, metric, silent, [&](const codec::Chunk& chunk) { return trainer->feed(chunk); }));
  ATTAR_ASSIGN(const auto trained, trainer->finish());
  const auto options = trained->options({.bytes = std::numeric_limits<std::uint64_t>::max() / 2});
  const auto chosen = std::find_if(options.begin(), options.end(), [&](const codec::Option& option) {
    return kind.param.empty() || option.params.get(std::string(kind.param), -1) == kind.value;
  });
  if (chosen == options.end())
    return fail(ErrorCode::unsupported, "the codec of originals has no such option; please report this");
  progress.stage("keeping originals", base.rows());
  ATTAR_ASSIGN(auto out, plan::Trial::encode(codec, *trained, *chosen, rows, memory_bytes, pool, progress));
  return std::shared_ptr<const plan::Trial>(std::move(out));
}

Result<std::unique_ptr<data::VectorSource>> originals_of(const Artifact::State& state,
                                                         const std::filesystem::path& base, const InputOptions& input) {
  if (base.empty()) {
    if (state.originals) {
      state.expect_scans();
      return std::make_unique<StoredRows>(*state.originals->view, state.schema.dims,
                                          state.reader.path() + " (originals)");
    }
    return fail(ErrorCode::invalid_argument,
                "this needs the original vectors: name their file with --base, or pack with --keep-originals f16");
  }
  ATTAR_ASSIGN(auto source, data::open_vectors(base, {.field = input.field, .format = input.format}));
  if (source->rows() != state.schema.rows || source->dims() != state.schema.dims)
    return std::unexpected(Error{
        .code = ErrorCode::invalid_data,
        .message = fmt::format("holds {} rows of {} dimensions, the artifact {} of {}; name the file that was packed",
                               source->rows(), source->dims(), state.schema.rows, state.schema.dims),
        .file = source->name()});
  return source;
}

}  // namespace attar::engine
