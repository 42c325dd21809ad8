// The file of a cache: appended to, replaced whole, and written by one process at a time.
#pragma once

#include <filesystem>
#include <vector>

#include "base/bytes.h"

namespace attar::cache {

class Log {
 public:
  /// Makes the folder where there is none, and waits up to `seconds` for its lock. `io` where another process keeps it;
  /// `invalid_argument` for a folder that holds other things.
  [[nodiscard]] static Result<Log> open(const std::filesystem::path& folder, double seconds);

  Log(Log&& other) noexcept;
  Log& operator=(Log&&) = delete;
  ~Log();

  /// The whole file; empty where there is none yet.
  [[nodiscard]] Result<std::vector<std::byte>> read() const;
  /// Cuts off what is behind the first `size` bytes.
  [[nodiscard]] Status cut(std::uint64_t size);
  /// Adds bytes behind the end; `sync`: they are on the disk when it returns. After a failure the end is where it was.
  [[nodiscard]] Status append(base::ByteView bytes, bool sync);
  /// Puts a new file in its place, whole or not at all.
  [[nodiscard]] Status replace(base::ByteView bytes);

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  Log() = default;
  [[nodiscard]] Status open_file();

  std::filesystem::path path_;
  int lock_ = -1;
  int file_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace attar::cache
