#include "cache/log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/file.h"

namespace attar::cache {
namespace {

constexpr auto between_tries = std::chrono::milliseconds(5);

std::unexpected<Error> failed(std::string_view what, const std::filesystem::path& path) {
  const int code = errno;
  return std::unexpected(
      Error{.code = ErrorCode::io, .message = fmt::format("{}: {}", what, std::strerror(code)), .file = path.string()});
}

// A folder that is new, empty, or a cache already.
Status check_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return std::unexpected(Error{.code = ErrorCode::io,
                                 .message = "cannot make the folder of the cache: " + error.message(),
                                 .file = folder.string()});
  if (std::filesystem::exists(folder / "lock", error) || std::filesystem::exists(folder / "cache", error) ||
      std::filesystem::is_empty(folder, error))
    return {};
  return std::unexpected(Error{.code = ErrorCode::invalid_argument,
                               .message = "holds other files and no cache; name a new or empty folder",
                               .file = folder.string()});
}

}  // namespace

Result<Log> Log::open(const std::filesystem::path& folder, double seconds) {
  ATTAR_TRY(check_folder(folder));
  Log out;
  out.path_ = folder / "cache";
  const std::filesystem::path lock = folder / "lock";
  out.lock_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (out.lock_ < 0) return failed("cannot open", lock);
  const auto start = base::Clock::now();
  while (flock(out.lock_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return failed("cannot lock", lock);
    if (base::seconds_since(start) >= seconds)
      return std::unexpected(Error{.code = ErrorCode::io,
                                   .message = "another process has the cache open; try again when it is done",
                                   .file = folder.string()});
    std::this_thread::sleep_for(between_tries);
  }
  ATTAR_TRY(out.open_file());
  return out;
}

Log::Log(Log&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      file_(std::exchange(other.file_, -1)),
      size_(other.size_) {}

Log::~Log() {
  if (file_ >= 0) close(file_);
  if (lock_ >= 0) close(lock_);
}

Status Log::open_file() {
  if (file_ >= 0) close(file_);
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file_ < 0) return failed("cannot open", path_);
  struct stat status {};
  if (fstat(file_, &status) != 0) return failed("cannot look at", path_);
  size_ = static_cast<std::uint64_t>(status.st_size);
  return {};
}

Result<std::vector<std::byte>> Log::read() const {
  std::vector<std::byte> out(size_);
  std::size_t at = 0;
  while (at < out.size()) {
    const ssize_t count = pread(file_, out.data() + at, out.size() - at, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("cannot read", path_);
    if (count == 0) break;
    at += static_cast<std::size_t>(count);
  }
  out.resize(at);
  return out;
}

Status Log::cut(std::uint64_t size) {
  if (ftruncate(file_, static_cast<off_t>(size)) != 0) return failed("cannot cut", path_);
  size_ = size;
  return {};
}

Status Log::append(base::ByteView bytes, bool sync) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = pwrite(file_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(size_ + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      auto error = failed("cannot write", path_);
      if (const Status cut_off = cut(size_); !cut_off) error.error().message += ", and its end is unfinished";
      return error;
    }
    done += static_cast<std::size_t>(count);
  }
  if (sync && fdatasync(file_) != 0) return failed("cannot write", path_);
  size_ += done;
  return {};
}

Status Log::replace(base::ByteView bytes) {
  ATTAR_ASSIGN(auto file, base::AtomicFile::create(path_));
  ATTAR_TRY(file.write(bytes));
  ATTAR_TRY(file.commit());
  return open_file();
}

}  // namespace attar::cache
