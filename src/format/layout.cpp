#include "format/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/checked.h"
#include "format/section.h"

namespace attar::format {
namespace {

constexpr std::array<unsigned char, 8> magic{0x89, 'A', 'T', 'R', '\r', '\n', 0x1a, '\n'};

// Fields of the header.
constexpr std::uint64_t version_at = 8;
constexpr std::uint64_t count_at = 12;
constexpr std::uint64_t ignorable_at = 16;
constexpr std::uint64_t read_only_at = 24;
constexpr std::uint64_t required_at = 32;
constexpr std::uint64_t size_at = 40;
constexpr std::uint64_t root_at = 48;  // the root digest covers the header up to itself
constexpr std::uint64_t reserved_at = 80;
constexpr std::uint64_t checksum_at = 120;

constexpr std::uint8_t ignorable_flag = 1;

constexpr std::string_view copy_again = "copy the file again from its source, or pack the data anew";

std::unexpected<Error> fail_at(ErrorCode code, std::string message, std::uint64_t offset) {
  return std::unexpected(Error{.code = code, .message = std::move(message), .offset = offset});
}

std::unexpected<Error> corrupt(std::string what, std::uint64_t offset) {
  return fail_at(ErrorCode::corrupt, fmt::format("{}; {}", what, copy_again), offset);
}

std::string_view kind_name(SectionKind kind) noexcept {
  switch (kind) {
    case SectionKind::schema: return "schema";
    case SectionKind::model: return "model";
    case SectionKind::codes: return "codes";
    case SectionKind::ids: return "ids";
    case SectionKind::originals: return "originals";
    case SectionKind::plan: return "plan";
    case SectionKind::certificate: return "certificate";
    case SectionKind::single_rows: return "originals";
    case SectionKind::lists: return "lists";
    case SectionKind::graph: return "graph";
    case SectionKind::attributes: return "attributes";
    case SectionKind::words: return "words";
    case SectionKind::terms: return "terms";
    case SectionKind::texts: return "texts";
    case SectionKind::documents: return "documents";
    case SectionKind::encoder: return "encoder";
    case SectionKind::tensors: return "tensors";
    case SectionKind::frames: return "frames";
    case SectionKind::tables: return "tables";
    case SectionKind::sources: return "sources";
    case SectionKind::base: return "base";
    case SectionKind::losses: return "losses";
    case SectionKind::refinements: return "refinements";
    case SectionKind::order: return "order";
    case SectionKind::kept_rows: return "kept rows";
  }
  return {};
}

std::string bit_names(std::uint64_t bits) {
  std::string out;
  for (unsigned bit = 0; bit < 64; ++bit)
    if ((bits >> bit & 1) != 0) out += fmt::format("{}{}", out.empty() ? "" : ", ", bit);
  return out;
}

/// Bytes 0–15 of an entry: what the section is, apart from where it lies.
void write_spec(base::ByteWriter& out, const SectionSpec& spec) {
  out.write(static_cast<std::uint32_t>(spec.kind));
  out.write(spec.instance);
  out.write(spec.codec_id);
  out.write(spec.wire_version);
  out.write(spec.ignorable ? ignorable_flag : std::uint8_t{0});
  out.write(static_cast<std::uint8_t>(spec.alignment));
}

base::Digest root_digest(base::ByteView header, base::ByteView directory) {
  base::Sha256 hasher;
  hasher.update(header.first(root_at));
  hasher.update(directory);
  return hasher.finish();
}

Status check_magic(base::ByteView file) {
  const auto expected = std::as_bytes(std::span(magic));
  const auto present = file.first(std::min<std::size_t>(file.size(), expected.size()));
  if (!std::ranges::equal(present, expected.first(present.size()))) {
    const bool text_damage = starts_as_artifact(file);
    return fail_at(
        ErrorCode::corrupt,
        text_damage ? "the line ends in the magic are damaged, as by a transfer in text mode; copy the file as binary"
                    : "the file does not start with Attar's magic; give an artifact written by `attar pack`",
        0);
  }
  if (file.size() < header_bytes)
    return fail_at(
        ErrorCode::truncated,
        fmt::format("the file has {} bytes, the header alone has {}; {}", file.size(), header_bytes, copy_again),
        file.size());
  return {};
}

Status check_version(std::uint32_t version) {
  if (version > current_version)
    return fail_at(ErrorCode::too_new,
                   fmt::format("format version {}, this build reads up to {}; update Attar", version, current_version),
                   version_at);
  if (version < oldest_version)
    return fail_at(
        ErrorCode::too_old,
        fmt::format("format version {}, this build reads from {} on; pack the data anew", version, oldest_version),
        version_at);
  return {};
}

Status check_file_size(const Header& header, std::uint64_t actual, const OpenLimits& limits) {
  if (header.sections > limits.max_sections)
    return fail_at(ErrorCode::over_limit,
                   fmt::format("{} sections, the limit is {}; raise OpenLimits::max_sections if you trust the file",
                               header.sections, limits.max_sections),
                   count_at);
  if (actual < header.file_bytes)
    return fail_at(ErrorCode::truncated,
                   fmt::format("the file ends at byte {} of {}; {}", actual, header.file_bytes, copy_again), actual);
  if (actual > header.file_bytes)
    return corrupt(fmt::format("{} bytes follow the end of the artifact", actual - header.file_bytes),
                   header.file_bytes);
  if (header.sections > (header.file_bytes - header_bytes) / entry_bytes)  // the size is at least that of a header
    return corrupt(fmt::format("a directory of {} sections does not fit the file", header.sections), count_at);
  return {};
}

base::ByteView directory_bytes(base::ByteView file, const Header& header) {
  return file.last(header.sections * entry_bytes);
}

/// One entry's own fields; places are checked by decode_directory().
Result<SectionEntry> decode_entry(base::ByteView bytes, std::uint64_t at) {
  base::ByteReader reader(bytes);
  SectionEntry entry;
  ATTAR_ASSIGN(const auto kind, reader.read<std::uint32_t>());
  entry.spec.kind = static_cast<SectionKind>(kind);
  ATTAR_ASSIGN(entry.spec.instance, reader.read<std::uint32_t>());
  ATTAR_ASSIGN(entry.spec.codec_id, reader.read<std::uint32_t>());
  ATTAR_ASSIGN(entry.spec.wire_version, reader.read<std::uint16_t>());
  ATTAR_ASSIGN(const auto flags, reader.read<std::uint8_t>());
  ATTAR_ASSIGN(const auto alignment, reader.read<std::uint8_t>());
  ATTAR_ASSIGN(entry.offset, reader.read<std::uint64_t>());
  ATTAR_ASSIGN(entry.length, reader.read<std::uint64_t>());
  ATTAR_ASSIGN(entry.table_offset, reader.read<std::uint64_t>());
  ATTAR_ASSIGN(entry.table_checksum, reader.read<std::uint64_t>());
  ATTAR_ASSIGN(const auto digest, reader.take(entry.digest.bytes.size()));
  std::ranges::copy(digest, entry.digest.bytes.begin());

  if (kind == 0) return corrupt("a section of kind 0", at);
  if ((flags & ~ignorable_flag) != 0)
    return fail_at(ErrorCode::too_new,
                   fmt::format("section '{}' has flags that this build does not know (bits {}); update Attar",
                               entry.name(), bit_names(flags & ~ignorable_flag)),
                   at + 14);
  entry.spec.ignorable = (flags & ignorable_flag) != 0;
  if (alignment != static_cast<std::uint8_t>(Alignment::cache_line) &&
      alignment != static_cast<std::uint8_t>(Alignment::page))
    return corrupt(fmt::format("section '{}' has alignment 2^{}", entry.name(), alignment), at + 15);
  entry.spec.alignment = static_cast<Alignment>(alignment);
  if (!is_known(entry.spec.kind) && !entry.spec.ignorable)
    return fail_at(
        ErrorCode::too_new,
        fmt::format("section '{}' is needed to read the file and unknown to this build; update Attar", entry.name()),
        at);
  return entry;
}

Status check_length(const SectionEntry& entry, const OpenLimits& limits, std::uint64_t at) {
  std::uint64_t limit = UINT64_MAX;
  std::string_view option;
  if (entry.spec.kind == SectionKind::model) {
    limit = limits.max_model_bytes;
    option = "max_model_bytes";
  } else if (entry.spec.kind == SectionKind::plan || entry.spec.kind == SectionKind::certificate ||
             entry.spec.kind == SectionKind::encoder) {
    limit = limits.max_text_bytes;
    option = "max_text_bytes";
  }
  if (entry.length > limit)
    return fail_at(ErrorCode::over_limit,
                   fmt::format("section '{}' has {} bytes, the limit is {}; raise OpenLimits::{} if you trust the file",
                               entry.name(), entry.length, limit, option),
                   at + 24);
  return {};
}

/// The rules that take the whole directory to check: one of each (kind, instance), and the certificate's place.
Status check_pairs(std::span<const SectionEntry> entries, std::uint64_t directory_at) {
  std::vector<std::pair<SectionKind, std::uint32_t>> pairs;
  pairs.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const SectionSpec& spec = entries[i].spec;
    pairs.emplace_back(spec.kind, spec.instance);
    if (spec.kind == SectionKind::certificate && (i + 1 != entries.size() || spec.instance != 0 || spec.codec_id != 0 ||
                                                  spec.alignment != Alignment::cache_line))
      return corrupt("the certificate is not the plain last section", directory_at + i * entry_bytes);
  }
  std::ranges::sort(pairs);
  if (std::ranges::adjacent_find(pairs) != pairs.end())
    return corrupt("two sections of one kind and instance", directory_at);
  return {};
}

}  // namespace

