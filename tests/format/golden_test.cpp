// tests/golden/container-v1.attar, written once and readable for ever. To make it (only for a new format version, under
// a new name): run this binary with --gtest_filter=Golden.* and ATTAR_WRITE_GOLDEN=1 in the environment.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "format/ids.h"
#include "format/reader.h"
#include "format/samples.h"

namespace attar::format {
namespace {

constexpr std::string_view golden_certificate = R"({"golden":"container v1"})";
constexpr std::string_view golden_plan = R"({"codec":"golden","note":"not a real plan"})";
constexpr VectorSchema golden_schema{.rows = 100, .dims = 3, .metric = Metric::inner_product};

std::filesystem::path golden_path() {
  return std::filesystem::path(ATTAR_SOURCE_DIR) / "tests" / "golden" / "container-v1.attar";
}

/// Bytes by formula, so that the content needs no generator that might change.
raw::Bytes squares(std::size_t size) {
  raw::Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(i * i % 251);
  return out;
}

std::string golden_id(int row) { return "golden/" + std::to_string(row * row); }

Status write_golden(const std::filesystem::path& path) {
  ATTAR_ASSIGN(auto writer, ArtifactWriter::create(path, {.certificate_bytes = 256}));
  ATTAR_TRY(writer.add({.kind = SectionKind::schema}, encode_schema(golden_schema)));
  ATTAR_TRY(writer.add({.kind = SectionKind::model, .codec_id = 4242, .wire_version = 2}, squares(333)));
  ATTAR_TRY(writer.add({.kind = SectionKind::codes, .codec_id = 4242, .wire_version = 2, .alignment = Alignment::page},
                       squares(1200)));
  ATTAR_TRY(writer.add({.kind = SectionKind::codes, .instance = 1, .codec_id = 4243}, squares(64)));
  ATTAR_ASSIGN(base::Sink * sink, writer.begin({.kind = SectionKind::ids, .wire_version = ids_wire_version}));
  IdsWriter ids(*sink);
  for (int row = 0; row < 100; ++row) ATTAR_TRY(ids.append(golden_id(row)));
  ATTAR_TRY(ids.finish());
  ATTAR_TRY(writer.end());
  ATTAR_TRY(writer.add({.kind = SectionKind::originals, .codec_id = 4244}, {}));
  ATTAR_TRY(writer.add({.kind = SectionKind::plan}, view(golden_plan)));
  ATTAR_TRY(writer.add({.kind = static_cast<SectionKind>(1000), .ignorable = true}, squares(5)));
  return writer.finish(view(golden_certificate));
}

TEST(Golden, VersionOneStaysReadable) {
  if (std::getenv("ATTAR_WRITE_GOLDEN") != nullptr) ATTAR_ASSERT_OK(write_golden(golden_path()));
  const auto opened = ArtifactReader::open(golden_path());
  ASSERT_TRUE(opened) << opened.error().describe();
  ATTAR_ASSERT_OK(opened->verify_all());
  EXPECT_EQ(opened->file_bytes(), 6992u);
  EXPECT_EQ(opened->content_digest().hex(), "d0fed1be7ca0599125b4023772478944fd7769a36ae320acc0c4ba54630bfbf7");
  EXPECT_EQ(opened->root_digest().hex(), "c5c027eea30c2e21459c350c2ad0e4777a86e7265181deda26770a32abe0e189");
  EXPECT_EQ(opened->features(), Features{});

  const auto equal = [&](SectionKind kind, std::uint32_t instance, std::uint32_t codec, std::uint16_t wire,
                         base::ByteView bytes) {
    const auto section = opened->section(kind, instance);
    return section && section->codec_id() == codec && section->wire_version() == wire &&
           std::ranges::equal(section->bytes(), bytes);
  };
  EXPECT_EQ(opened->sections().size(), 9u);
  EXPECT_EQ(decode_schema(*opened->section(SectionKind::schema), {}).value(), golden_schema);
  EXPECT_TRUE(equal(SectionKind::model, 0, 4242, 2, squares(333)));
  EXPECT_TRUE(equal(SectionKind::codes, 0, 4242, 2, squares(1200)));
  EXPECT_TRUE(equal(SectionKind::codes, 1, 4243, 1, squares(64)));
  EXPECT_TRUE(equal(SectionKind::originals, 0, 4244, 1, {}));
  EXPECT_TRUE(equal(SectionKind::plan, 0, 0, 1, view(golden_plan)));
  EXPECT_TRUE(equal(static_cast<SectionKind>(1000), 0, 0, 1, squares(5)));
  EXPECT_EQ(opened->find(SectionKind::codes)->offset, 4096u);
  EXPECT_EQ(base::as_text(opened->certificate().value()), golden_certificate);

  const auto ids = IdsReader::open(*opened->section(SectionKind::ids), golden_schema.rows);
  ASSERT_TRUE(ids);
  ATTAR_ASSERT_OK(ids->check());
  for (int row = 0; row < 100; ++row) EXPECT_EQ(ids->id(static_cast<std::uint64_t>(row)).value(), golden_id(row));
}

TEST(Golden, MakingItAgainGivesTheSameBytes) {
  const ScratchFile again;
  ATTAR_ASSERT_OK(write_golden(again.path()));
  EXPECT_EQ(read_file(again.path()), read_file(golden_path()));
}

}  // namespace
}  // namespace attar::format
