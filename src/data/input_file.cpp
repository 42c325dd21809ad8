#include "data/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/file.h"
#include "data/utf8.h"

namespace attar::data {
namespace {

constexpr std::size_t spool_bytes = 1 << 20;

std::unexpected<Error> io_error(std::string_view what, const std::string& name) {
  const int code = errno;
  return std::unexpected(
      Error{.code = ErrorCode::io, .message = fmt::format("{}: {}", what, std::strerror(code)), .file = name});
}

/// A read() that goes on after a signal.
Result<std::size_t> read_some(int descriptor, std::span<std::byte> out, const std::string& name) {
  for (;;) {
    const ssize_t count = ::read(descriptor, out.data(), out.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return io_error("cannot read", name);
  }
}

/// Copies what is left of a stream to an unlinked scratch file.
Result<base::TemporaryFile> spool(int descriptor, const std::string& name, const std::filesystem::path& scratch) {
  ATTAR_ASSIGN(base::TemporaryFile copy, base::TemporaryFile::create(scratch));
  std::vector<std::byte> buffer(spool_bytes);
  for (;;) {
    ATTAR_ASSIGN(const std::size_t count, read_some(descriptor, buffer, name));
    if (count == 0) return copy;
    ATTAR_TRY(copy.write(base::ByteView(buffer).first(count)));
  }
}

}  // namespace

Result<InputFile> InputFile::open(const std::filesystem::path& path, const std::filesystem::path& scratch) {
  const bool standard_input = path == "-";
  InputFile opened;
  opened.name_ = standard_input ? "standard input" : path.string();
  // A descriptor of its own for standard input too, so that closing this one leaves the process's alone.
  opened.descriptor_ =
      standard_input ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (opened.descriptor_ < 0) return io_error("cannot open", opened.name_);
  struct stat info {};
  if (::fstat(opened.descriptor_, &info) != 0) return io_error("cannot stat", opened.name_);
  if (S_ISREG(info.st_mode) && !standard_input) {
    opened.size_ = static_cast<std::uint64_t>(info.st_size);
    return opened;
  }
  if (S_ISDIR(info.st_mode)) return opened.fail(ErrorCode::io, "is a directory; name a file in it");
  if (!standard_input && !S_ISFIFO(info.st_mode)) return opened.fail(ErrorCode::io, "is neither a file nor a pipe");
  ATTAR_ASSIGN(const base::TemporaryFile copy, spool(opened.descriptor_, opened.name_, scratch));
  ATTAR_ASSIGN(InputFile out, open_as(copy.path(), opened.name_));
  out.spooled_ = true;
  return out;
}

Result<InputFile> InputFile::open_as(const std::filesystem::path& path, std::string name) {
  InputFile out;
  out.name_ = std::move(name);
  out.descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (out.descriptor_ < 0) return io_error("cannot open", out.name_);
  struct stat info {};
  if (::fstat(out.descriptor_, &info) != 0) return io_error("cannot stat", out.name_);
  if (!S_ISREG(info.st_mode)) return out.fail(ErrorCode::io, "is not a regular file");
  out.size_ = static_cast<std::uint64_t>(info.st_size);
  return out;
}

Result<InputFile> InputFile::again() const {
  InputFile out;
  out.name_ = name_;
  out.size_ = size_;
  out.spooled_ = spooled_;
  out.descriptor_ = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
  if (out.descriptor_ < 0) return io_error("cannot open", name_);
  return out;
}

InputFile::InputFile(InputFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      spooled_(other.spooled_),
      name_(std::move(other.name_)) {}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  std::swap(spooled_, other.spooled_);
  std::swap(name_, other.name_);
  return *this;
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::string> InputFile::read_first(std::uint64_t most) const {
  std::string out(std::min(size_, most), '\0');
  ATTAR_TRY(read_at(0, std::as_writable_bytes(std::span(out))));
  return out;
}

Status InputFile::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t count = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("cannot read", name_);
    if (count == 0)
      return fail(ErrorCode::truncated,
                  fmt::format("ends at byte {}; has it become shorter while it was read?", offset));
    offset += static_cast<std::uint64_t>(count);
    out = out.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

std::unexpected<Error> InputFile::fail(ErrorCode code, std::string message) const {
  return std::unexpected(Error{.code = code, .message = std::move(message), .file = name_});
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 60;
  std::string_view shown = text.substr(0, longest);
  // Not in the middle of a UTF-8 sequence.
  if (text.size() > longest)
    while (!shown.empty() && (static_cast<unsigned char>(text[shown.size()]) & 0xc0) == 0x80) shown.remove_suffix(1);
  const bool utf8 = is_utf8(shown);
  std::string out = "'";
  for (const char c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8)) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + (shown.size() < text.size() ? "…'" : "'");
}

}  // namespace attar::data