bool is_known(SectionKind kind) noexcept { return !kind_name(kind).empty(); }

std::string SectionEntry::name() const {
  const std::string_view known = kind_name(spec.kind);
  const std::string base =
      known.empty() ? fmt::format("kind {}", static_cast<std::uint32_t>(spec.kind)) : std::string(known);
  return spec.instance == 0 ? base : fmt::format("{} {}", base, spec.instance);
}

Result<std::uint64_t> Layout::place(Alignment alignment, std::uint64_t length) {
  const std::uint64_t unit = bytes_of(alignment);
  ATTAR_ASSIGN(const std::uint64_t padded, base::checked_add(position_, unit - 1));
  const std::uint64_t offset = padded / unit * unit;
  ATTAR_ASSIGN(position_, base::checked_add(offset, length));
  ATTAR_ASSIGN(tables_bytes_, base::checked_add(tables_bytes_, table_bytes(length)));
  ++sections_;
  return offset;
}

Result<std::uint64_t> Layout::tables_begin() const {
  ATTAR_ASSIGN(const std::uint64_t padded, base::checked_add(position_, 7));
  return padded / 8 * 8;
}

Result<std::uint64_t> Layout::file_bytes() const {
  ATTAR_ASSIGN(const std::uint64_t tables, tables_begin());
  ATTAR_ASSIGN(const std::uint64_t directory, base::checked_add(tables, tables_bytes_));
  ATTAR_ASSIGN(const std::uint64_t entries, base::checked_mul(sections_, entry_bytes));
  return base::checked_add(directory, entries);
}

