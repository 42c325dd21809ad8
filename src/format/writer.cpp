#include "format/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/file.h"
#include "format/section.h"

namespace attar::format {
namespace {

std::unexpected<Error> misuse(std::string message) { return fail(ErrorCode::invalid_argument, std::move(message)); }

}  // namespace

class ArtifactWriter::State final : public base::Sink {
 public:
  State(base::AtomicFile file, const WriterOptions& options) : file_(std::move(file)), options_(options) {
    block_.reserve(block_bytes);
  }

  [[nodiscard]] Status start();
  [[nodiscard]] Status begin(const SectionSpec& spec);
  [[nodiscard]] Status write(base::ByteView bytes) override;
  [[nodiscard]] Status end();
  [[nodiscard]] Status finish(base::ByteView certificate);
  [[nodiscard]] Result<std::uint64_t> final_bytes() const;

  [[nodiscard]] std::span<const SectionEntry> sections() const noexcept { return sections_; }
  [[nodiscard]] base::Digest content() const { return format::content_digest(options_.features, sections_); }

 private:
  [[nodiscard]] Status usable(bool in_section) const;
  [[nodiscard]] Status open_section(const SectionSpec& spec);
  [[nodiscard]] Status flush_block();
  [[nodiscard]] Status write_certificate(base::ByteView text);
  [[nodiscard]] Status write_tables_and_directory();
  [[nodiscard]] Status put(base::ByteView bytes);
  [[nodiscard]] Status pad(std::uint64_t offset);

  base::AtomicFile file_;
  WriterOptions options_;
  Layout layout_;  // of the sections ended
  std::vector<SectionEntry> sections_;
  std::vector<std::uint64_t> tables_;  // of all sections, one after the other
  bool unusable_ = false;              // finished, or a write failed

  std::optional<SectionSpec> open_;
  std::uint64_t open_offset_ = 0;
  std::uint64_t open_length_ = 0;
  std::size_t open_table_ = 0;  // where its checksums begin in tables_
  base::Sha256 open_digest_;
  std::vector<std::byte> block_;  // the bytes since the last whole block
};

Status ArtifactWriter::State::usable(bool in_section) const {
  if (unusable_) return misuse("the artifact is finished, or a write failed before; start a new writer");
  if (in_section && !open_) return misuse("no section is open; call begin() first");
  if (!in_section && open_) return misuse("a section is open; call end() first");
  return {};
}

Status ArtifactWriter::State::put(base::ByteView bytes) {
  Status status = file_.write(bytes);
  if (!status) unusable_ = true;
  return status;
}

Status ArtifactWriter::State::pad(std::uint64_t offset) {
  const std::vector<std::byte> zeros(offset - file_.size());
  return put(zeros);
}

Status ArtifactWriter::State::start() { return pad(header_bytes); }  // the header itself comes last

Status ArtifactWriter::State::begin(const SectionSpec& spec) {
  ATTAR_TRY(usable(false));
  if (spec.kind == SectionKind::certificate)
    return misuse("the certificate is given to finish(), not begun as a section");
  if (static_cast<std::uint32_t>(spec.kind) == 0) return misuse("section kind 0 is never used");
  const bool twice = std::ranges::any_of(sections_, [&](const SectionEntry& entry) {
    return entry.spec.kind == spec.kind && entry.spec.instance == spec.instance;
  });
  if (twice)
    return misuse(
        fmt::format("section '{}' was written before; give it another instance", SectionEntry{.spec = spec}.name()));
  return open_section(spec);
}

Status ArtifactWriter::State::open_section(const SectionSpec& spec) {
  Layout probe = layout_;
  ATTAR_ASSIGN(open_offset_, probe.place(spec.alignment, 0));
  ATTAR_TRY(pad(open_offset_));
  open_ = spec;
  open_length_ = 0;
  open_table_ = tables_.size();
  open_digest_ = base::Sha256();
  return {};
}

Status ArtifactWriter::State::write(base::ByteView bytes) {
  ATTAR_TRY(usable(true));
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min<std::size_t>(bytes.size(), block_bytes - block_.size()));
    block_.insert(block_.end(), part.begin(), part.end());
    bytes = bytes.subspan(part.size());
    if (block_.size() == block_bytes) ATTAR_TRY(flush_block());
  }
  return {};
}

