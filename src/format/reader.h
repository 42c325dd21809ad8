// Opens an artifact: header and directory are checked at once, sections when they are used.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attar/limits.h"
#include "attar/result.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/progress.h"
#include "base/threads.h"
#include "format/layout.h"
#include "format/section.h"

namespace attar::format {

/// Const calls are safe from many threads. What it hands out lives as long as the reader (moves included).
class ArtifactReader {
 public:
  /// Reads header and directory only. Mode::map needs a file that nobody changes while it is open.
  [[nodiscard]] static Result<ArtifactReader> open(const std::filesystem::path& path, const OpenLimits& limits = {},
                                                   base::MappedFile::Mode mode = base::MappedFile::Mode::map);
  /// An artifact in memory; the bytes must outlive the reader.
  [[nodiscard]] static Result<ArtifactReader> open_bytes(base::ByteView bytes, const OpenLimits& limits = {});

  /// In the order of the file, sections of unknown kinds included.
  [[nodiscard]] std::span<const SectionEntry> sections() const noexcept { return sections_; }
  /// Null when the artifact has no such section.
  [[nodiscard]] const SectionEntry* find(SectionKind kind, std::uint32_t instance = 0) const noexcept;
  /// A handle to the bytes, after a check of the section's block table; blocks are checked by the handle's verify().
  /// `corrupt` when the section is missing: ask find() where it is optional. All handles share what was verified.
  [[nodiscard]] Result<SectionReader> section(SectionKind kind, std::uint32_t instance = 0) const;
  /// The certificate's text, checksum and padding checked; empty when the file has none.
  [[nodiscard]] Result<base::ByteView> certificate() const;

  [[nodiscard]] const Features& features() const noexcept { return header_.features; }
  [[nodiscard]] std::uint64_t file_bytes() const noexcept { return bytes_.size(); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] base::Digest content_digest() const { return format::content_digest(header_.features, sections_); }
  [[nodiscard]] const base::Digest& root_digest() const noexcept { return header_.root; }

  /// Reads the whole file and checks all of it: tables, blocks, digests, padding. (Header, directory and root were
  /// checked by open().) The first error in file order. Pool and progress may be null; units of the progress are bytes.
  [[nodiscard]] Status verify_all(base::ThreadPool* pool = nullptr, base::Progress* progress = nullptr) const;
  /// A file is opened for a few pages here and there; this says that long stretches are to be read from now on.
  void expect_stretches() const noexcept;

 private:
  ArtifactReader() = default;
  [[nodiscard]] static Result<ArtifactReader> parse(base::ByteView bytes, std::string path, const OpenLimits& limits);
  [[nodiscard]] std::unexpected<Error> corrupt(std::string message, std::uint64_t offset) const;
  [[nodiscard]] Status check_table(std::size_t index) const;
  [[nodiscard]] Status check_zero(std::uint64_t begin, std::uint64_t end) const;
  [[nodiscard]] Status check_padding() const;
  template <class Advance>
  [[nodiscard]] Status check_section(std::size_t index, const Advance& advance) const;

  std::optional<base::MappedFile> file_;
  base::ByteView bytes_;
  std::string path_;
  Header header_;
  std::vector<SectionEntry> sections_;
  std::vector<SectionReader> handles_;  // one a section: they hold which blocks are verified
};

}  // namespace attar::format
