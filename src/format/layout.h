// The container's fixed structures and its arithmetic: what FORMAT.md says, in code. No I/O.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "attar/limits.h"
#include "attar/result.h"
#include "base/bytes.h"
#include "base/hash.h"

namespace attar::format {

inline constexpr std::uint64_t header_bytes = 128;
inline constexpr std::uint64_t entry_bytes = 80;
inline constexpr std::uint32_t oldest_version = 1;   ///< oldest format version that this build reads
inline constexpr std::uint32_t current_version = 1;  ///< newest, and the one that it writes

/// What a section holds. Numbers are on the wire and never reused; FORMAT.md reserves ranges for later parts.
enum class SectionKind : std::uint32_t {
  schema = 1,
  model = 2,
  codes = 3,
  ids = 4,
  originals = 5,
  plan = 6,
  certificate = 7,
  single_rows = 8,  ///< originals that are read row by row
  lists = 16,
  graph = 17,       ///< links between neighbours
  attributes = 32,  ///< one column; the instance is its number
  words = 48,       ///< lexical lists
  terms = 49,       ///< of the lists
  texts = 50,
  documents = 51,    ///< which rows they are made of
  encoder = 52,      ///< what made the vectors
  tensors = 64,      ///< index of them
  frames = 65,       ///< what was made of their bytes
  tables = 66,       ///< of frequencies, shared by frames
  sources = 67,      ///< the files that they came from
  base = 68,         ///< the artifact that some are coded against
  losses = 69,       ///< of tensors that are near to what they were, and not the same
  refinements = 70,  ///< what may be left out of progressive tensors
  order = 71,        ///< which refinement is whose
  kept_rows = 72,    ///< of tables that lost the others
};

[[nodiscard]] bool is_known(SectionKind kind) noexcept;

/// Where a section may start. The value is the power of two on the wire.
enum class Alignment : std::uint8_t {
  cache_line = 6,  ///< 64 bytes
  page = 12,       ///< 4096 bytes, for sections that are mapped and scanned
};

[[nodiscard]] constexpr std::uint64_t bytes_of(Alignment alignment) noexcept {
  return std::uint64_t{1} << static_cast<unsigned>(alignment);
}

/// What the writer of a section decides about it.
struct SectionSpec {
  SectionKind kind = SectionKind::schema;
  std::uint32_t instance = 0;  ///< tells sections of one kind apart
  std::uint32_t codec_id = 0;  ///< 0: the kind alone says how to read it
  std::uint16_t wire_version = 1;
  bool ignorable = false;  ///< a reader that does not know the kind may go on without it
  Alignment alignment = Alignment::cache_line;
};

/// One row of the directory. Offsets count from the start of the file.
struct SectionEntry {
  SectionSpec spec = {};
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::uint64_t table_offset = 0;    ///< of the block checksums, 8 bytes a block
  std::uint64_t table_checksum = 0;  ///< XXH3-64 of them
  base::Digest digest = {};          ///< SHA-256 of the section's bytes

  /// "codes", "codes 1", "kind 99": for messages and listings.
  [[nodiscard]] std::string name() const;
};

/// Feature bits. Version 1 defines none; the sets say what a program may do that does not know a bit.
struct Features {
  std::uint64_t ignorable = 0;  ///< read and derive
  std::uint64_t read_only = 0;  ///< read, but derive no other file from this one
  std::uint64_t required = 0;   ///< not even read

  friend bool operator==(const Features&, const Features&) = default;
};

/// Feature bits that this build knows.
inline constexpr Features known_features{};

struct Header {
  Features features;
  std::uint32_t sections = 0;
  std::uint64_t file_bytes = 0;
  base::Digest root = {};
};

/// Places sections one after the other. Overflow of 64 bits is an error, never a wrap.
class Layout {
 public:
  /// The offset of the next section.
  [[nodiscard]] Result<std::uint64_t> place(Alignment alignment, std::uint64_t length);
  /// End of the last section (or of the header).
  [[nodiscard]] std::uint64_t body_end() const noexcept { return position_; }
  /// Where the block tables begin, when no section follows.
  [[nodiscard]] Result<std::uint64_t> tables_begin() const;
  /// Size of the file, when no section follows.
  [[nodiscard]] Result<std::uint64_t> file_bytes() const;

 private:
  std::uint64_t position_ = header_bytes;
  std::uint64_t sections_ = 0;
  std::uint64_t tables_bytes_ = 0;
};

/// A section that is planned, with the length of its payload in bytes.
struct PlannedSection {
  SectionSpec spec;
  std::uint64_t length = 0;
};

/// The exact size in bytes of a file with these sections in this order and `certificate_bytes` reserved behind them
/// (0: no certificate section). Pure: the planner prices a file before anything is written.
[[nodiscard]] Result<std::uint64_t> size_of(std::span<const PlannedSection> sections, std::uint64_t certificate_bytes);

/// Bytes of the block table of a section of `length` bytes.
[[nodiscard]] std::uint64_t table_bytes(std::uint64_t length) noexcept;

/// The directory as bytes.
[[nodiscard]] std::vector<std::byte> encode_directory(std::span<const SectionEntry> entries);
/// The header as bytes, its root digest and checksum computed; `header.root` is not used.
[[nodiscard]] std::vector<std::byte> encode_header(const Header& header, base::ByteView directory);

/// Whether a file's first bytes are an artifact's, damaged or not.
[[nodiscard]] bool starts_as_artifact(base::ByteView file) noexcept;
/// Checks everything about the header of a whole file, and the root digest over the directory.
[[nodiscard]] Result<Header> decode_header(base::ByteView file, const OpenLimits& limits);
/// The directory of a file whose header was checked: every place, kind, limit and pair (kind, instance).
[[nodiscard]] Result<std::vector<SectionEntry>> decode_directory(base::ByteView file, const Header& header,
                                                                 const OpenLimits& limits);

/// SHA-256 over what identifies every section but the certificate.
[[nodiscard]] base::Digest content_digest(const Features& features, std::span<const SectionEntry> entries);

}  // namespace attar::format
