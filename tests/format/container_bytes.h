// The container's bytes as FORMAT.md has them, written down a second time: for tests and fuzzing that damage a file and
// then make its checksums right again, so that the damage reaches the code behind them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"

namespace attar::format::raw {

using Bytes = std::vector<std::byte>;

inline constexpr std::uint64_t header_size = 128;
inline constexpr std::uint64_t entry_size = 80;

// Fields of the header.
inline constexpr std::uint64_t version_at = 8;
inline constexpr std::uint64_t count_at = 12;
inline constexpr std::uint64_t ignorable_at = 16;
inline constexpr std::uint64_t read_only_at = 24;
inline constexpr std::uint64_t required_at = 32;
inline constexpr std::uint64_t file_bytes_at = 40;
inline constexpr std::uint64_t root_at = 48;
inline constexpr std::uint64_t reserved_at = 80;
inline constexpr std::uint64_t checksum_at = 120;

// Fields of a directory entry.
inline constexpr std::uint64_t kind_in = 0;
inline constexpr std::uint64_t instance_in = 4;
inline constexpr std::uint64_t codec_in = 8;
inline constexpr std::uint64_t wire_in = 12;
inline constexpr std::uint64_t flags_in = 14;
inline constexpr std::uint64_t alignment_in = 15;
inline constexpr std::uint64_t offset_in = 16;
inline constexpr std::uint64_t length_in = 24;
inline constexpr std::uint64_t table_in = 32;
inline constexpr std::uint64_t table_checksum_in = 40;
inline constexpr std::uint64_t digest_in = 48;

template <base::Scalar T>
T get(const Bytes& file, std::uint64_t at) {
  return base::load<T>(file.data() + at);
}

template <base::Scalar T>
void put(Bytes& file, std::uint64_t at, T value) {
  base::store(file.data() + at, value);
}

/// True when a directory of the announced number of entries fits the bytes that are there.
inline bool has_directory(const Bytes& file) {
  return file.size() >= header_size && get<std::uint32_t>(file, count_at) <= (file.size() - header_size) / entry_size;
}

inline std::uint64_t directory_at(const Bytes& file) {
  return file.size() - get<std::uint32_t>(file, count_at) * entry_size;
}

inline std::uint64_t entry_at(const Bytes& file, std::uint64_t index) {
  return directory_at(file) + index * entry_size;
}

/// Makes root digest and header checksum right.
inline void seal_directory(Bytes& file) {
  if (!has_directory(file)) return;
  base::Sha256 root;
  root.update(base::ByteView(file).first(root_at));
  root.update(base::ByteView(file).subspan(directory_at(file)));
  std::ranges::copy(root.finish().bytes, file.begin() + root_at);
  put(file, checksum_at, base::checksum(base::ByteView(file).first(checksum_at)));
}

/// Makes block tables and digests right too, as far as the entries point into the file.
inline void seal_sections(Bytes& file) {
  if (!has_directory(file)) return;
  const auto inside = [&](std::uint64_t at, std::uint64_t length) {
    return at <= file.size() && length <= file.size() - at;
  };
  for (std::uint64_t i = 0; i < get<std::uint32_t>(file, count_at); ++i) {
    const std::uint64_t entry = entry_at(file, i);
    const auto offset = get<std::uint64_t>(file, entry + offset_in);
    const auto length = get<std::uint64_t>(file, entry + length_in);
    const auto table = get<std::uint64_t>(file, entry + table_in);
    if (!inside(offset, length)) continue;
    const std::uint64_t blocks = (length + 65'535) / 65'536;
    if (!inside(table, blocks * 8) || table < header_size || table + blocks * 8 > directory_at(file)) continue;
    const auto section = base::ByteView(file).subspan(offset, length);
    for (std::uint64_t block = 0; block < blocks; ++block) {
      const auto part = section.subspan(block * 65'536, std::min<std::uint64_t>(65'536, length - block * 65'536));
      put(file, table + block * 8, base::checksum(part));
    }
    put(file, entry + table_checksum_in, base::checksum(base::ByteView(file).subspan(table, blocks * 8)));
    std::ranges::copy(base::sha256(section).bytes, file.begin() + static_cast<std::ptrdiff_t>(entry + digest_in));
  }
  seal_directory(file);
}

}  // namespace attar::format::raw