Result<std::uint64_t> size_of(std::span<const PlannedSection> sections, std::uint64_t certificate_bytes) {
  Layout layout;
  for (const PlannedSection& section : sections) ATTAR_TRY(layout.place(section.spec.alignment, section.length));
  if (certificate_bytes != 0) ATTAR_TRY(layout.place(Alignment::cache_line, certificate_bytes));
  return layout.file_bytes();
}

std::uint64_t table_bytes(std::uint64_t length) noexcept { return base::ceil_div(length, block_bytes) * 8; }

std::vector<std::byte> encode_directory(std::span<const SectionEntry> entries) {
  base::ByteWriter out;
  for (const SectionEntry& entry : entries) {
    write_spec(out, entry.spec);
    out.write(entry.offset);
    out.write(entry.length);
    out.write(entry.table_offset);
    out.write(entry.table_checksum);
    out.write_bytes(entry.digest.bytes);
  }
  return std::move(out).release();
}

std::vector<std::byte> encode_header(const Header& header, base::ByteView directory) {
  std::vector<std::byte> out(header_bytes);
  std::ranges::copy(std::as_bytes(std::span(magic)), out.begin());
  base::store(out.data() + version_at, current_version);
  base::store(out.data() + count_at, header.sections);
  base::store(out.data() + ignorable_at, header.features.ignorable);
  base::store(out.data() + read_only_at, header.features.read_only);
  base::store(out.data() + required_at, header.features.required);
  base::store(out.data() + size_at, header.file_bytes);
  std::ranges::copy(root_digest(out, directory).bytes, out.begin() + root_at);
  base::store(out.data() + checksum_at, base::checksum(base::ByteView(out).first(checksum_at)));
  return out;
}

