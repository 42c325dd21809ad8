// Zips of arrays: where their members lie, and every kind of damage.
#include <gtest/gtest.h>

#include <cstring>

#include "base/random.h"
#include "data/files.h"
#include "data/tensor_file.h"
#include "data/zip.h"
#include "data/zip_files.h"

namespace attar::data {
namespace {

namespace fs = std::filesystem;

base::ByteView view(const std::string& bytes) { return std::as_bytes(std::span(bytes)); }

std::string array(std::string_view descr, std::string_view shape, const std::string& data) {
  return npy_file(npy_dictionary(descr, shape), data);
}

std::vector<MadeMember> some_members() {
  return {{"weights.npy", array("<f4", "(2, 3)", std::string(24, '\1'))},
          {"notes.txt", "of another kind"},
          {"packed.npy", "xyz", 8, 400},
          {"empty.npy", array("<f8", "(0, 4)", "")},
          {"more/deep.npy", array("<i8", "(2,)", std::string(16, '\2'))}};
}

TEST(Zip, MembersLieWhereTheyLie) {
  for (const MadeZip& how : {MadeZip{}, MadeZip{.large_members = true}, MadeZip{.comment = "a comment PK\5\6 in it"},
                             MadeZip{.large_members = true, .large_directory = true}}) {
    const auto made = some_members();
    const std::string bytes = zip_file(made, how);
    const auto read = parse_zip(view(bytes));
    ASSERT_TRUE(read) << read.error().describe();
    ASSERT_EQ(read->size(), made.size());
    for (std::size_t i = 0; i < made.size(); ++i) {
      const ZipMember& member = (*read)[i];
      EXPECT_EQ(member.name, made[i].name);
      EXPECT_EQ(member.method, made[i].method);
      EXPECT_EQ(bytes.substr(member.offset, member.stored), made[i].bytes);
      EXPECT_EQ(member.bytes, made[i].size == 0 ? made[i].bytes.size() : made[i].size);
    }
  }
  const std::string none = zip_file({});
  ASSERT_TRUE(parse_zip(view(none)));
  EXPECT_TRUE(parse_zip(view(none))->empty());
}

TEST(Zip, WhatContradictsItselfIsRefused) {
  const std::string sound = zip_file({{"a.npy", "some bytes"}, {"b.npy", "others"}});
  const std::size_t directory = sound.find("PK\1\2"), end = sound.size() - 22;
  const auto with = [&](std::size_t at, const std::string& bytes) {
    std::string out = sound;
    out.replace(at, bytes.size(), bytes);
    return parse_zip(view(out)).error().code;
  };
  ASSERT_TRUE(parse_zip(view(sound)));
  EXPECT_EQ(with(end, "XX"), ErrorCode::truncated) << "no end";
  EXPECT_EQ(with(end + 4, "\1"), ErrorCode::unsupported) << "a second disk";
  EXPECT_EQ(with(end + 10, "\3"), ErrorCode::invalid_data) << "an entry more";
  EXPECT_EQ(with(end + 10, "\1"), ErrorCode::invalid_data) << "an entry fewer";
  EXPECT_EQ(with(end + 16, "\1"), ErrorCode::invalid_data) << "another place of the directory";
  EXPECT_EQ(with(end + 16, "\xff\xff\xff\xff"), ErrorCode::invalid_data) << "a 64-bit end that is not there";
  EXPECT_EQ(with(directory + 10, "\10"), ErrorCode::invalid_data) << "another method than before the member";
  EXPECT_EQ(with(directory + 20, "\11"), ErrorCode::invalid_data) << "two sizes";
  EXPECT_EQ(with(directory + 20, std::string("\xff\xff\0\0\xff\xff\0\0", 8)), ErrorCode::invalid_data) << "beyond";
  EXPECT_EQ(with(directory + 20, "\xff\xff\xff\xff"), ErrorCode::invalid_data) << "no 64-bit size";
  EXPECT_EQ(with(directory + 34, "\1"), ErrorCode::unsupported) << "on another disk";
  EXPECT_EQ(with(directory + 42, "\1"), ErrorCode::invalid_data) << "before its member";
  EXPECT_EQ(with(directory + 42, "\xff\xff\xff\x7f"), ErrorCode::invalid_data) << "behind the files";
  EXPECT_EQ(with(directory + 46, "x"), ErrorCode::invalid_data) << "another name than before the member";
  EXPECT_EQ(with(directory + 46, "\xff"), ErrorCode::invalid_data) << "no UTF-8";
  EXPECT_EQ(with(directory + 46 + 5 + 42, std::string(4, '\0')), ErrorCode::invalid_data) << "over another";
  EXPECT_EQ(parse_zip(view(zip_file({{"a", "1"}, {"a", "2"}}))).error().code, ErrorCode::invalid_data) << "twice";
  EXPECT_EQ(parse_zip(view(zip_file({{std::string(1'025, 'n'), ""}}))).error().code, ErrorCode::over_limit);
  EXPECT_EQ(parse_zip(view(zip_file({{"", "1"}}))).error().code, ErrorCode::invalid_data) << "no name";
  // A directory that was moved without its end record.
  std::string moved = "abc" + sound;
  EXPECT_EQ(parse_zip(view(moved)).error().code, ErrorCode::invalid_data);
}

TEST(Zip, DamageAndCutsAreErrorsOrMembersInside) {
  base::Random random(3);
  for (const MadeZip& how : {MadeZip{}, MadeZip{.large_members = true, .large_directory = true, .comment = "c"}}) {
    const std::string sound = zip_file(some_members(), how);
    for (std::size_t cut = 0; cut < sound.size(); ++cut) {
      const std::string part = sound.substr(0, cut);
      EXPECT_FALSE(parse_zip(view(part))) << cut;
    }
    for (int round = 0; round < 30'000; ++round) {
      std::string bytes = sound;
      for (std::uint64_t i = 0; i <= random.below(3); ++i)
        bytes[random.below(bytes.size())] = static_cast<char>(random.below(4) == 0 ? 255 : random.below(256));
      const auto read = parse_zip(view(bytes));
      if (!read) continue;
      std::uint64_t at = 0;
      for (const ZipMember& member : *read) {
        ASSERT_GE(member.offset, at);
        ASSERT_LE(member.offset, bytes.size());
        ASSERT_LE(member.stored, bytes.size() - member.offset);
        at = member.offset + member.stored;
      }
    }
  }
}

class NpzTest : public DataTest {
 protected:
  Result<TensorFile> open(const std::string& bytes) const { return TensorFile::open(put("a.npz", bytes)); }
};

TEST_F(NpzTest, ArraysAsTheyAreAreTensorsAndTheRestIsBytes) {
  const auto made = some_members();
  const std::string bytes = zip_file(made, {.large_members = true});
  const auto file = open(bytes);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->format(), TensorFormat::npz);
  EXPECT_EQ(tensor_format_name(file->format()), "npz");
  EXPECT_NE(file->note().find("1 of 4 arrays"), std::string::npos) << file->note();
  ASSERT_EQ(file->tensors().size(), 5u);
  const auto expect = [&](std::size_t i, const std::string& name, const std::string& type,
                          const std::vector<std::uint64_t>& shape, const std::string& data) {
    const FileTensor& tensor = file->tensors()[i];
    EXPECT_EQ(tensor.name, name);
    EXPECT_EQ(tensor.type, type);
    EXPECT_EQ(tensor.shape, shape);
    EXPECT_EQ(base::as_text(file->bytes_of(tensor)), data);
  };
  expect(0, "weights", "<f4", {2, 3}, std::string(24, '\1'));
  expect(1, "notes.txt", "bytes", {15}, "of another kind");
  expect(2, "packed.npy", "bytes", {3}, "xyz");
  expect(3, "empty", "<f8", {0, 4}, "");
  expect(4, "more/deep", "<i8", {2}, std::string(16, '\2'));
  EXPECT_EQ(file->tensors()[0].exponent_bits, 8u);
}

TEST_F(NpzTest, OtherZipsAreBytesWithoutANote) {
  const auto other = open(zip_file({{"[Content_Types].xml", "<x/>"}, {"data/0", "1234"}}));
  ASSERT_TRUE(other);
  EXPECT_EQ(other->format(), TensorFormat::bytes);
  EXPECT_TRUE(other->note().empty()) << other->note();
  ASSERT_EQ(other->tensors().size(), 1u);
  EXPECT_EQ(other->tensors()[0].bytes, other->bytes().size());
}

TEST_F(NpzTest, ABrokenOneIsBytesWithANote) {
  std::string bytes = zip_file(some_members());
  bytes.resize(bytes.size() - 5);
  const auto broken = open(bytes);
  ASSERT_TRUE(broken);
  EXPECT_EQ(broken->format(), TensorFormat::bytes);
  EXPECT_NE(broken->note().find("as npz it cannot be read"), std::string::npos) << broken->note();
  EXPECT_EQ(broken->tensors().size(), 1u);
  // An array whose shape does not fill its member, or that no index can hold, is bytes; the others stay.
  const auto odd = open(zip_file({{"short.npy", array("<f4", "(9,)", "1234")},
                                  {"deep.npy", array("|u1", "(1, 1, 1, 1, 1, 1, 1, 1, 1)", "1")},
                                  {"sound.npy", array("|u1", "(1,)", "1")}}));
  ASSERT_TRUE(odd);
  ASSERT_EQ(odd->tensors().size(), 3u);
  EXPECT_EQ(odd->tensors()[0].type, "bytes");
  EXPECT_EQ(odd->tensors()[1].type, "bytes");
  EXPECT_EQ(odd->tensors()[2].name, "sound");
}

TEST_F(NpzTest, AsNumpyWritesThem) {
  const fs::path folder = fs::path(ATTAR_SOURCE_DIR) / "tests" / "data" / "npz";
  const auto saved = TensorFile::open(folder / "saved.npz"), deflated = TensorFile::open(folder / "deflated.npz");
  ASSERT_TRUE(saved && deflated);
  EXPECT_TRUE(saved->note().empty()) << saved->note();
  ASSERT_EQ(saved->tensors().size(), 3u);
  const FileTensor &weights = saved->tensors()[0], &order = saved->tensors()[1], &scale = saved->tensors()[2];
  EXPECT_EQ(weights.name, "weights");
  EXPECT_EQ(weights.shape, (std::vector<std::uint64_t>{4, 6}));
  for (std::size_t i = 0; i < 24; ++i) {
    float value = 0;
    std::memcpy(&value, saved->bytes_of(weights).data() + 4 * i, sizeof(value));
    EXPECT_EQ(value, static_cast<float>(i) / 8);
  }
  EXPECT_EQ(order.shape, (std::vector<std::uint64_t>{3, 2})) << "axes reversed";
  EXPECT_EQ(scale.type, "<f2");
  EXPECT_TRUE(scale.shape.empty());
  EXPECT_EQ(scale.bytes, 2u);
  EXPECT_NE(deflated->note().find("3 of 3 arrays"), std::string::npos);
  for (const FileTensor& tensor : deflated->tensors()) EXPECT_EQ(tensor.type, "bytes");
}

}  // namespace
}  // namespace attar::data
