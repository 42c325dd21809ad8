// Zip archives for tests, written byte by byte.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/files.h"

namespace attar::data {

struct MadeMember {
  std::string name = {};
  std::string bytes = {};  ///< as they lie in the file
  std::uint16_t method = 0;
  std::uint64_t size = 0;  ///< once inflated; 0: as many as bytes
};

struct MadeZip {
  bool large_members = false;    ///< sizes in 64-bit fields before the members, as numpy writes
  bool large_directory = false;  ///< sizes, places and the end in 64-bit fields
  std::string comment = {};
  std::string before = {};  ///< bytes before the first member that belong to none
};

inline std::string large_field(std::initializer_list<std::uint64_t> values) {
  std::string out;
  append(out, std::uint16_t{1});
  append(out, static_cast<std::uint16_t>(8 * values.size()));
  for (const std::uint64_t value : values) append(out, value);
  return out;
}

inline std::string zip_file(const std::vector<MadeMember>& members, const MadeZip& how = {}) {
  constexpr std::uint32_t in_field = 0xffff'ffff;
  std::string out = how.before, directory;
  for (const MadeMember& member : members) {
    const std::uint64_t size = member.size == 0 ? member.bytes.size() : member.size, stored = member.bytes.size();
    const std::uint64_t offset = out.size();
    const auto shared = [&](std::string& to, bool large) {
      append(to, std::uint16_t{0});  // flags
      append(to, member.method);
      append(to, std::uint32_t{0x21'0000});  // the time
      append(to, std::uint32_t{0});          // the checksum, which nobody looks at
      append(to, large ? in_field : static_cast<std::uint32_t>(stored));
      append(to, large ? in_field : static_cast<std::uint32_t>(size));
      append(to, static_cast<std::uint16_t>(member.name.size()));
    };
    const std::string extra = how.large_members ? large_field({size, stored}) : "";
    append(out, std::uint32_t{0x04034b50});
    append(out, std::uint16_t{45});
    shared(out, how.large_members);
    append(out, static_cast<std::uint16_t>(extra.size()));
    out += member.name + extra + member.bytes;
    const std::string field = how.large_directory ? large_field({size, stored, offset}) : "";
    append(directory, std::uint32_t{0x02014b50});
    append(directory, std::uint16_t{45});
    append(directory, std::uint16_t{45});
    shared(directory, how.large_directory);
    append(directory, static_cast<std::uint16_t>(field.size()));
    directory.append(10, '\0');  // no comment, first disk, attributes
    append(directory, how.large_directory ? in_field : static_cast<std::uint32_t>(offset));
    directory += member.name + field;
  }
  const std::uint64_t offset = out.size(), end = offset + directory.size();
  out += directory;
  if (how.large_directory) {
    append(out, std::uint32_t{0x06064b50});
    append(out, std::uint64_t{44});
    append(out, std::uint32_t{45 | 45 << 16});
    append(out, std::uint64_t{0});  // disks
    append(out, static_cast<std::uint64_t>(members.size()));
    append(out, static_cast<std::uint64_t>(members.size()));
    append(out, static_cast<std::uint64_t>(directory.size()));
    append(out, offset);
    append(out, std::uint32_t{0x07064b50});
    append(out, std::uint32_t{0});
    append(out, end);
    append(out, std::uint32_t{1});
  }
  append(out, std::uint32_t{0x06054b50});
  append(out, std::uint32_t{0});
  const auto count = static_cast<std::uint16_t>(how.large_directory ? 0xffff : members.size());
  append(out, count);
  append(out, count);
  append(out, how.large_directory ? in_field : static_cast<std::uint32_t>(directory.size()));
  append(out, how.large_directory ? in_field : static_cast<std::uint32_t>(offset));
  append(out, static_cast<std::uint16_t>(how.comment.size()));
  return out + how.comment;
}

}  // namespace attar::data
