// The index and the sources of an artifact of tensors: what is written comes back, and no field out of range does.
#include "format/tensors.h"

#include <gtest/gtest.h>

#include <functional>

#include "format/samples.h"

namespace attar::format {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint64_t frames_bytes = 100'000;

Result<std::vector<TensorEntry>> decode(const Bytes& bytes, const OpenLimits& limits = {}) {
  return decode_tensors(SectionReader::trusted(bytes, "tensors", 0, tensors_wire_version), frames_bytes, limits);
}

Result<std::vector<SourceEntry>> sources_of(const Bytes& bytes, const std::vector<TensorEntry>& tensors,
                                            const OpenLimits& limits = {}) {
  return decode_sources(SectionReader::trusted(bytes, "sources", 0, tensors_wire_version), tensors, limits);
}

TensorEntry sample() {
  return {.source = 1,
          .name = "layer.0.w\xC3\xA4ight",
          .type = "BF16",
          .element_bytes = 2,
          .exponent_bits = 8,
          .mantissa_bits = 7,
          .shape = {30, 20},
          .count = 600,
          .columns = 20,
          .block_elements = 100,
          .codec_id = 0x0401,
          .wire_version = 1,
          .frame_offset = 4000,
          .frame_bytes = 900,
          .checksum = 0x0123'4567'89ab'cdef};
}

bool same(const TensorEntry& a, const TensorEntry& b) {
  return a.source == b.source && a.name == b.name && a.type == b.type && a.element_bytes == b.element_bytes &&
         a.exponent_bits == b.exponent_bits && a.mantissa_bits == b.mantissa_bits && a.shape == b.shape &&
         a.count == b.count && a.columns == b.columns && a.block_elements == b.block_elements &&
         a.codec_id == b.codec_id && a.wire_version == b.wire_version && a.frame_offset == b.frame_offset &&
         a.frame_bytes == b.frame_bytes && a.checksum == b.checksum;
}

TEST(TensorIndex, EntriesComeBack) {
  std::vector<TensorEntry> wanted(5, sample());
  wanted[0].source = 0;
  wanted[1].name = std::string(4096, 'n');
  wanted[1].type = std::string(32, 't');
  wanted[2].shape = {};
  wanted[3].shape = {0, 1, 2, (std::uint64_t{1} << 63) - 1, 4, 5, 6, 7};
  wanted[3].count = 0;
  wanted[4].frame_offset = frames_bytes - wanted[4].frame_bytes;
  for (std::size_t count = 0; count <= wanted.size(); ++count) {
    const std::vector<TensorEntry> some(wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(count));
    const auto read = decode(encode_tensors(some));
    ASSERT_TRUE(read) << read.error().describe();
    ASSERT_EQ(read->size(), count);
    for (std::size_t i = 0; i < count; ++i) EXPECT_TRUE(same((*read)[i], some[i])) << i;
  }
}

TEST(TensorIndex, EveryFieldOutOfRangeIsRefused) {
  const std::vector<std::pair<const char*, std::function<void(TensorEntry&)>>> changes = {
      {"source", [](TensorEntry& t) { t.source = most_sources; }},
      {"long name", [](TensorEntry& t) { t.name = std::string(4097, 'n'); }},
      {"name's bytes", [](TensorEntry& t) { t.name = "\xff"; }},
      {"long type", [](TensorEntry& t) { t.type = std::string(33, 't'); }},
      {"type's bytes", [](TensorEntry& t) { t.type = "\xc3"; }},
      {"no width", [](TensorEntry& t) { t.element_bytes = 0; }},
      {"width", [](TensorEntry& t) { t.element_bytes = (1u << 16) + 1; }},
      {"width of a float", [](TensorEntry& t) { t.element_bytes = 3; }},
      {"fields of a float", [](TensorEntry& t) { t.mantissa_bits = 8; }},
      {"no exponent", [](TensorEntry& t) { t.exponent_bits = 0; }},
      {"no mantissa", [](TensorEntry& t) { t.exponent_bits = 15, t.mantissa_bits = 0; }},
      {"long exponent", [](TensorEntry& t) { t.exponent_bits = 12, t.mantissa_bits = 3; }},
      {"short exponent", [](TensorEntry& t) { t.exponent_bits = 1, t.mantissa_bits = 14; }},
      {"axes", [](TensorEntry& t) { t.shape.assign(9, 1); }},
      {"count", [](TensorEntry& t) { t.count = (std::uint64_t{1} << 60) + 1; }},
      {"bytes",
       [](TensorEntry& t) {
         t.count = std::uint64_t{1} << 60, t.element_bytes = 1u << 16, t.exponent_bits = t.mantissa_bits = 0;
       }},
      {"no columns", [](TensorEntry& t) { t.columns = 0; }},
      {"columns", [](TensorEntry& t) { t.columns = t.block_elements = (1u << 24) + 1; }},
      {"no block", [](TensorEntry& t) { t.block_elements = 0; }},
      {"block", [](TensorEntry& t) { t.block_elements = most_block_bytes; }},
      {"part of a row", [](TensorEntry& t) { t.block_elements = 90; }},
      {"place", [](TensorEntry& t) { t.frame_offset = frames_bytes + 1, t.frame_bytes = 0; }},
      {"end", [](TensorEntry& t) { t.frame_offset = frames_bytes - 899; }},
      {"short frame", [](TensorEntry& t) { t.frame_bytes = 27; }},
      {"many blocks", [](TensorEntry& t) { t.count = std::uint64_t{1} << 40; }}};
  for (const auto& [what, change] : changes) {
    TensorEntry entry = sample();
    change(entry);
    const auto read = decode(encode_tensors({sample(), entry}));
    ASSERT_FALSE(read) << what;
    EXPECT_TRUE(read.error().code == ErrorCode::corrupt || read.error().code == ErrorCode::over_limit) << what;
    EXPECT_EQ(read.error().section, "tensors") << what;
    EXPECT_FALSE(read.error().message.empty());
  }
  TensorEntry earlier = sample();
  earlier.source = 0;
  EXPECT_FALSE(decode(encode_tensors({sample(), earlier}))) << "sources in disorder";
}

TEST(TensorIndex, DamagedPartsAreRefused) {
  const Bytes sound = encode_tensors({sample(), sample()});
  for (std::size_t size = 0; size < sound.size(); ++size)
    EXPECT_FALSE(decode(Bytes(sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
  Bytes longer = sound;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(decode(longer));
  // Its length, and any other byte: an error or entries, never a crash. Sections have checksums beside.
  for (std::size_t bit = 0; bit < 8 * sound.size(); ++bit) {
    Bytes damaged = sound;
    damaged[bit / 8] ^= std::byte{1} << (bit % 8);
    const auto read = decode(damaged);
    EXPECT_FALSE(bit < 64 && read) << bit;
    EXPECT_TRUE(read || !read.error().message.empty());
  }
  const auto small = decode(sound, {.max_model_bytes = 40});
  ASSERT_FALSE(small);
  EXPECT_EQ(small.error().code, ErrorCode::over_limit);
}

// Two sources: one without tensors, one with two.
std::vector<TensorEntry> two_tensors() { return {sample(), sample()}; }

std::vector<SourceEntry> two_sources() {
  const Bytes three = noise(3, 1), none, nine = noise(9, 2);
  return {{.path = "config.json", .bytes = 9, .pieces = {nine}},
          {.path = "sub/model.safetensors", .bytes = 2 * 1200 + 12, .pieces = {nine, none, three}}};
}

TEST(TensorSources, ComeBack) {
  const auto read = sources_of(encode_sources(two_sources()), two_tensors());
  ASSERT_TRUE(read) << read.error().describe();
  ASSERT_EQ(read->size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ((*read)[i].path, two_sources()[i].path);
    EXPECT_EQ((*read)[i].bytes, two_sources()[i].bytes);
    EXPECT_TRUE((*read)[i].pieces == two_sources()[i].pieces);
  }
  const auto none = sources_of(encode_sources({}), std::vector<TensorEntry>{});
  ASSERT_TRUE(none) << none.error().describe();
  EXPECT_TRUE(none->empty());
}

TEST(TensorSources, WhatContradictsTheTensorsIsRefused) {
  using Sources = std::vector<SourceEntry>;
  const std::vector<std::pair<const char*, std::function<void(Sources&)>>> changes = {
      {"bytes", [](Sources& s) { ++s[1].bytes; }},
      {"fewer bytes", [](Sources& s) { s[0].bytes = 0; }},
      {"a piece more", [](Sources& s) { s[0].pieces.emplace_back(); }},
      {"a piece less", [](Sources& s) { s[1].pieces.pop_back(); }},
      {"a source less", [](Sources& s) { s.pop_back(); }},
      {"order", [](Sources& s) { std::swap(s[0], s[1]); }},
      {"path's bytes", [](Sources& s) { s[0].path = "\xff"; }},
      {"long path", [](Sources& s) { s[0].path = std::string(4097, 'p'); }},
      {"path above", [](Sources& s) { s[0].path = "../config.json"; }},
      {"path from the root", [](Sources& s) { s[0].path = "/config.json"; }}};
  for (const auto& [what, change] : changes) {
    Sources sources = two_sources();
    change(sources);
    const auto read = sources_of(encode_sources(sources), two_tensors());
    ASSERT_FALSE(read) << what;
    EXPECT_TRUE(read.error().code == ErrorCode::corrupt || read.error().code == ErrorCode::over_limit) << what;
    EXPECT_EQ(read.error().section, "sources") << what;
  }
  const Bytes sound = encode_sources(two_sources());
  for (std::size_t size = 0; size < sound.size(); ++size)
    EXPECT_FALSE(sources_of(Bytes(sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(size)), two_tensors()))
        << size;
}

TEST(TensorSources, PathsStayInside) {
  for (const char* good : {"a", "a/b", ".a", "..a/b..", "a b/\xC3\xA4", "...", "a/.b"})
    EXPECT_TRUE(stays_inside(good)) << good;
  for (const char* bad : {"", "/", "/a", "a/", "a//b", ".", "..", "./a", "../a", "a/..", "a/../b", "a/.", "a/./b"})
    EXPECT_FALSE(stays_inside(bad)) << bad;
  EXPECT_FALSE(stays_inside(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace attar::format
