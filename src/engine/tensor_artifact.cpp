// Opening an artifact of tensors: single tensors, the files again, and every checksum.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "attar/tensors.h"
#include "base/hash.h"
#include "certify/model_certificate.h"
#include "data/input_file.h"
#include "data/tensor_file.h"
#include "engine/input.h"
#include "engine/tensor_state.h"

namespace attar {

using format::SectionKind;

namespace {

std::string goal_of(const format::Losses& losses) {
  switch (losses.goal) {
    case format::Losses::Goal::budget: return fmt::format("budget of {:.0f} bytes", losses.goal_value);
    case format::Losses::Goal::bound: return fmt::format("no error above {}", losses.goal_value);
    case format::Losses::Goal::relative_bound:
      return fmt::format("no error above {} of a tensor's largest magnitude", losses.goal_value);
    case format::Losses::Goal::progressive: return "to be cut anywhere";
    case format::Losses::Goal::tensors: break;
  }
  return losses.tensors.empty() ? std::string() : "single tensors";
}

TensorInfo info_of(const TensorArtifact::State& state, std::size_t number) {
  const format::TensorEntry& tensor = state.tensors[number];
  const format::TensorLossEntry* loss = state.loss_of(number);
  const format::KeptRowsEntry* rows = state.kept_rows_of(number);
  const codec::TensorCodec* codec = codec::find_tensor_codec(tensor.codec_id);
  return {.source = state.source_path(tensor),
          .name = tensor.name,
          .type = tensor.type,
          .shape = tensor.shape,
          .bytes = tensor.bytes(),
          .packed_bytes = state.packed_bytes(number),
          .codec = tensor.is_base()   ? "base"
                   : codec == nullptr ? fmt::format("{:#06x}", tensor.codec_id)
                                      : std::string(codec->info().name),
          .loss = loss == nullptr ? std::nullopt : std::optional(engine::loss_of(*loss)),
          .dropped_rows = rows == nullptr ? 0 : rows->dropped()};
}

Status restore_source(const TensorArtifact::State& state, const format::SourceEntry& source, std::size_t& next,
                      const std::filesystem::path& path, base::ThreadPool& pool, Progress& progress) {
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  ATTAR_ASSIGN(auto file, base::AtomicFile::create(path));
  for (std::size_t i = 0; i < source.pieces.size(); ++i) {
    ATTAR_TRY(file.write(source.pieces[i]));
    if (i + 1 == source.pieces.size()) break;
    ATTAR_TRY(base::check_cancelled(progress));
    const auto put = [&](base::ByteView bytes) -> Status {
      progress.advance(bytes.size());
      return file.write(bytes);
    };
    ATTAR_TRY(state.stream(next++, pool, put));
  }
  return file.commit();
}

}  // namespace

TensorArtifact::TensorArtifact(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
TensorArtifact::TensorArtifact(TensorArtifact&&) noexcept = default;
TensorArtifact& TensorArtifact::operator=(TensorArtifact&&) noexcept = default;
TensorArtifact::~TensorArtifact() = default;

Result<TensorArtifact> TensorArtifact::open(const std::filesystem::path& path, const OpenOptions& options,
                                            const std::filesystem::path& base) {
  ATTAR_ASSIGN(auto state, State::open(path, options, base));
  return TensorArtifact(std::move(state));
}

Result<TensorArtifact> TensorArtifact::open_bytes(std::span<const std::byte> bytes, const OpenOptions& options) {
  ATTAR_ASSIGN(auto reader, format::ArtifactReader::open_bytes(bytes, options.limits));
  auto state = std::make_unique<State>(std::move(reader));
  state->limits = options.limits;
  ATTAR_TRY(state->load());
  return TensorArtifact(std::move(state));
}

TensorsInfo TensorArtifact::info() const {
  TensorsInfo out;
  out.path = state_->reader.path();
  out.bytes = state_->reader.file_bytes();
  out.format_version = format::current_version;
  out.content_digest = state_->reader.content_digest().hex();
  if (state_->base_entry) out.base_digest = state_->base_entry->content.hex();
  out.depth = state_->depth();
  if (state_->sources())
    for (const format::SourceEntry& source : *state_->sources()) {
      out.sources.push_back(source.path);
      out.source_bytes += source.bytes;
    }
  out.goal = goal_of(state_->losses);
  if (const auto text = state_->reader.certificate(); text && !text->empty() && !state_->is_cut)
    if (auto certificate = certify::model_certificate_from_json(base::as_text(*text)))
      out.certificate = *std::move(certificate);
  for (std::size_t i = 0; i < state_->tensors.size(); ++i) out.tensors.push_back(info_of(*state_, i));
  out.weighed_error = state_->weighed_error();
  if (state_->refinements) out.refinements = state_->refinements->order().refinements.size();
  if (state_->is_cut) out.bytes = state_->bytes_with(out.refinements).value_or(out.bytes);
  std::uint64_t container = out.bytes;
  for (const format::SectionEntry& entry : state_->reader.sections()) {
    if (state_->is_cut && entry.spec.kind == SectionKind::certificate) continue;
    out.parts.push_back({entry.name(), state_->is_cut ? state_->length_with(entry, out.refinements) : entry.length});
    container -= out.parts.back().bytes;
  }
  out.parts.push_back({"container", container});
  return out;
}

std::size_t TensorArtifact::size() const noexcept { return state_->tensors.size(); }

TensorInfo TensorArtifact::tensor(std::size_t number) const { return info_of(*state_, number); }

Result<std::size_t> TensorArtifact::find(std::string_view name) const {
  const auto& tensors = state_->tensors;
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (tensors[i].name == name) found.push_back(i);
  if (found.empty() && name.find(':') != std::string_view::npos)
    for (std::size_t i = 0; i < tensors.size(); ++i)
      if (fmt::format("{}:{}", state_->source_path(tensors[i]), tensors[i].name) == name) found.push_back(i);
  if (found.size() == 1) return found.front();
  if (!found.empty())
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} sources have a tensor {}; name one, as {}", found.size(), data::in_quotes(name),
                            data::in_quotes(fmt::format("{}:{}", state_->source_path(tensors[found.front()]), name))));
  return fail(ErrorCode::invalid_argument, fmt::format("there is no tensor {} among {}; attar info names them",
                                                       data::in_quotes(name), tensors.size()));
}

