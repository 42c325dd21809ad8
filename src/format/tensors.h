// The sections of an artifact of tensors: index and sources. Bytes: FORMAT.md, "Artifacts of tensors".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attar/limits.h"
#include "attar/result.h"
#include "base/bytes.h"
#include "format/section.h"

namespace attar::format {

inline constexpr std::uint16_t tensors_wire_version = 1;
inline constexpr std::uint64_t most_tensors = 1u << 20, most_sources = 1u << 16;
inline constexpr std::uint64_t most_block_bytes = 1u << 26;

/// Where a tensor's bytes are, and what they mean.
struct TensorEntry {
  std::uint32_t source = 0;
  std::string name = {};
  std::string type = {};
  std::uint32_t element_bytes = 1;
  std::uint8_t exponent_bits = 0, mantissa_bits = 0;
  std::vector<std::uint64_t> shape = {};
  std::uint64_t count = 0;  ///< elements
  std::uint64_t columns = 1;
  std::uint64_t block_elements = 1;
  std::uint32_t codec_id = 0;
  std::uint16_t wire_version = 1;
  std::uint64_t frame_offset = 0, frame_bytes = 0;
  std::uint64_t checksum = 0;  ///< XXH3-64 of its bytes

  [[nodiscard]] std::uint64_t bytes() const noexcept { return count * element_bytes; }
};

/// A packed file: its bytes outside of tensors, in pieces[0], tensor, pieces[1], tensor, … pieces[n].
struct SourceEntry {
  std::string path;
  std::uint64_t bytes = 0;
  std::vector<std::vector<std::byte>> pieces;  ///< one more than it has tensors
};

[[nodiscard]] std::vector<std::byte> encode_tensors(const std::vector<TensorEntry>& tensors);
/// Every field is checked, against the length of the frames section too.
[[nodiscard]] Result<std::vector<TensorEntry>> decode_tensors(const SectionReader& section, std::uint64_t frames_bytes,
                                                              const OpenLimits& limits);

[[nodiscard]] std::vector<std::byte> encode_sources(const std::vector<SourceEntry>& sources);
/// Checked against the tensors: sizes, numbers of pieces, and that paths stay inside of a folder.
[[nodiscard]] Result<std::vector<SourceEntry>> decode_sources(const SectionReader& section,
                                                              const std::vector<TensorEntry>& tensors,
                                                              const OpenLimits& limits);

/// True for a path that stays below the folder it is read in: relative, no part empty, "." or "..".
[[nodiscard]] bool stays_inside(std::string_view path) noexcept;

}  // namespace attar::format
