#include "data/zip.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "data/input_file.h"
#include "data/utf8.h"

namespace attar::data {
namespace {

constexpr std::uint32_t end_mark = 0x06054b50, large_end_mark = 0x06064b50, locator_mark = 0x07064b50;
constexpr std::uint32_t entry_mark = 0x02014b50, member_mark = 0x04034b50;
constexpr std::uint64_t end_bytes = 22, longest_comment = 65'535, locator_bytes = 20, large_end_bytes = 56;
constexpr std::uint64_t entry_bytes = 46, member_bytes = 30;
constexpr std::uint16_t large_field = 1;
constexpr std::uint32_t in_large_field = 0xffff'ffff;
constexpr std::uint64_t most_members = 1u << 20, longest_member_name = 1'024;

// Values from a place that has been checked.
class ZipRecord {
 public:
  explicit ZipRecord(base::ByteView bytes) noexcept : bytes_(bytes) {}
  [[nodiscard]] std::uint16_t u16(std::size_t at) const noexcept {
    return base::load<std::uint16_t>(bytes_.data() + at);
  }
  [[nodiscard]] std::uint32_t u32(std::size_t at) const noexcept {
    return base::load<std::uint32_t>(bytes_.data() + at);
  }
  [[nodiscard]] std::uint64_t u64(std::size_t at) const noexcept {
    return base::load<std::uint64_t>(bytes_.data() + at);
  }

