#include "format/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "base/checked.h"

namespace attar::format {
namespace {

/// Bytes between two reports of progress, and between two looks at a cancellation.
constexpr std::uint64_t step_bytes = 16 * block_bytes;

std::unexpected<Error> with_file(Error error, const std::string& path) {
  error.file = path;
  return std::unexpected(std::move(error));
}

}  // namespace

std::unexpected<Error> ArtifactReader::corrupt(std::string message, std::uint64_t offset) const {
  return std::unexpected(Error{.code = ErrorCode::corrupt,
                               .message = message + "; copy the file again from its source, or pack the data anew",
                               .file = path_,
                               .offset = offset});
}

Result<ArtifactReader> ArtifactReader::open(const std::filesystem::path& path, const OpenLimits& limits,
                                            base::MappedFile::Mode mode) {
  ATTAR_ASSIGN(auto file, base::MappedFile::open(path, mode));
  // Reading ahead at each fault would fetch megabytes for a header of a page.
  file.expect(base::MappedFile::Access::scattered);
  ATTAR_ASSIGN(auto out, parse(file.bytes(), file.path(), limits));
  out.file_ = std::move(file);
  return out;
}

void ArtifactReader::expect_stretches() const noexcept {
  if (file_) file_->expect(base::MappedFile::Access::stretches);
}

Result<ArtifactReader> ArtifactReader::open_bytes(base::ByteView bytes, const OpenLimits& limits) {
  return parse(bytes, {}, limits);
}

Result<ArtifactReader> ArtifactReader::parse(base::ByteView bytes, std::string path, const OpenLimits& limits) {
  ArtifactReader out;
  out.bytes_ = bytes;
  out.path_ = std::move(path);
  auto header = decode_header(bytes, limits);
  if (!header) return with_file(std::move(header).error(), out.path_);
  out.header_ = *header;
  auto sections = decode_directory(bytes, out.header_, limits);
  if (!sections) return with_file(std::move(sections).error(), out.path_);
  out.sections_ = *std::move(sections);
  out.handles_.reserve(out.sections_.size());
  for (const SectionEntry& entry : out.sections_)
    out.handles_.push_back(SectionReader::checked(
        bytes.subspan(entry.offset, entry.length), bytes.subspan(entry.table_offset, table_bytes(entry.length)),
        entry.name(), out.path_, entry.spec.codec_id, entry.spec.wire_version));
  return out;
}

const SectionEntry* ArtifactReader::find(SectionKind kind, std::uint32_t instance) const noexcept {
  const auto it = std::ranges::find_if(
      sections_, [&](const SectionEntry& entry) { return entry.spec.kind == kind && entry.spec.instance == instance; });
  return it == sections_.end() ? nullptr : &*it;
}

Status ArtifactReader::check_table(std::size_t index) const {
  const SectionEntry& entry = sections_[index];
  const auto table = bytes_.subspan(entry.table_offset, table_bytes(entry.length));
  if (base::checksum(table) != entry.table_checksum)
    return corrupt(fmt::format("the block table of section '{}' does not match its checksum", entry.name()),
                   entry.table_offset);
  return {};
}

Result<SectionReader> ArtifactReader::section(SectionKind kind, std::uint32_t instance) const {
  const SectionEntry* entry = find(kind, instance);
  if (entry == nullptr) {
    const SectionEntry wanted{.spec = {.kind = kind, .instance = instance}};
    return corrupt(fmt::format("the artifact has no section '{}'", wanted.name()), bytes_.size());
  }
  const auto index = static_cast<std::size_t>(entry - sections_.data());
  ATTAR_TRY(check_table(index));
  return handles_[index];
}

Result<base::ByteView> ArtifactReader::certificate() const {
  const SectionEntry* entry = find(SectionKind::certificate);
  if (entry == nullptr) return base::ByteView{};
  ATTAR_ASSIGN(const SectionReader handle, section(SectionKind::certificate));
  ATTAR_TRY(handle.verify_all());
  const base::ByteView all = handle.bytes();
  const auto text = all.first(static_cast<std::size_t>(std::ranges::find(all, std::byte{0}) - all.begin()));
  ATTAR_TRY(check_zero(entry->offset + text.size(), entry->offset + entry->length));
  return text;
}

Status ArtifactReader::check_zero(std::uint64_t begin, std::uint64_t end) const {
  const auto padding = bytes_.subspan(begin, end - begin);
  const auto bad = std::ranges::find_if(padding, [](std::byte b) { return b != std::byte{0}; });
  if (bad != padding.end())
    return corrupt("a byte of padding is not zero", begin + static_cast<std::uint64_t>(bad - padding.begin()));
  return {};
}

Status ArtifactReader::check_padding() const {
  std::uint64_t end = header_bytes;
  for (const SectionEntry& entry : sections_) {
    ATTAR_TRY(check_zero(end, entry.offset));
    end = entry.offset + entry.length;
  }
  return check_zero(end, base::round_up(end, 8));  // the tables begin there; from them to the end nothing is free
}

/// Blocks and digest in one pass, so that a large file is read from disk once. `advance(bytes)` may stop the work.
template <class Advance>
Status ArtifactReader::check_section(std::size_t index, const Advance& advance) const {
  ATTAR_TRY(check_table(index));
  const SectionEntry& entry = sections_[index];
  const SectionReader& handle = handles_[index];
  base::Sha256 digest;
  for (std::uint64_t at = 0; at < entry.length; at += step_bytes) {
    const std::uint64_t length = std::min(step_bytes, entry.length - at);
    ATTAR_TRY(handle.verify(at, length));
    digest.update(handle.bytes().subspan(at, length));
    ATTAR_TRY(advance(length));
  }
  if (digest.finish() != entry.digest)
    return corrupt(fmt::format("section '{}' does not match its digest", entry.name()), entry.offset);
  return {};
}

Status ArtifactReader::verify_all(base::ThreadPool* pool, base::Progress* progress) const {
  if (progress != nullptr) {
    std::uint64_t total = 0;
    for (const SectionEntry& entry : sections_) total += entry.length;
    progress->stage("verifying", total);
  }
  std::mutex mutex;
  const auto advance = [&](std::uint64_t bytes) -> Status {
    if (progress == nullptr) return {};
    const std::scoped_lock lock(mutex);
    progress->advance(bytes);
    return base::check_cancelled(*progress);
  };
  std::vector<Status> outcomes(sections_.size());
  const auto check = [&](std::size_t index, unsigned) { outcomes[index] = check_section(index, advance); };
  if (pool != nullptr) {
    pool->run(sections_.size(), check);
  } else {
    for (std::size_t i = 0; i < sections_.size(); ++i) check(i, 0);
  }
  for (Status& outcome : outcomes) ATTAR_TRY(std::move(outcome));
  ATTAR_TRY(certificate());
  return check_padding();
}

}  // namespace attar::format
