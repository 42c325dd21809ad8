#include "engine/vector_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/file.h"
#include "base/half.h"
#include "base/hash.h"

namespace attar::engine {
namespace {

constexpr std::string_view magic = "attarvec";
constexpr std::uint32_t version = 1;
constexpr std::size_t digest_at = 24, digest_digits = 64, checksum_at = 88, header_bytes = 96;

std::unexpected<Error> unusable(ErrorCode code, const std::filesystem::path& path, std::string_view what) {
  return std::unexpected(
      Error{.code = code, .message = fmt::format("{}; all texts are encoded anew", what), .file = path.string()});
}

void append(std::vector<std::byte>& out, const void* data, std::size_t size) {
  const auto* bytes = static_cast<const std::byte*>(data);
  out.insert(out.end(), bytes, bytes + size);
}

}  // namespace

VectorCache::Key VectorCache::key_of(std::string_view text, std::string_view context) {
  base::Sha256 sum;
  const std::uint64_t size = text.size();
  sum.update(std::as_bytes(std::span(&size, 1)));
  sum.update(std::as_bytes(std::span(text)));
  sum.update(std::as_bytes(std::span(context)));
  Key out{};
  std::ranges::copy_n(sum.finish().bytes.begin(), out.size(), out.begin());
  return out;
}

Status VectorCache::load(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return {};
  ATTAR_ASSIGN(const auto file, base::MappedFile::open(path, base::MappedFile::Mode::copy));
  const base::ByteView bytes = file.bytes();
  if (bytes.empty()) return {};
  // It would be written over in the end, and belongs to someone.
  if (bytes.size() < magic.size() || base::as_text(bytes.first(magic.size())) != magic)
    return std::unexpected(Error{.code = ErrorCode::invalid_argument,
                                 .message = "is no file of vectors that Attar keeps; name another one",
                                 .file = path.string()});
  if (bytes.size() < header_bytes) return unusable(ErrorCode::corrupt, path, "is damaged");
  const auto found = base::load<std::uint32_t>(bytes.data() + 8), dims = base::load<std::uint32_t>(bytes.data() + 12);
  if (found != version)
    return unusable(found > version ? ErrorCode::too_new : ErrorCode::too_old, path,
                    fmt::format("has version {}, this build reads {}", found, version));
  if (base::as_text(bytes.subspan(digest_at, digest_digits)) != digest_ || dims != dims_) return {};
  const auto count = base::load<std::uint64_t>(bytes.data() + 16);
  const std::uint64_t entry = sizeof(Key) + 2 * std::uint64_t{dims};
  const base::ByteView body = bytes.subspan(header_bytes);
  if (count > body.size() / entry || body.size() != count * entry ||
      base::checksum(body) != base::load<std::uint64_t>(bytes.data() + checksum_at))
    return unusable(ErrorCode::corrupt, path, "is damaged");
  for (std::uint64_t i = 0; i < count; ++i) {
    const base::ByteView own = body.subspan(i * entry, entry);
    Key key{};
    std::memcpy(key.data(), own.data(), key.size());
    Entry& to = entries_[key];
    to.halves.resize(dims);
    std::memcpy(to.halves.data(), own.data() + key.size(), 2 * std::size_t{dims});
  }
  return {};
}

Status VectorCache::save(const std::filesystem::path& path) const {
  std::vector<std::byte> out(header_bytes);
  std::uint64_t count = 0;
  for (const auto& [key, entry] : entries_) {
    if (!entry.used) continue;
    ++count;
    append(out, key.data(), key.size());
    append(out, entry.halves.data(), 2 * entry.halves.size());
  }
  std::memcpy(out.data(), magic.data(), magic.size());
  std::memcpy(out.data() + 8, &version, sizeof version);
  std::memcpy(out.data() + 12, &dims_, sizeof dims_);
  std::memcpy(out.data() + 16, &count, sizeof count);
  std::memcpy(out.data() + digest_at, digest_.data(), std::min(digest_.size(), digest_digits));
  const std::uint64_t sum = base::checksum(base::ByteView(out).subspan(header_bytes));
  std::memcpy(out.data() + checksum_at, &sum, sizeof sum);
  ATTAR_ASSIGN(auto file, base::AtomicFile::create(path));
  ATTAR_TRY(file.write(out));
  return file.commit();
}

bool VectorCache::find(const Key& key, std::span<float> out) {
  const auto known = entries_.find(key);
  if (known == entries_.end()) return false;
  known->second.used = true;
  std::ranges::transform(known->second.halves, out.begin(), base::half_to_float);
  return true;
}

void VectorCache::add(const Key& key, std::span<float> vector) {
  Entry& to = entries_[key];
  to.used = true;
  to.halves.resize(vector.size());
  std::ranges::transform(vector, to.halves.begin(), base::float_to_half);
  std::ranges::transform(to.halves, vector.begin(), base::half_to_float);
}

}  // namespace attar::engine