Result<std::vector<std::byte>> TensorArtifact::read(std::size_t number, unsigned threads) const {
  base::ThreadPool pool(threads);
  return state_->whole(number, pool);
}

Status TensorArtifact::save_npy(std::size_t number, const std::filesystem::path& path, unsigned threads) const {
  const format::TensorEntry& tensor = state_->tensors[number];
  base::ThreadPool pool(threads);
  ATTAR_ASSIGN(auto file, base::AtomicFile::create(path));
  const std::string header = data::npy_header_of(tensor.type, tensor.element_bytes, tensor.count, tensor.shape);
  ATTAR_TRY(file.write(std::as_bytes(std::span(header))));
  ATTAR_TRY(state_->stream(number, pool, [&](base::ByteView bytes) { return file.write(bytes); }));
  return file.commit();
}

Result<RestoreReport> TensorArtifact::restore(const std::filesystem::path& output, unsigned threads,
                                              Progress* progress_or_null) const {
  const auto started = std::chrono::steady_clock::now();
  Progress& progress = engine::or_silent(progress_or_null);
  if (!state_->sources()) return std::unexpected(state_->sources().error());
  const auto& sources = *state_->sources();
  RestoreReport out{.sources = sources.size()};
  for (const format::SourceEntry& source : sources) out.bytes += source.bytes;
  progress.stage("restoring", out.bytes);
  state_->reader.expect_stretches();
  base::ThreadPool pool(threads);
  std::size_t next = 0;
  for (const format::SourceEntry& source : sources)
    ATTAR_TRY(
        restore_source(*state_, source, next, sources.size() == 1 ? output : output / source.path, pool, progress));
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return out;
}

Status TensorArtifact::verify(unsigned threads, Progress* progress_or_null) const {
  Progress& progress = engine::or_silent(progress_or_null);
  base::ThreadPool pool(threads);
  ATTAR_TRY(state_->reader.verify_all(&pool, &progress));
  ATTAR_ASSIGN(const base::ByteView certificate, state_->reader.certificate());
  if (!certificate.empty()) ATTAR_TRY(certify::model_certificate_from_json(base::as_text(certificate)));
  if (!state_->sources()) return std::unexpected(state_->sources().error());
  std::uint64_t total = 0;
  for (const format::TensorEntry& tensor : state_->tensors) total += tensor.bytes();
  progress.stage("decoding tensors", total);
  for (std::size_t i = 0; i < state_->tensors.size(); ++i) {
    ATTAR_TRY(base::check_cancelled(progress));
    const auto count = [&](base::ByteView bytes) -> Status {
      progress.advance(bytes.size());
      return {};
    };
    ATTAR_TRY(state_->stream(i, pool, count));
  }
  return {};
}

bool is_tensor_artifact(const std::filesystem::path& path) {
  const auto reader = format::ArtifactReader::open(path);
  return reader && reader->find(SectionKind::tensors) != nullptr;
}

}  // namespace attar