bool starts_as_artifact(base::ByteView file) noexcept {
  constexpr std::size_t told = 4;  // what follows are line ends, which transfers change
  return file.size() >= told && std::ranges::equal(file.first(told), std::as_bytes(std::span(magic)).first(told));
}

Result<Header> decode_header(base::ByteView file, const OpenLimits& limits) {
  ATTAR_TRY(check_magic(file));
  ATTAR_TRY(check_version(base::load<std::uint32_t>(file.data() + version_at)));
  if (base::load<std::uint64_t>(file.data() + checksum_at) != base::checksum(file.first(checksum_at)))
    return corrupt("the header's checksum does not match", 0);
  Header header;
  header.sections = base::load<std::uint32_t>(file.data() + count_at);
  header.features.ignorable = base::load<std::uint64_t>(file.data() + ignorable_at);
  header.features.read_only = base::load<std::uint64_t>(file.data() + read_only_at);
  header.features.required = base::load<std::uint64_t>(file.data() + required_at);
  header.file_bytes = base::load<std::uint64_t>(file.data() + size_at);
  std::ranges::copy(file.subspan(root_at, header.root.bytes.size()), header.root.bytes.begin());

  if (const std::uint64_t unknown = header.features.required & ~known_features.required; unknown != 0)
    return fail_at(ErrorCode::too_new,
                   fmt::format("the file needs features that this build does not have (bits {}); update Attar",
                               bit_names(unknown)),
                   required_at);
  if (std::ranges::any_of(file.subspan(reserved_at, checksum_at - reserved_at),
                          [](std::byte b) { return b != std::byte{0}; }))
    return corrupt("the header's reserved bytes are not zero", reserved_at);
  ATTAR_TRY(check_file_size(header, file.size(), limits));
  if (root_digest(file, directory_bytes(file, header)) != header.root)
    return corrupt("the directory does not match the root digest", root_at);
  return header;
}

Result<std::vector<SectionEntry>> decode_directory(base::ByteView file, const Header& header,
                                                   const OpenLimits& limits) {
  const base::ByteView bytes = directory_bytes(file, header);
  const std::uint64_t directory_at = file.size() - bytes.size();
  std::vector<SectionEntry> entries;
  entries.reserve(header.sections);
  Layout layout;
  for (std::uint32_t i = 0; i < header.sections; ++i) {
    const std::uint64_t at = directory_at + i * entry_bytes;
    ATTAR_ASSIGN(auto entry, decode_entry(bytes.subspan(i * entry_bytes, entry_bytes), at));
    ATTAR_TRY(check_length(entry, limits, at));
    ATTAR_ASSIGN(const std::uint64_t place, layout.place(entry.spec.alignment, entry.length));
    if (entry.offset != place)
      return corrupt(fmt::format("section '{}' lies at {} where {} is its place", entry.name(), entry.offset, place),
                     at + 16);
    if (layout.body_end() > directory_at)
      return corrupt(fmt::format("section '{}' passes the end of the sections", entry.name()), at + 24);
    entries.push_back(entry);
  }
  // The sum of the parts must be the file, or bytes would hide between the sections and the directory.
  ATTAR_ASSIGN(const std::uint64_t expected, layout.file_bytes());
  if (expected != file.size())
    return corrupt(fmt::format("the sections make {} bytes, the file has {}", expected, file.size()), directory_at);
  ATTAR_ASSIGN(std::uint64_t table_at, layout.tables_begin());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].table_offset != table_at)
      return corrupt(fmt::format("the block table of section '{}' is not at its place", entries[i].name()),
                     directory_at + i * entry_bytes + 32);
    table_at += table_bytes(entries[i].length);
  }
  ATTAR_TRY(check_pairs(entries, directory_at));
  return entries;
}

base::Digest content_digest(const Features& features, std::span<const SectionEntry> entries) {
  base::ByteWriter out;
  out.write(features.required);
  for (const SectionEntry& entry : entries) {
    if (entry.spec.kind == SectionKind::certificate) continue;
    write_spec(out, entry.spec);
    out.write(entry.length);
    out.write_bytes(entry.digest.bytes);
  }
  return base::sha256(out.bytes());
}

}  // namespace attar::format