 private:
  base::ByteView bytes_;
};

std::unexpected<Error> damaged(std::string_view what) {
  return fail(ErrorCode::invalid_data, fmt::format("its zip directory {}; copy or save it again", what));
}

// The directory: where it lies, and how many entries it has.
struct ZipDirectory {
  std::uint64_t offset = 0, bytes = 0, entries = 0;
};

// The end record is the last whose comment ends with the file.
std::optional<std::uint64_t> find_end(base::ByteView file) noexcept {
  if (file.size() < end_bytes) return std::nullopt;
  const std::uint64_t last = file.size() - end_bytes;
  for (std::uint64_t at = last; at + longest_comment >= last; --at) {
    const ZipRecord record(file.subspan(at, end_bytes));
    if (record.u32(0) == end_mark && record.u16(20) == last - at) return at;
    if (at == 0) break;
  }
  return std::nullopt;
}

// The 64-bit end record, which a locator between it and the other one points to.
Result<std::pair<ZipDirectory, std::uint64_t>> large_directory(base::ByteView file, std::uint64_t end) {
  if (end < locator_bytes + large_end_bytes) return damaged("lacks its 64-bit end");
  const ZipRecord locator(file.subspan(end - locator_bytes, locator_bytes));
  if (locator.u32(0) != locator_mark) return damaged("lacks its 64-bit end");
  if (locator.u32(4) != 0 || locator.u32(16) > 1) return fail(ErrorCode::unsupported, "is a zip of several disks");
  const std::uint64_t at = locator.u64(8);
  if (at > end - locator_bytes - large_end_bytes) return damaged("has its 64-bit end beyond its end");
  const ZipRecord record(file.subspan(at, large_end_bytes));
  if (record.u32(0) != large_end_mark || record.u64(4) != end - locator_bytes - at - 12)
    return damaged("has a 64-bit end that is none");
  if (record.u32(16) != 0 || record.u32(20) != 0) return fail(ErrorCode::unsupported, "is a zip of several disks");
  return std::pair{ZipDirectory{.offset = record.u64(48), .bytes = record.u64(40), .entries = record.u64(32)}, at};
}

Result<ZipDirectory> find_directory(base::ByteView file) {
  const auto end = find_end(file);
  if (!end) return fail(ErrorCode::truncated, "ends before its zip directory does; copy it again");
  const ZipRecord record(file.subspan(*end, end_bytes));
  if (record.u16(4) != 0 || record.u16(6) != 0) return fail(ErrorCode::unsupported, "is a zip of several disks");
  ZipDirectory out{.offset = record.u32(16), .bytes = record.u32(12), .entries = record.u16(10)};
  std::uint64_t limit = *end;
  if (out.offset == in_large_field || out.bytes == in_large_field || out.entries == 0xffff) {
    ATTAR_ASSIGN(const auto large, large_directory(file, *end));
    out = large.first;
    limit = large.second;
  }
  const auto ends = base::checked_add(out.offset, out.bytes);
  if (!ends || *ends != limit) return damaged("does not end where its end record begins");
  if (out.entries > most_members)
    return fail(ErrorCode::over_limit, fmt::format("holds {} files, more than {}", out.entries, most_members));
  if (out.entries > out.bytes / entry_bytes) return damaged("has fewer entries than it says");
  return out;
}

// The 64-bit values of an entry's extra field, each there where the entry itself cannot hold it.
Status read_large(base::ByteView extra, std::initializer_list<std::uint64_t*> values) {
  if (std::ranges::none_of(values, [](const std::uint64_t* value) { return *value == in_large_field; })) return {};
  base::ByteReader in(extra);
  while (in.remaining() >= 4) {
    ATTAR_ASSIGN(const auto id, in.read<std::uint16_t>());
    ATTAR_ASSIGN(const auto size, in.read<std::uint16_t>());
    if (size > in.remaining()) break;
    ATTAR_ASSIGN(const base::ByteView field, in.take(size));
    if (id != large_field) continue;
    base::ByteReader from(field);
    for (std::uint64_t* value : values) {
      if (*value != in_large_field) continue;
      if (from.remaining() < sizeof(std::uint64_t)) return damaged("has an entry without its 64-bit sizes");
      ATTAR_ASSIGN(*value, from.read<std::uint64_t>());
    }
    return {};
  }
  return damaged("has an entry without its 64-bit sizes");
}

// An entry of the directory; `offset` is that of the member's own header until locate() moves it to the bytes.
Result<ZipMember> read_entry(base::ByteReader& in) {
  if (in.remaining() < entry_bytes) return damaged("ends inside an entry");
  ATTAR_ASSIGN(const base::ByteView head, in.take(entry_bytes));
  const ZipRecord record(head);
  if (record.u32(0) != entry_mark) return damaged("has an entry that is none");
  const std::uint64_t name_bytes = record.u16(28), extra_bytes = record.u16(30), comment_bytes = record.u16(32);
  if (in.remaining() < name_bytes + extra_bytes + comment_bytes) return damaged("ends inside an entry");
  if (record.u16(34) != 0) return fail(ErrorCode::unsupported, "is a zip of several disks");
  ATTAR_ASSIGN(const base::ByteView name, in.take(name_bytes));
  ATTAR_ASSIGN(const base::ByteView extra, in.take(extra_bytes));
  ATTAR_TRY(in.take(comment_bytes));
  ZipMember out{.name = std::string(base::as_text(name)), .method = record.u16(10)};
  out.encrypted = (record.u16(8) & 1) != 0;
  out.offset = record.u32(42);
  out.stored = record.u32(20);
  out.bytes = record.u32(24);
  ATTAR_TRY(read_large(extra, {&out.bytes, &out.stored, &out.offset}));
  if (out.name.size() > longest_member_name)
    return fail(ErrorCode::over_limit, fmt::format("holds a name longer than {} bytes", longest_member_name));
  if (out.name.empty() || !is_utf8(out.name)) return damaged("has a name that is empty or not UTF-8");
  if (out.method == 0 && out.stored != out.bytes)
    return damaged(fmt::format("gives {} two sizes", in_quotes(out.name)));
  return out;
}

// Moves `offset` from the member's header, which must be of the same name and method, to its bytes.
Status locate(base::ByteView file, std::uint64_t end, ZipMember& member) {
  const auto wrong = [&](std::string_view what) {
    return damaged(fmt::format("says of {} {}", in_quotes(member.name), what));
  };
  if (member.offset > end || end - member.offset < member_bytes) return wrong("that it lies beyond the files");
  const ZipRecord record(file.subspan(member.offset, member_bytes));
  const std::uint64_t name_bytes = record.u16(26), extra_bytes = record.u16(28);
  if (record.u32(0) != member_mark || record.u16(8) != member.method || name_bytes != member.name.size())
    return wrong("what its header contradicts");
  const std::uint64_t rest = end - member.offset - member_bytes;
  if (name_bytes + extra_bytes > rest || member.stored > rest - name_bytes - extra_bytes)
    return wrong("that it is longer than the files are");
  if (base::as_text(file.subspan(member.offset + member_bytes, name_bytes)) != member.name)
    return wrong("what its header contradicts");
  member.offset += member_bytes + name_bytes + extra_bytes;
  return {};
}

}  // namespace

Result<std::vector<ZipMember>> parse_zip(base::ByteView file) {
  ATTAR_ASSIGN(const ZipDirectory directory, find_directory(file));
  base::ByteReader in(file.subspan(directory.offset, directory.bytes));
  std::vector<ZipMember> out;
  out.reserve(directory.entries);
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    ATTAR_ASSIGN(ZipMember member, read_entry(in));
    out.push_back(std::move(member));
  }
  if (in.remaining() != 0) return damaged("goes on after its last entry");
  std::ranges::sort(out, {}, &ZipMember::name);
  if (const auto twice = std::ranges::adjacent_find(out, {}, &ZipMember::name); twice != out.end())
    return damaged(fmt::format("names {} twice", in_quotes(twice->name)));
  std::ranges::stable_sort(out, {}, &ZipMember::offset);
  std::uint64_t at = 0;
  for (ZipMember& member : out) {
    if (member.offset < at) return damaged(fmt::format("has {} over another file", in_quotes(member.name)));
    ATTAR_TRY(locate(file, directory.offset, member));
    at = member.offset + member.stored;
  }
  return out;
}

}  // namespace attar::data
