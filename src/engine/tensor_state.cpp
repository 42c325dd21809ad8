#include "engine/tensor_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "data/input_file.h"

namespace attar {
namespace {

using format::SectionKind;

Result<std::unique_ptr<TensorArtifact::State>> open_one(const std::filesystem::path& path, const OpenOptions& options) {
  using Mode = base::MappedFile::Mode;
  ATTAR_ASSIGN(auto reader, format::ArtifactReader::open(path, options.limits, options.mmap ? Mode::map : Mode::copy));
  auto out = std::make_unique<TensorArtifact::State>(std::move(reader));
  out->limits = options.limits;
  ATTAR_TRY(out->load());
  return out;
}

// The artifact of the folder whose content has the digest.
std::optional<std::filesystem::path> find_beside(const std::filesystem::path& path, const base::Digest& content) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  std::error_code error;
  for (auto it = std::filesystem::directory_iterator(folder, error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    if (it->path().extension() != ".attar" || !it->is_regular_file(error)) continue;
    const auto reader = format::ArtifactReader::open(it->path());
    if (reader && reader->content_digest() == content) return it->path();
  }
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<TensorArtifact::State>> TensorArtifact::State::open(const std::filesystem::path& path,
                                                                           const OpenOptions& options,
                                                                           const std::filesystem::path& base) {
  ATTAR_ASSIGN(auto out, open_one(path, options));
  if (!out->base_entry) {
    if (base.empty()) return out;
    return std::unexpected(Error{.code = ErrorCode::invalid_argument,
                                 .message = "is coded against no other artifact; leave the base out",
                                 .file = path.string()});
  }
  std::filesystem::path where = base;
  if (where.empty()) where = find_beside(path, out->base_entry->content).value_or(std::filesystem::path());
  if (where.empty()) return out;
  // The depth falls with every artifact, so that this ends.
  ATTAR_ASSIGN(auto below, open(where, options, {}));
  ATTAR_TRY(out->set_base(std::move(below)));
  return out;
}

Status TensorArtifact::State::load() {
  if (reader.find(SectionKind::tensors) == nullptr)
    return std::unexpected(Error{.code = ErrorCode::unsupported,
                                 .message = "is no artifact of tensors; attar info says what it holds",
                                 .file = reader.path()});
  ATTAR_ASSIGN(frames, reader.section(SectionKind::frames));
  ATTAR_ASSIGN(const auto index, reader.section(SectionKind::tensors));
  ATTAR_TRY(index.expect_version(format::tensors_wire_version));
  ATTAR_ASSIGN(tensors, format::decode_tensors(index, frames->bytes().size(), limits));
  ATTAR_ASSIGN(const auto section, reader.section(SectionKind::tables));
  ATTAR_TRY(section.expect_version(format::tensors_wire_version));
  ATTAR_TRY(section.verify_all());
  base::ByteReader in(section.bytes());
  auto read = codec::TableSets::load(in);
  if (!read) return section.fail(read.error().code, read.error().message);
  if (in.remaining() != 0) return section.fail(ErrorCode::corrupt, "goes on after its last table");
  tables = *std::move(read);
  if (reader.find(SectionKind::base) != nullptr) {
    ATTAR_ASSIGN(const auto section_of_base, reader.section(SectionKind::base));
    ATTAR_TRY(section_of_base.expect_version(format::tensors_wire_version));
    ATTAR_ASSIGN(base_entry, format::decode_base(section_of_base));
  }
  for (const format::TensorEntry& tensor : tensors)
    if (tensor.base && !base_entry)
      return index.fail(ErrorCode::corrupt, fmt::format("codes tensor {} against a base that it does not name",
                                                        data::in_quotes(tensor.name)));
  if (reader.find(SectionKind::kept_rows) != nullptr) {
    ATTAR_ASSIGN(const auto rows, reader.section(SectionKind::kept_rows));
    ATTAR_ASSIGN(kept_rows, format::decode_kept_rows(rows, tensors));
  }
  ATTAR_ASSIGN(refinements, engine::RefinementIndex::open(reader, tensors, limits));
  return load_losses();
}

// Exactly the tensors with lossy codecs have a loss.
Status TensorArtifact::State::load_losses() {
  if (reader.find(SectionKind::losses) != nullptr) {
    ATTAR_ASSIGN(const auto section, reader.section(SectionKind::losses));
    ATTAR_ASSIGN(losses, format::decode_losses(section, tensors.size()));
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const codec::TensorCodec* codec = codec::find_tensor_codec(tensors[i].codec_id);
    if (codec != nullptr && codec->lossy() != (loss_of(i) != nullptr))
      return std::unexpected(
          Error{.code = ErrorCode::corrupt,
                .message = fmt::format("does not say what tensor {} lost", data::in_quotes(tensors[i].name)),
                .file = reader.path(),
                .section = "losses"});
  }
  if (!refinements) return {};
  format::Losses by_blocks = losses;
  refinements->state_errors(by_blocks);
  for (std::size_t i = 0; i < losses.tensors.size(); ++i)
    if (by_blocks.tensors[i].squared_error != losses.tensors[i].squared_error ||
        by_blocks.tensors[i].max_error != losses.tensors[i].max_error)
      return std::unexpected(Error{.code = ErrorCode::corrupt,
                                   .message = "states other errors of a tensor than of its blocks",
                                   .file = reader.path(),
                                   .section = "losses"});
  return {};
}

double TensorArtifact::State::weighed_error() const {
  double out = 0;
  std::set<std::uint64_t> seen;
  for (const format::TensorLossEntry& own : losses.tensors) {
    if (!seen.insert(tensors[own.tensor].frame_offset).second) continue;
    const TensorLoss loss = engine::loss_of(own);
    out += loss.sensitivity * loss.relative_error;
  }
  return out;
}

const format::TensorLossEntry* TensorArtifact::State::loss_of(std::size_t number) const noexcept {
  const auto found = std::ranges::lower_bound(losses.tensors, number, {}, &format::TensorLossEntry::tensor);
  return found != losses.tensors.end() && found->tensor == number ? &*found : nullptr;
}

const format::KeptRowsEntry* TensorArtifact::State::kept_rows_of(std::size_t number) const noexcept {
  const auto found = std::ranges::lower_bound(kept_rows, number, {}, &format::KeptRowsEntry::tensor);
  return found != kept_rows.end() && found->tensor == number ? &*found : nullptr;
}

Status TensorArtifact::State::set_base(std::shared_ptr<const State> found) {
  const auto wrong = [&](ErrorCode code, std::string message) {
    return std::unexpected(Error{.code = code, .message = std::move(message), .file = reader.path()});
  };
  if (found->reader.content_digest() != base_entry->content)
    return wrong(ErrorCode::invalid_argument,
                 fmt::format("is coded against the artifact with content {}, and {} has content {}",
                             base_entry->content.hex(), found->reader.path(), found->reader.content_digest().hex()));
  if (base_entry->depth != found->depth() + 1) return wrong(ErrorCode::corrupt, "states another depth than its base's");
  for (const format::TensorEntry& tensor : tensors) {
    if (!tensor.base) continue;
    if (*tensor.base >= found->tensors.size())
      return wrong(ErrorCode::corrupt, "names a tensor that its base does not have");
    const format::TensorEntry& other = found->tensors[*tensor.base];
    if (other.element_bytes != tensor.element_bytes || other.count != tensor.count ||
        (tensor.is_base() && other.checksum != tensor.checksum))
      return wrong(ErrorCode::corrupt,
                   fmt::format("codes tensor {} against one that is unlike it", data::in_quotes(tensor.name)));
  }
  base = std::move(found);
  return {};
}

const Result<std::vector<format::SourceEntry>>& TensorArtifact::State::sources() const {
  std::call_once(sources_once, [this] {
    const auto read = [this]() -> Result<std::vector<format::SourceEntry>> {
      ATTAR_ASSIGN(const auto section, reader.section(SectionKind::sources));
      ATTAR_TRY(section.expect_version(format::tensors_wire_version));
      return format::decode_sources(section, tensors, limits);
    };
    sources_read = read();
  });
  return *sources_read;
}

std::string TensorArtifact::State::source_path(const format::TensorEntry& tensor) const {
  return sources() ? (*sources())[tensor.source].path : std::string();
}

Status TensorArtifact::State::need_base(const format::TensorEntry& tensor) const {
  if (base != nullptr) return {};
  return std::unexpected(
      Error{.code = ErrorCode::invalid_argument,
            .message = fmt::format("tensor {} is coded against the artifact with content {}, which is not in "
                                   "the same folder; name it with --base",
                                   data::in_quotes(tensor.name), base_entry->content.hex()),
            .file = reader.path()});
}

Result<engine::FrameReader> TensorArtifact::State::frame(std::size_t number, base::ThreadPool& pool,
                                                         std::vector<std::byte>& base_bytes) const {
  const format::TensorEntry& tensor = tensors[number];
  if (tensor.base) {
    ATTAR_TRY(need_base(tensor));
    ATTAR_ASSIGN(base_bytes, base->whole(*tensor.base, pool));
  }
  return engine::FrameReader::open(*frames, tensor, tables, base_bytes,
                                   refinements ? refinements->of(number) : std::nullopt);
}

Status TensorArtifact::State::stream(std::size_t number, base::ThreadPool& pool,
                                     const engine::FrameReader::Take& take) const {
  const format::TensorEntry& tensor = tensors[number];
  if (tensor.is_base()) {
    ATTAR_TRY(need_base(tensor));
    return base->stream(*tensor.base, pool, take);
  }
  std::vector<std::byte> base_bytes;
  ATTAR_ASSIGN(const auto opened, frame(number, pool, base_bytes));
  return opened.read(pool, take);
}

Result<std::vector<std::byte>> TensorArtifact::State::whole(std::size_t number, base::ThreadPool& pool) const {
  const format::TensorEntry& tensor = tensors[number];
  if (tensor.bytes() > limits.max_tensor_bytes)
    return fail(
        ErrorCode::over_limit,
        fmt::format("tensor {} has {} bytes, the limit is {}; raise OpenLimits::max_tensor_bytes, or save it to a file",
                    data::in_quotes(tensor.name), tensor.bytes(), limits.max_tensor_bytes));
  if (tensor.is_base()) {
    ATTAR_TRY(need_base(tensor));
    return base->whole(*tensor.base, pool);
  }
  std::vector<std::byte> base_bytes;
  ATTAR_ASSIGN(const auto opened, frame(number, pool, base_bytes));
  std::vector<std::byte> out(tensor.bytes());
  ATTAR_TRY(opened.read(pool, std::span<std::byte>(out)));
  return out;
}

}  // namespace attar
