// A user's file read by position: bounded memory, any number of threads, pipes spooled to a scratch file first.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "attar/result.h"
#include "base/bytes.h"

namespace attar::data {

class InputFile {
 public:
  /// A regular file as it is; a named pipe, or "-" (standard input), copied to an unlinked file in `scratch`
  /// ($TMPDIR or /tmp when empty) so that it can be read several times.
  [[nodiscard]] static Result<InputFile> open(const std::filesystem::path& path,
                                              const std::filesystem::path& scratch = {});
  /// Opens `path` under another name for messages; a regular file only.
  [[nodiscard]] static Result<InputFile> open_as(const std::filesystem::path& path, std::string name);

  /// The same bytes once more, through a descriptor of its own.
  [[nodiscard]] Result<InputFile> again() const;

  InputFile(InputFile&&) noexcept;
  InputFile& operator=(InputFile&&) noexcept;
  ~InputFile();

  /// Bytes in the file when it was opened.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// The path, or "standard input".
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// True where the bytes came through a pipe, so that the name tells nothing about the format.
  [[nodiscard]] bool spooled() const noexcept { return spooled_; }

  /// Fills `out` with the bytes at `offset`; `truncated` when the file ends before.
  [[nodiscard]] Status read_at(std::uint64_t offset, std::span<std::byte> out) const;

  /// The file's first bytes, `most` at most.
  [[nodiscard]] Result<std::string> read_first(std::uint64_t most) const;

  /// An error that carries the file's name.
  [[nodiscard]] std::unexpected<Error> fail(ErrorCode code, std::string message) const;

 private:
  InputFile() = default;

  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  bool spooled_ = false;
  std::string name_;
};

/// Text of a user's file made fit for a message: in quotes, cut after 60 bytes, control bytes escaped, and all that is
/// not ASCII too where the text is not UTF-8.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace attar::data
