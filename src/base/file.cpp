#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/descriptor.h"

namespace attar::base {
namespace {

std::unexpected<Error> io_error(std::string what, const std::string& path) {
  const int code = errno;
  return std::unexpected(
      Error{.code = ErrorCode::io, .message = fmt::format("{}: {}", what, std::strerror(code)), .file = path});
}

Status write_all(int descriptor, ByteView bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("cannot write", path);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Status write_all_at(int descriptor, std::uint64_t offset, ByteView bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("cannot write", path);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<std::vector<std::byte>> read_whole(int descriptor, std::uint64_t size, const std::string& path) {
  std::vector<std::byte> out(size);
  std::uint64_t at = 0;
  while (at < size) {
    const ssize_t count = ::pread(descriptor, out.data() + at, size - at, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("cannot read", path);
    if (count == 0)
      return std::unexpected(
          Error{.code = ErrorCode::truncated, .message = "the file shrank while it was read", .file = path});
    at += static_cast<std::uint64_t>(count);
  }
  return out;
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path, Mode mode) {
  const std::string name = path.string();
  Descriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return io_error("cannot open", name);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return io_error("cannot stat", name);
  if (!S_ISREG(info.st_mode))
    return std::unexpected(Error{.code = ErrorCode::io, .message = "not a regular file", .file = name});

  MappedFile out;
  out.path_ = name;
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size == 0) return out;
  if (mode == Mode::copy) {
    ATTAR_ASSIGN(out.copy_, read_whole(file.get(), size, name));
    out.bytes_ = out.copy_;
    return out;
  }
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED) return io_error("cannot map", name);
  out.bytes_ = ByteView(static_cast<const std::byte*>(address), size);
  return out;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})), copy_(std::move(other.copy_)), path_(std::move(other.path_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(copy_, other.copy_);
  std::swap(path_, other.path_);
  return *this;
}

MappedFile::~MappedFile() {
  if (copy_.empty() && !bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

void MappedFile::expect(Access access) const noexcept {
  if (!copy_.empty() || bytes_.empty()) return;
  ::madvise(const_cast<std::byte*>(bytes_.data()), bytes_.size(),
            access == Access::scattered ? MADV_RANDOM : MADV_NORMAL);
}

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& path) {
  AtomicFile out;
  out.path_ = path;
  const auto directory = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  std::string pattern = (directory / fmt::format(".{}.XXXXXX", path.filename().string())).string();
  out.descriptor_ = ::mkostemp(pattern.data(), O_CLOEXEC);
  if (out.descriptor_ < 0) return io_error("cannot create a file beside the output", path.string());
  out.temporary_ = pattern;
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(out.descriptor_, 0666 & ~mask);
  return out;
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  return *this;
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

Status AtomicFile::write(ByteView bytes) {
  ATTAR_TRY(write_all_at(descriptor_, size_, bytes, path_.string()));
  size_ += bytes.size();
  return {};
}

Status AtomicFile::write_at(std::uint64_t offset, ByteView bytes) {
  if (offset > size_ || bytes.size() > size_ - offset)
    return fail(ErrorCode::invalid_argument, "write_at() may only replace bytes already written");
  return write_all_at(descriptor_, offset, bytes, path_.string());
}

Status AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) return io_error("cannot flush", path_.string());
  if (::close(std::exchange(descriptor_, -1)) != 0) return io_error("cannot close", path_.string());
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return io_error("cannot rename into place", path_.string());
  temporary_.clear();
  const auto directory = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
  Descriptor handle(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle.get() < 0 || ::fsync(handle.get()) != 0) return io_error("cannot flush the directory", directory.string());
  return {};
}

std::filesystem::path temporary_directory() {
  const char* set = std::getenv("TMPDIR");
  return set != nullptr && *set != '\0' ? std::filesystem::path(set) : std::filesystem::path("/tmp");
}

Result<TemporaryFile> TemporaryFile::create(const std::filesystem::path& directory) {
  TemporaryFile out;
  std::string pattern = ((directory.empty() ? temporary_directory() : directory) / "attar-XXXXXX").string();
  out.descriptor_ = ::mkostemp(pattern.data(), O_CLOEXEC);
  if (out.descriptor_ < 0)
    return io_error("cannot create a scratch file (set TMPDIR to a directory with room)", pattern);
  ::unlink(pattern.c_str());
  return out;
}

TemporaryFile::TemporaryFile(TemporaryFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}

TemporaryFile& TemporaryFile::operator=(TemporaryFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  return *this;
}

TemporaryFile::~TemporaryFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status TemporaryFile::write(ByteView bytes) {
  ATTAR_TRY(write_all(descriptor_, bytes, "scratch file"));
  size_ += bytes.size();
  return {};
}

Status TemporaryFile::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t count = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("cannot read", "scratch file");
    if (count == 0) return fail(ErrorCode::truncated, "the scratch file ended early");
    offset += static_cast<std::uint64_t>(count);
    out = out.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

std::filesystem::path TemporaryFile::path() const { return fmt::format("/proc/self/fd/{}", descriptor_); }

}  // namespace attar::base
