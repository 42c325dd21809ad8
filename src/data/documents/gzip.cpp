#include "data/documents/gzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"

namespace attar::data {
namespace {

constexpr std::string_view magic = "\x1f\x8b";
constexpr std::size_t part_bytes = 1 << 18;

std::unexpected<Error> damaged() {
  return fail(ErrorCode::invalid_data, "is damaged: what gzip packed cannot be unpacked");
}

/// Unpacks a stream that comes in pieces, and hands on what comes out.
class Inflater {
 public:
  explicit Inflater(std::uint64_t most) : most_(most), out_(part_bytes) {}
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  template <class Take>
  Status add(std::string_view piece, const Take& take) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream_.avail_in = static_cast<uInt>(piece.size());
    while (stream_.avail_in > 0 && !over_) {
      if (state_ != Z_OK) ATTAR_TRY(begin());
      if (over_) break;
      ATTAR_TRY(step(take));
    }
    return {};
  }

  /// Whether all that was begun came to its end.
  [[nodiscard]] bool whole() const noexcept { return state_ == Z_STREAM_END; }

 private:
  /// A member; behind the first anything that is none, such as the zeros of a tape, ends the file, as gzip has it.
  Status begin() {
    if (state_ == Z_STREAM_END && *stream_.next_in != static_cast<Bytef>(magic[0])) {
      over_ = true;
      return {};
    }
    // 15: the largest window; 16: with gzip's header.
    state_ = state_ == Z_STREAM_END ? inflateReset(&stream_) : inflateInit2(&stream_, 15 + 16);
    if (state_ != Z_OK) return fail(ErrorCode::over_limit, "cannot be unpacked: memory is short");
    return {};
  }

  template <class Take>
  Status step(const Take& take) {
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
      stream_.avail_out = static_cast<uInt>(out_.size());
      const int state = inflate(&stream_, Z_NO_FLUSH);
      if (state == Z_BUF_ERROR) return {};  // all that was there has been unpacked
      state_ = state;
      if (state_ != Z_OK && state_ != Z_STREAM_END) return damaged();
      const std::size_t count = out_.size() - stream_.avail_out;
      if (count > most_) return fail(ErrorCode::over_limit, "is larger, unpacked, than the limit on files allows");
      most_ -= count;
      ATTAR_TRY(take(std::string_view(out_.data(), count)));
    } while (state_ == Z_OK && stream_.avail_out == 0);
    return {};
  }

  std::uint64_t most_;
  std::vector<char> out_;
  z_stream stream_{};
  int state_ = Z_NEED_DICT;  ///< before the first member
  bool over_ = false;
};

}  // namespace

bool is_gzip(std::string_view head) noexcept { return head.starts_with(magic); }

Result<std::string> gunzip(std::string_view packed, std::uint64_t most) {
  Inflater inflater(most);
  std::string out;
  // zlib counts in 32 bits.
  for (std::size_t at = 0; at < packed.size(); at += part_bytes)
    ATTAR_TRY(inflater.add(packed.substr(at, part_bytes), [&](std::string_view part) -> Status {
      out += part;
      return {};
    }));
  if (!inflater.whole()) return damaged();
  return out;
}

Result<InputFile> gunzip(const InputFile& packed, std::uint64_t most, const std::filesystem::path& scratch) {
  ATTAR_ASSIGN(base::TemporaryFile copy, base::TemporaryFile::create(scratch));
  Inflater inflater(most);
  std::vector<char> piece(part_bytes);
  for (std::uint64_t at = 0; at < packed.size(); at += piece.size()) {
    const auto count = std::min<std::uint64_t>(piece.size(), packed.size() - at);
    ATTAR_TRY(packed.read_at(at, std::as_writable_bytes(std::span(piece).first(count))));
    ATTAR_TRY(inflater.add({piece.data(), count},
                           [&](std::string_view part) { return copy.write(std::as_bytes(std::span(part))); }));
  }
  if (!inflater.whole()) return damaged();
  return InputFile::open_as(copy.path(), packed.name());
}

}  // namespace attar::data