Status ArtifactWriter::State::flush_block() {
  tables_.push_back(base::checksum(block_));
  open_digest_.update(block_);
  open_length_ += block_.size();
  ATTAR_TRY(put(block_));
  block_.clear();
  return {};
}

Status ArtifactWriter::State::end() {
  ATTAR_TRY(usable(true));
  if (!block_.empty()) ATTAR_TRY(flush_block());
  const auto table = std::as_bytes(std::span(tables_).subspan(open_table_));
  SectionEntry entry{.spec = *open_,
                     .offset = open_offset_,
                     .length = open_length_,
                     .table_checksum = base::checksum(table),
                     .digest = open_digest_.finish()};
  ATTAR_TRY(layout_.place(entry.spec.alignment, entry.length));
  sections_.push_back(entry);
  open_.reset();
  return {};
}

Result<std::uint64_t> ArtifactWriter::State::final_bytes() const {
  Layout layout = layout_;
  if (open_) ATTAR_TRY(layout.place(open_->alignment, open_length_ + block_.size()));
  if (options_.certificate_bytes != 0) ATTAR_TRY(layout.place(Alignment::cache_line, options_.certificate_bytes));
  return layout.file_bytes();
}

Status ArtifactWriter::State::write_certificate(base::ByteView text) {
  if (options_.certificate_bytes == 0) return {};
  ATTAR_TRY(open_section({.kind = SectionKind::certificate}));
  ATTAR_TRY(write(text));
  const std::vector<std::byte> zeros(options_.certificate_bytes - text.size());
  ATTAR_TRY(write(zeros));
  return end();
}

Status ArtifactWriter::State::write_tables_and_directory() {
  ATTAR_ASSIGN(std::uint64_t table_at, layout_.tables_begin());
  ATTAR_TRY(pad(table_at));
  for (SectionEntry& entry : sections_) {
    entry.table_offset = table_at;
    table_at += table_bytes(entry.length);
  }
  ATTAR_TRY(put(std::as_bytes(std::span(tables_))));
  const std::vector<std::byte> directory = encode_directory(sections_);
  ATTAR_TRY(put(directory));
  const Header header{.features = options_.features,
                      .sections = static_cast<std::uint32_t>(sections_.size()),
                      .file_bytes = file_.size()};
  return file_.write_at(0, encode_header(header, directory));
}

Status ArtifactWriter::State::finish(base::ByteView certificate) {
  ATTAR_TRY(usable(false));
  if (certificate.size() > options_.certificate_bytes)
    return misuse(fmt::format("the certificate has {} bytes, {} are reserved; reserve more when the file is planned",
                              certificate.size(), options_.certificate_bytes));
  if (std::ranges::find(certificate, std::byte{0}) != certificate.end())
    return misuse("the certificate holds a zero byte; give text");
  ATTAR_TRY(write_certificate(certificate));
  unusable_ = true;  // whatever comes of it
  ATTAR_TRY(write_tables_and_directory());
  return file_.commit();
}

Result<ArtifactWriter> ArtifactWriter::create(const std::filesystem::path& path, const WriterOptions& options) {
  ATTAR_ASSIGN(auto file, base::AtomicFile::create(path));
  auto state = std::make_unique<State>(std::move(file), options);
  ATTAR_TRY(state->start());
  return ArtifactWriter(std::move(state));
}

ArtifactWriter::ArtifactWriter(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
ArtifactWriter::ArtifactWriter(ArtifactWriter&&) noexcept = default;
ArtifactWriter& ArtifactWriter::operator=(ArtifactWriter&&) noexcept = default;
ArtifactWriter::~ArtifactWriter() = default;

Result<base::Sink*> ArtifactWriter::begin(const SectionSpec& spec) {
  ATTAR_TRY(state_->begin(spec));
  return state_.get();
}

Status ArtifactWriter::end() { return state_->end(); }

Status ArtifactWriter::add(const SectionSpec& spec, base::ByteView bytes) {
  ATTAR_TRY(state_->begin(spec));
  ATTAR_TRY(state_->write(bytes));
  return state_->end();
}

std::span<const SectionEntry> ArtifactWriter::sections() const noexcept { return state_->sections(); }
Result<std::uint64_t> ArtifactWriter::final_bytes() const { return state_->final_bytes(); }
base::Digest ArtifactWriter::content_digest() const { return state_->content(); }
Status ArtifactWriter::finish(base::ByteView certificate) { return state_->finish(certificate); }

}  // namespace attar::format
