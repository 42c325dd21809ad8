// Damage by accident: flipped bits, missing tails, bytes too many. None may pass, none may crash.
#include <gtest/gtest.h>

#include <optional>

#include "format/reader.h"
#include "format/samples.h"

namespace attar::format {
namespace {

/// The error of opening and verifying; nothing when both succeed.
std::optional<Error> damage_found(base::ByteView bytes) {
  const auto opened = ArtifactReader::open_bytes(bytes);
  if (!opened) return opened.error();
  const Status verified = opened->verify_all();
  if (!verified) return verified.error();
  return std::nullopt;
}

bool is_damage(ErrorCode code) {
  return code == ErrorCode::corrupt || code == ErrorCode::truncated || code == ErrorCode::too_new ||
         code == ErrorCode::too_old;
}

void flip_every(raw::Bytes bytes, std::uint64_t stride) {
  ASSERT_FALSE(damage_found(bytes));
  for (std::uint64_t bit = 0; bit < bytes.size() * 8; bit += stride) {
    const std::byte mask = std::byte{1} << (bit % 8);
    bytes[bit / 8] ^= mask;
    const auto error = damage_found(bytes);
    bytes[bit / 8] ^= mask;
    ASSERT_TRUE(error) << "bit " << bit << " of " << bytes.size() * 8 << " was not missed";
    ASSERT_TRUE(is_damage(error->code)) << "bit " << bit << ": " << error->describe();
  }
}

TEST(Corruption, EveryBitOfASmallFileMatters) {
  const raw::Bytes bytes = sample_bytes(11'000);
  ASSERT_GT(bytes.size(), 15'000u);
  ASSERT_LT(bytes.size(), 18'000u);
  flip_every(bytes, 1);
}

TEST(Corruption, EverySixtyFirstBitOfALargerFileMatters) {
  const raw::Bytes bytes = sample_bytes(256'000);
  flip_every(bytes, 61);
}

// Without verify_all(): what a section's handle has verified is what was written.
TEST(Corruption, AHandleDetectsDamageOfItsOwnBytes) {
  raw::Bytes bytes = sample_bytes(200'000);
  const raw::Bytes codes = noise(200'000, 2);
  const auto offset = raw::get<std::uint64_t>(bytes, raw::entry_at(bytes, sample_codes) + raw::offset_in);
  const auto table = raw::get<std::uint64_t>(bytes, raw::entry_at(bytes, sample_codes) + raw::table_in);
  bytes[offset + 70'000] ^= std::byte{4};
  {
    const auto opened = ArtifactReader::open_bytes(bytes);
    ASSERT_TRUE(opened) << "opening does not read sections";
    const auto section = opened->section(SectionKind::codes);
    ASSERT_TRUE(section);
    EXPECT_TRUE(section->verify(0, 65'536)) << "the first block is sound";
    const Status second = section->verify(65'536, 10);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::corrupt);
    EXPECT_EQ(second.error().section, "codes");
    EXPECT_TRUE(opened->section(SectionKind::model)->verify_all());
  }
  bytes[offset + 70'000] ^= std::byte{4};
  bytes[table + 9] ^= std::byte{1};
  const auto opened = ArtifactReader::open_bytes(bytes);
  ASSERT_TRUE(opened) << "opening does not read block tables";
  const auto section = opened->section(SectionKind::codes);
  ASSERT_FALSE(section);
  EXPECT_EQ(section.error().code, ErrorCode::corrupt);
}

TEST(Corruption, EveryShorterFileIsTruncated) {
  const raw::Bytes bytes = sample_bytes(11'000);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto error = damage_found(base::ByteView(bytes).first(size));
    ASSERT_TRUE(error) << size;
    ASSERT_EQ(error->code, ErrorCode::truncated) << size << ": " << error->describe();
  }
}

TEST(Corruption, BytesAfterTheEndAreRefused) {
  raw::Bytes bytes = sample_bytes(1000);
  for (const std::size_t extra : {1u, 8u, 80u, 4096u}) {
    raw::Bytes longer = bytes;
    longer.insert(longer.end(), extra, std::byte{0});
    const auto error = damage_found(longer);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, ErrorCode::corrupt);
    EXPECT_NE(error->message.find("follow the end"), std::string::npos) << error->message;
  }
}

TEST(Corruption, OtherFilesAreToldApart) {
  const auto code = [](base::ByteView bytes) { return damage_found(bytes)->code; };
  EXPECT_EQ(code(view("")), ErrorCode::truncated);
  EXPECT_EQ(code(view("\x93NUMPY")), ErrorCode::corrupt);
  raw::Bytes text_mode = sample_bytes(100);
  text_mode.erase(text_mode.begin() + 4);  // CR LF became LF
  const auto error = damage_found(text_mode);
  ASSERT_TRUE(error);
  EXPECT_NE(error->message.find("text mode"), std::string::npos) << error->message;
}

TEST(Corruption, ErrorsNameTheFile) {
  const ScratchFile file;
  ATTAR_ASSERT_OK(write_sample(file.path(), 1000));
  std::filesystem::resize_file(file.path(), 1000);
  const auto opened = ArtifactReader::open(file.path());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::truncated);
  EXPECT_EQ(opened.error().file, file.path().string());
}

}  // namespace
}  // namespace attar::format
