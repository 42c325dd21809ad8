// Files: mapped for reading, written whole or not at all, spooled when a stream must be read twice.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/bytes.h"

namespace attar::base {

/// A read-only view of a file: mmap, or (for files that others may write) a private copy.
class MappedFile {
 public:
  enum class Mode { map, copy };

  [[nodiscard]] static Result<MappedFile> open(const std::filesystem::path& path, Mode mode = Mode::map);

  MappedFile(MappedFile&&) noexcept;
  MappedFile& operator=(MappedFile&&) noexcept;
  ~MappedFile();

  [[nodiscard]] ByteView bytes() const noexcept { return bytes_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Tells the kernel how a map will be read: a few pages here and there, each fetched alone, or long stretches,
  /// fetched ahead (which is so until said otherwise).
  enum class Access { scattered, stretches };
  void expect(Access access) const noexcept;

 private:
  MappedFile() = default;
  ByteView bytes_;
  std::vector<std::byte> copy_;
  std::string path_;
};

/// A file that appears under its name only when commit() succeeds; until then, and after a failure, a former
/// file of that name stays as it was. Temporary name, fsync, rename, fsync of the directory.
class AtomicFile final : public Sink {
 public:
  [[nodiscard]] static Result<AtomicFile> create(const std::filesystem::path& path);

  AtomicFile(AtomicFile&&) noexcept;
  AtomicFile& operator=(AtomicFile&&) noexcept;
  ~AtomicFile() override;

  [[nodiscard]] Status write(ByteView bytes) override;
  /// Overwrites bytes written before; the position of write() does not move.
  [[nodiscard]] Status write_at(std::uint64_t offset, ByteView bytes);
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] Status commit();

 private:
  AtomicFile() = default;
  void discard() noexcept;

  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::filesystem::path path_;
  std::filesystem::path temporary_;
};

/// An anonymous scratch file (unlinked at once), for data larger than memory.
class TemporaryFile final : public Sink {
 public:
  /// In `directory`, or in $TMPDIR, or in /tmp.
  [[nodiscard]] static Result<TemporaryFile> create(const std::filesystem::path& directory = {});

  TemporaryFile(TemporaryFile&&) noexcept;
  TemporaryFile& operator=(TemporaryFile&&) noexcept;
  ~TemporaryFile() override;

  [[nodiscard]] Status write(ByteView bytes) override;
  [[nodiscard]] Status read_at(std::uint64_t offset, std::span<std::byte> out) const;
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// A path by which this process can open the file again while the object lives.
  [[nodiscard]] std::filesystem::path path() const;

 private:
  TemporaryFile() = default;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// The directory for scratch files: $TMPDIR, or /tmp.
[[nodiscard]] std::filesystem::path temporary_directory();

}  // namespace attar::base
