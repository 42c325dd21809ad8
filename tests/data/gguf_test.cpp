// GGUF files of the package gguf (scripts/make_ggml_golden.py) and hostile ones made here byte by byte.
#include "data/gguf.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <limits>

#include "base/random.h"
#include "data/files.h"
#include "data/gguf_write.h"

namespace attar::data {
namespace {

constexpr std::uint32_t f32 = 0, q8_0 = 8, q4_k = 12, unknown = 999;

base::ByteView view(const std::string& bytes) { return std::as_bytes(std::span(bytes)); }

// What is read lies in the bytes: they are kept until all tests are done.
Result<Gguf> parse(std::string bytes) {
  static std::deque<std::string> kept;
  return parse_gguf(view(kept.emplace_back(std::move(bytes))));
}

std::string text(std::string_view value) {
  std::string out;
  append(out, static_cast<std::uint64_t>(value.size()));
  return out + std::string(value);
}

template <class T>
std::string scalar(T value) {
  std::string out;
  append(out, value);
  return out;
}

std::string entry(std::string_view key, std::uint32_t type, const std::string& value) {
  return text(key) + scalar(type) + value;
}

std::string array(std::uint32_t type, std::uint64_t count, const std::string& values) {
  return scalar(type) + scalar(count) + values;
}

std::string info(std::string_view name, const std::vector<std::uint64_t>& dims, std::uint32_t type,
                 std::uint64_t offset) {
  std::string out = text(name) + scalar(static_cast<std::uint32_t>(dims.size()));
  for (const std::uint64_t length : dims) append(out, length);
  return out + scalar(type) + scalar(offset);
}

std::string header(std::uint64_t tensors, std::uint64_t entries, std::uint32_t version = 3) {
  return "GGUF" + scalar(version) + scalar(tensors) + scalar(entries);
}

// A file around entries and infos, with padding and so many bytes of data.
std::string file_of(const std::vector<std::string>& entries, const std::vector<std::string>& infos, std::uint64_t data,
                    std::uint64_t alignment = 32) {
  std::string out = header(infos.size(), entries.size());
  for (const std::string& part : entries) out += part;
  for (const std::string& part : infos) out += part;
  out.resize((out.size() + alignment - 1) / alignment * alignment);
  return out + std::string(data, 'd');
}

Result<Gguf> with_entry(const std::string& one) { return parse(file_of({one}, {}, 0)); }
Result<Gguf> with_tensor(const std::string& one, std::uint64_t data) { return parse(file_of({}, {one}, data)); }

std::filesystem::path small_file() {
  return std::filesystem::path(ATTAR_SOURCE_DIR) / "tests" / "data" / "gguf" / "small.gguf";
}

// All of a file written anew from what was read.
Result<std::string> written_again(const Gguf& content) {
  GgufMetadata metadata;
  for (const GgufEntry& one : content.metadata) metadata.carry(one);
  std::vector<GgufTensorInfo> infos;
  infos.reserve(content.tensors.size());
  for (const GgufTensor& tensor : content.tensors) infos.push_back(gguf_info_of(tensor));
  base::MemorySink sink;
  ATTAR_ASSIGN(GgufWriter writer, GgufWriter::create(sink, metadata, std::move(infos)));
  for (const GgufTensor& tensor : content.tensors) ATTAR_TRY(writer.append(tensor.bytes));
  ATTAR_TRY(writer.finish());
  EXPECT_EQ(sink.bytes().size(), writer.file_bytes());
  return std::string(base::as_text(sink.bytes()));
}

TEST(GgmlTypes, SizesAreThoseOfTheFormat) {
  EXPECT_EQ(ggml_types().size(), 34u);
  for (const GgmlType& type : ggml_types()) {
    EXPECT_EQ(find_ggml_type(type.number), &type);
    EXPECT_EQ(find_ggml_type(type.name), &type);
    EXPECT_EQ(ggml_bytes(type, std::vector<std::uint64_t>{3, 5, 2 * type.values}), 30u * type.bytes);
    EXPECT_EQ(ggml_bytes(type, std::vector<std::uint64_t>{7, 0}), 0u);
    if (type.values > 1) {
      EXPECT_EQ(ggml_bytes(type, std::vector<std::uint64_t>{2 * type.values, 3}), std::nullopt);
    }
  }
  EXPECT_EQ(find_ggml_type(4), nullptr);
  EXPECT_EQ(find_ggml_type("Q9"), nullptr);
  EXPECT_EQ(ggml_bytes(*find_ggml_type("F32"), {}), 4u);
  EXPECT_EQ(ggml_bytes(*find_ggml_type("F32"), std::vector<std::uint64_t>{1ull << 62}), std::nullopt);
  EXPECT_EQ(element_count(std::vector<std::uint64_t>{1ull << 40, 1ull << 40}), std::nullopt);
  EXPECT_EQ(element_count(std::vector<std::uint64_t>{1ull << 40, 1ull << 40, 0}), 0u);
}

TEST(Gguf, ReadsMetadataOfThePackage) {
  const auto file = GgufFile::open(small_file());
  ASSERT_TRUE(file) << file.error().describe();
  const Gguf& content = file->content();
  EXPECT_EQ(content.version, 3u);
  EXPECT_EQ(content.alignment, 32u);
  EXPECT_EQ(content.metadata.size(), 18u);
  EXPECT_EQ(content.architecture(), "llama");
  EXPECT_EQ(content.find("general.name")->text(), "pseudo-random numbers, små");
  const std::vector<std::pair<std::string_view, std::int64_t>> whole{
      {"test.u8", 200},
      {"test.i8", -100},
      {"test.u16", 60'000},
      {"test.i16", -30'000},
      {"llama.block_count", 3},
      {"test.i32", -5},
      {"test.i64", std::numeric_limits<std::int64_t>::min()}};
  for (const auto& [key, value] : whole) {
    EXPECT_EQ(content.find(key)->whole(), value) << key;
    EXPECT_EQ(content.find(key)->number(), static_cast<double>(value)) << key;
  }
  EXPECT_EQ(content.find("test.u64")->whole(), std::nullopt);  // 2⁶⁴ − 1
  EXPECT_EQ(content.find("test.u64")->number(), 0x1p64);
  EXPECT_EQ(content.find("llama.rope.freq_base")->number(), 10'000.0);
  EXPECT_EQ(content.find("llama.rope.freq_base")->whole(), std::nullopt);
  EXPECT_EQ(content.find("test.f64")->number(), 0.1);
  EXPECT_EQ(content.find("test.yes")->boolean(), true);
  EXPECT_EQ(content.find("test.no")->boolean(), false);
  EXPECT_EQ(content.find("test.no")->number(), std::nullopt);
  EXPECT_EQ(content.find("test.none"), nullptr);
}

TEST(Gguf, ReadsArraysOfThePackage) {
  const auto file = GgufFile::open(small_file());
  ASSERT_TRUE(file);
  const GgufEntry& tokens = *file->content().find("tokenizer.ggml.tokens");
  EXPECT_EQ(tokens.texts(), (std::vector<std::string_view>{"<unk>", "", "a", "▁word"}));
  EXPECT_EQ(tokens.numbers(), std::nullopt);
  EXPECT_EQ(tokens.text(), std::nullopt);
  EXPECT_EQ(file->content().find("tokenizer.ggml.scores")->numbers(), (std::vector<double>{0.5, -1.5, 2.0}));
  const GgufEntry& whole = *file->content().find("test.whole");
  EXPECT_EQ(whole.numbers(), (std::vector<double>{1, -2, 3}));
  EXPECT_EQ(whole.texts(), std::nullopt);
  EXPECT_EQ(whole.whole(), std::nullopt);
  const GgufEntry& flags = *file->content().find("test.flags");
  EXPECT_EQ(flags.element, GgufValueType::boolean);
  EXPECT_EQ(flags.count, 2u);
  EXPECT_EQ(flags.numbers(), std::nullopt);
}

TEST(Gguf, ReadsTensorsOfThePackage) {
  const auto file = GgufFile::open(small_file());
  ASSERT_TRUE(file);
  const Gguf& content = file->content();
  struct Expected {
    std::string_view name, type;
    std::vector<std::uint64_t> shape;
  };
  const std::vector<Expected> all{{"norm.weight", "F32", {5}}, {"cube", "F16", {2, 3, 4}}, {"whole", "I32", {3, 2}},
                                  {"q8", "Q8_0", {2, 64}},     {"q4", "Q4_0", {2, 64}},    {"q51", "Q5_1", {2, 64}},
                                  {"b16", "BF16", {2, 64}}};
  ASSERT_EQ(content.tensors.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const GgufTensor& tensor = content.tensors[i];
    EXPECT_EQ(tensor.name, all[i].name);
    ASSERT_NE(tensor.known, nullptr);
    EXPECT_EQ(tensor.known->name, all[i].type);
    EXPECT_EQ(tensor.shape, all[i].shape);
    EXPECT_EQ(tensor.bytes.size(), ggml_bytes(*tensor.known, tensor.shape));
    EXPECT_EQ(tensor.bytes.data(), content.data.data() + tensor.offset);
    EXPECT_EQ(content.tensor(tensor.name), &tensor);
  }
  EXPECT_EQ(content.tensor("q9"), nullptr);
}

TEST(Gguf, WritingAgainGivesTheSameBytes) {
  const std::string bytes = read_whole(small_file());
  const auto again = written_again(*parse(bytes));
  ASSERT_TRUE(again) << again.error().describe();
  EXPECT_EQ(*again, bytes);
}

TEST(Gguf, VersionsAndByteOrderAreTold) {
  for (const std::uint32_t version : {2u, 3u}) EXPECT_TRUE(parse(header(0, 0, version)));
  expect_error(parse(header(0, 0, 1)), ErrorCode::too_old, {"version 1"});
  expect_error(parse(header(0, 0, 0)), ErrorCode::too_old, {"version 0"});
  expect_error(parse(header(0, 0, 4)), ErrorCode::too_new, {"version 4"});
  expect_error(parse(header(0, 0, 0x0300'0000)), ErrorCode::unsupported, {"big-endian"});
  expect_error(parse("GGML" + header(0, 0).substr(4)), ErrorCode::invalid_data, {"no GGUF"});
  expect_error(parse(""), ErrorCode::truncated, {"header"});
}

TEST(Gguf, CountsAreLimitedBeforeAnythingIsKept) {
  const auto huge = std::numeric_limits<std::uint64_t>::max();
  expect_error(parse(header(huge, 0)), ErrorCode::over_limit, {"65536"});
  expect_error(parse(header(0, huge)), ErrorCode::over_limit, {"65536"});
  expect_error(parse(header(65'536, 65'536)), ErrorCode::truncated, {"header"});
  expect_error(with_entry(scalar(huge) + "k"), ErrorCode::truncated, {"header"});
  expect_error(with_entry(entry("k", 8, scalar(huge))), ErrorCode::truncated, {"header"});
  for (const std::uint32_t type : {0u, 5u, 7u, 8u, 9u, 12u})
    for (const std::uint64_t count : {huge, huge / 8 + 1, std::uint64_t{1} << 61, std::uint64_t{1000}})
      EXPECT_FALSE(with_entry(entry("k", 9, array(type, count, std::string(20, '\0'))))) << type << ", " << count;
}

TEST(Gguf, KeysAreNames) {
  EXPECT_TRUE(with_entry(entry("k", 0, scalar(std::uint8_t{7}))));
  expect_error(with_entry(entry("", 0, scalar(std::uint8_t{7}))), ErrorCode::invalid_data, {"key"});
  expect_error(with_entry(entry("\xff", 0, scalar(std::uint8_t{7}))), ErrorCode::invalid_data, {"\\xff"});
  expect_error(with_entry(entry(std::string_view("a\0b", 3), 0, scalar(std::uint8_t{7}))), ErrorCode::invalid_data, {});
  expect_error(with_entry(entry(std::string(70'000, 'k'), 0, scalar(std::uint8_t{7}))), ErrorCode::over_limit,
               {"70000"});
  const std::string one = entry("k", 0, scalar(std::uint8_t{7}));
  expect_error(parse(file_of({one, one}, {}, 0)), ErrorCode::invalid_data, {"'k'", "twice"});
}

TEST(Gguf, ValuesHaveTypesThatExist) {
  expect_error(with_entry(entry("k", 13, scalar(std::uint64_t{7}))), ErrorCode::invalid_data, {"'k'", "type 13"});
  expect_error(with_entry(entry("k", 9, array(77, 1, "1234"))), ErrorCode::invalid_data, {"type 77"});
  expect_error(with_entry(entry("k", 7, scalar(std::uint8_t{2}))), ErrorCode::invalid_data, {"truth"});
  expect_error(with_entry(entry("k", 9, array(7, 3, std::string("\0\1\3", 3)))), ErrorCode::invalid_data, {"truth"});
  const std::string odd = "\xff\xfe";
  EXPECT_EQ(with_entry(entry("k", 8, text(odd)))->find("k")->text(), odd);  // what values hold is not ours to judge
}

TEST(Gguf, ArraysWithinArraysHaveALimit) {
  std::string value = array(0, 2, "ab");
  for (int depth = 1; depth <= 5; ++depth) {
    const auto read = with_entry(entry("k", 9, value));
    EXPECT_EQ(read.has_value(), depth <= 4) << depth;
    if (read) {
      EXPECT_EQ(read->find("k")->numbers().has_value(), depth == 1);
    } else {
      expect_error(read, ErrorCode::over_limit, {"deep"});
    }
    value = array(9, 1, value);
  }
}

TEST(Gguf, AlignmentIsAPowerOfTwo) {
  for (const std::uint32_t alignment : {1u, 8u, 64u, 1u << 20}) {
    const auto read = parse(file_of({entry("general.alignment", 4, scalar(alignment))},
                                    {info("a", {3}, f32, 0), info("b", {1}, f32, std::max(alignment, 16u))},
                                    std::max(alignment, 16u) + 4, alignment));
    ASSERT_TRUE(read) << read.error().describe();
    EXPECT_EQ(read->alignment, alignment);
    EXPECT_EQ(read->header.size() % alignment, 0u);
    EXPECT_EQ(read->tensors[1].bytes.data(), read->data.data() + std::max(alignment, 16u));
  }
  for (const std::uint32_t alignment : {0u, 3u, 48u, 1u << 21, 1u << 31})
    expect_error(with_entry(entry("general.alignment", 4, scalar(alignment))), ErrorCode::invalid_data,
                 {"power of two"});
  expect_error(with_entry(entry("general.alignment", 10, scalar(std::uint64_t{32}))), ErrorCode::invalid_data,
               {"power"});
  expect_error(with_entry(entry("general.alignment", 8, text("32"))), ErrorCode::invalid_data, {"power"});
}

TEST(Gguf, ShapesMustFit) {
  EXPECT_TRUE(with_tensor(info("a", {}, f32, 0), 4));
  EXPECT_EQ(with_tensor(info("a", {4, 3, 2, 1}, f32, 0), 96)->tensors[0].shape,
            (std::vector<std::uint64_t>{1, 2, 3, 4}));
  EXPECT_EQ(with_tensor(info("a", {0, 7}, f32, 0), 0)->tensors[0].count, 0u);
  expect_error(with_tensor(info("a", {1, 1, 1, 1, 1}, f32, 0), 4), ErrorCode::over_limit, {"'a'", "5 axes"});
  expect_error(with_tensor(info("a", {1ull << 62}, f32, 0), 4), ErrorCode::invalid_data, {"'a'"});
  expect_error(with_tensor(info("a", {1ull << 32, 1ull << 32}, f32, 0), 4), ErrorCode::invalid_data, {"2^63"});
  expect_error(with_tensor(info("a", {1ull << 63, 0}, f32, 0), 4), ErrorCode::invalid_data, {"2^63"});
  expect_error(with_tensor(info("a", {33}, q8_0, 0), 68), ErrorCode::invalid_data, {"Q8_0", "32"});
  expect_error(with_tensor(info("a", {32, 8}, q4_k, 0), 144), ErrorCode::invalid_data, {"Q4_K", "256"});
  EXPECT_EQ(with_tensor(info("a", {256, 2}, q4_k, 0), 288)->tensors[0].bytes.size(), 288u);
  expect_error(with_tensor(info("", {1}, f32, 0), 4), ErrorCode::invalid_data, {"tensor"});
  expect_error(with_tensor(info(std::string(2000, 'n'), {1}, f32, 0), 4), ErrorCode::over_limit, {"2000"});
}

TEST(Gguf, TensorsLieInTheFileApart) {
  const auto two = [](std::uint64_t first, std::uint64_t second, std::uint64_t data) {
    return parse(file_of({}, {info("a", {10}, f32, first), info("b", {2}, f32, second)}, data));
  };
  EXPECT_TRUE(two(0, 64, 72));
  EXPECT_TRUE(two(32, 0, 72));
  EXPECT_TRUE(two(0, 128, 136));  // what lies between belongs to none
  expect_error(two(0, 32, 72), ErrorCode::invalid_data, {"'b'", "overlaps"});
  expect_error(two(0, 0, 72), ErrorCode::invalid_data, {"overlaps"});
  expect_error(two(0, 40, 72), ErrorCode::invalid_data, {"'b'", "multiple of 32"});
  expect_error(two(0, 64, 71), ErrorCode::truncated, {"'b'"});
  expect_error(two(0, 96, 72), ErrorCode::truncated, {"'b'"});
  expect_error(two(0, ~std::uint64_t{31}, 72), ErrorCode::truncated, {"'b'"});
  const std::string one = info("a", {1}, f32, 0);
  expect_error(parse(file_of({}, {one, info("a", {1}, f32, 32)}, 64)), ErrorCode::invalid_data, {"'a'", "twice"});
  // Empty ones take no place.
  EXPECT_TRUE(parse(file_of({}, {one, info("b", {0}, f32, 0), info("c", {0}, f32, 32)}, 32)));
}

TEST(Gguf, UnknownTypesReachToTheNext) {
  const auto read =
      parse(file_of({}, {info("a", {7}, unknown, 64), info("b", {3}, unknown, 0), info("c", {0}, f32, 0)}, 100));
  ASSERT_TRUE(read) << read.error().describe();
  EXPECT_EQ(read->tensors[0].known, nullptr);
  EXPECT_EQ(read->tensors[0].type, unknown);
  EXPECT_EQ(read->tensors[0].bytes.size(), 36u);
  EXPECT_EQ(read->tensors[1].bytes.size(), 64u);
  EXPECT_EQ(read->tensors[2].bytes.size(), 0u);
  const auto alike = [](std::uint64_t second, std::uint64_t data) {
    return parse(file_of({}, {info("a", {7}, unknown, 0), info("b", {3}, unknown, second)}, data));
  };
  expect_error(alike(0, 64), ErrorCode::invalid_data, {"no bytes"});
  expect_error(alike(64, 64), ErrorCode::invalid_data, {"no bytes"});
  expect_error(alike(96, 64), ErrorCode::truncated, {"'b'"});
  expect_error(parse(file_of({}, {info("a", {7}, unknown, 0), info("b", {3}, f32, 0)}, 64)), ErrorCode::invalid_data,
               {"overlaps"});
  EXPECT_TRUE(parse(file_of({}, {info("a", {0}, unknown, 0), info("b", {3}, f32, 0)}, 32)));
  // Written again, it keeps its bytes, which end with the padding.
  const auto again = written_again(*read);
  ASSERT_TRUE(again);
  const auto once_more = parse(*again);
  ASSERT_TRUE(once_more);
  EXPECT_TRUE(std::ranges::equal(once_more->tensors[1].bytes, read->tensors[1].bytes));
  EXPECT_EQ(base::as_text(once_more->tensors[0].bytes).substr(0, 36), base::as_text(read->tensors[0].bytes));
}

TEST(Gguf, AFileWithoutTensorsNeedsNoPadding) {
  std::string bytes = header(0, 1) + entry("k", 0, "a");
  const auto read = parse(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->header.size(), bytes.size());
  EXPECT_TRUE(read->data.empty());
}

// Every use that a reader may make of what was parsed.
void use(const Gguf& content, base::ByteView file) {
  for (const GgufEntry& one : content.metadata) {
    (void)one.text();
    (void)one.texts();
    (void)one.whole();
    (void)one.number();
    (void)one.numbers();
    (void)one.boolean();
  }
  ASSERT_EQ(content.header.size() + content.data.size(), file.size());
  for (const GgufTensor& tensor : content.tensors) {
    ASSERT_LE(tensor.offset, content.data.size());
    ASSERT_LE(tensor.bytes.size(), content.data.size() - tensor.offset);
    ASSERT_EQ(content.tensor(tensor.name), &tensor);
  }
}

TEST(Gguf, EveryPrefixIsRefusedOrRead) {
  const std::string bytes = read_whole(small_file());
  const auto whole = parse(bytes);
  ASSERT_TRUE(whole);
  const GgufTensor& last = whole->tensors.back();
  const std::size_t needed = whole->header.size() + last.offset + last.bytes.size();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    // A copy of its own: reading past its end is found by the sanitizers.
    const std::vector<char> prefix(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    const auto read = parse_gguf(std::as_bytes(std::span(prefix)));
    ASSERT_EQ(read.has_value(), size >= needed) << size;
    ASSERT_TRUE(read || read.error().code == ErrorCode::truncated) << size << ": " << read.error().describe();
  }
}

TEST(Gguf, MetadataAreReadWithoutTheData) {
  const std::string bytes = read_whole(small_file());
  const auto whole = parse(bytes);
  ASSERT_TRUE(whole);
  const auto metadata = parse_gguf_metadata(whole->header);
  ASSERT_TRUE(metadata) << metadata.error().describe();
  ASSERT_EQ(metadata->size(), whole->metadata.size());
  for (std::size_t i = 0; i < metadata->size(); ++i)
    EXPECT_TRUE(std::ranges::equal((*metadata)[i].raw, whole->metadata[i].raw));
  const GgufEntry& last = whole->metadata.back();
  const auto needed = static_cast<std::size_t>(last.raw.data() + last.raw.size() - whole->header.data());
  for (std::size_t size = 0; size < whole->header.size(); ++size) {
    const auto read = parse_gguf_metadata(whole->header.first(size));
    ASSERT_EQ(read.has_value(), size >= needed) << size;
    ASSERT_TRUE(read || read.error().code == ErrorCode::truncated) << size;
  }
  const auto refused = [](const std::string& one) { return parse_gguf_metadata(view(file_of({one}, {}, 0))); };
  expect_error(refused(entry("general.alignment", 4, scalar(48u))), ErrorCode::invalid_data, {"power of two"});
  expect_error(refused(entry("", 4, scalar(1u))), ErrorCode::invalid_data, {"key"});
}

TEST(Gguf, EveryFlippedByteIsRefusedOrRead) {
  const std::string bytes = read_whole(small_file());
  const std::size_t header_bytes = parse(bytes)->header.size();
  std::size_t refused = 0;
  for (std::size_t at = 0; at < header_bytes; ++at)
    for (const int change : {0x01, 0x80, 0xff}) {
      std::vector<char> copy(bytes.begin(), bytes.end());
      copy[at] = static_cast<char>(copy[at] ^ change);
      const base::ByteView file = std::as_bytes(std::span(copy));
      const auto read = parse_gguf(file);
      if (read) {
        use(*read, file);
      } else {
        ++refused;
        ASSERT_FALSE(read.error().message.empty());
      }
    }
  EXPECT_GT(refused, header_bytes);
}

TEST(Gguf, SeveralChangesAtOnceAreRefusedOrRead) {
  const std::string bytes = read_whole(small_file());
  const std::size_t header_bytes = parse(bytes)->header.size();
  base::Random random(31);
  for (int round = 0; round < 5000; ++round) {
    std::vector<char> copy(bytes.begin(), bytes.end());
    for (int i = 0; i < 3; ++i) copy[random.below(header_bytes)] = static_cast<char>(random.below(256));
    const base::ByteView file = std::as_bytes(std::span(copy));
    if (const auto read = parse_gguf(file)) use(*read, file);
  }
}

class GgufFileTest : public DataTest {};

TEST_F(GgufFileTest, ErrorsNameTheFile) {
  expect_error(GgufFile::open(put("short.gguf", "GGUF")), ErrorCode::truncated, {"short.gguf"});
  expect_error(GgufFile::open(directory_ / "absent"), ErrorCode::io, {"absent"});
}

// A writer on a sink in memory.
Result<std::string> write(const GgufMetadata& metadata, const std::vector<GgufTensorInfo>& infos,
                          const std::vector<std::string>& pieces) {
  base::MemorySink sink;
  ATTAR_ASSIGN(GgufWriter writer, GgufWriter::create(sink, metadata, infos));
  for (const std::string& piece : pieces) ATTAR_TRY(writer.append(view(piece)));
  ATTAR_TRY(writer.finish());
  return std::string(base::as_text(sink.bytes()));
}

TEST(GgufWriter, WhatIsWrittenIsRead) {
  GgufMetadata metadata;
  metadata.add_text("general.architecture", "test");
  metadata.add_u32("general.alignment", 64);
  metadata.add_boolean("yes", true);
  metadata.add_u64("large", 1ull << 40);
  metadata.add_f32("half", 0.5f);
  metadata.add_texts("words", std::vector<std::string>{"a", "", "c"});
  metadata.add_i32s("whole", std::vector<std::int32_t>{-1, 2});
  metadata.add_u32s("counts", std::vector<std::uint32_t>{7});
  metadata.add_f32s("floats", {});
  const std::vector<GgufTensorInfo> infos{{.name = "first", .type = f32, .shape = {2, 5}},
                                          {.name = "none", .type = f32, .shape = {0}},
                                          {.name = "blocks", .type = q8_0, .shape = {1, 32}},
                                          {.name = "other", .type = unknown, .shape = {9}, .bytes = 5}};
  const std::string first(40, 'a'), blocks(34, 'b');
  for (const std::vector<std::string>& pieces : {std::vector<std::string>{first, blocks, "12345"},
                                                 {first.substr(0, 1), "", first.substr(1), blocks, "12", "345"}}) {
    const auto bytes = write(metadata, infos, pieces);
    ASSERT_TRUE(bytes) << bytes.error().describe();
    EXPECT_EQ(bytes->size() % 64, 0u);
    const auto read = parse(*bytes);
    ASSERT_TRUE(read) << read.error().describe();
    EXPECT_EQ(read->alignment, 64u);
    EXPECT_EQ(read->architecture(), "test");
    EXPECT_EQ(read->find("yes")->boolean(), true);
    EXPECT_EQ(read->find("large")->whole(), 1ll << 40);
    EXPECT_EQ(read->find("half")->number(), 0.5);
    EXPECT_EQ(read->find("words")->texts(), (std::vector<std::string_view>{"a", "", "c"}));
    EXPECT_EQ(read->find("whole")->numbers(), (std::vector<double>{-1, 2}));
    EXPECT_EQ(read->find("counts")->numbers(), (std::vector<double>{7}));
    EXPECT_EQ(read->find("floats")->numbers(), std::vector<double>{});
    EXPECT_EQ(base::as_text(read->tensor("first")->bytes), first);
    EXPECT_EQ(read->tensor("first")->shape, (std::vector<std::uint64_t>{2, 5}));
    EXPECT_EQ(base::as_text(read->tensor("blocks")->bytes), blocks);
    EXPECT_EQ(base::as_text(read->tensor("other")->bytes), "12345" + std::string(59, '\0'));
    EXPECT_EQ(read->tensor("none")->count, 0u);
  }
}

TEST(GgufWriter, BytesMustBeAsManyAsAnnounced) {
  const std::vector<GgufTensorInfo> infos{{.name = "a", .type = f32, .shape = {2}},
                                          {.name = "b", .type = f32, .shape = {1}}};
  EXPECT_TRUE(write({}, infos, {"12345678", "1234"}));
  expect_error(write({}, infos, {"123456781234"}), ErrorCode::invalid_argument, {"'a'", "8 more"});
  expect_error(write({}, infos, {"12345678", "123"}), ErrorCode::invalid_argument, {"'b'", "lacks 1"});
  expect_error(write({}, infos, {}), ErrorCode::invalid_argument, {"'a'", "lacks 8"});
  expect_error(write({}, infos, {"12345678", "1234", "5"}), ErrorCode::invalid_argument, {"after the last"});
}

TEST(GgufWriter, NothingIsWrittenThatCouldNotBeRead) {
  const auto with = [](const std::function<void(GgufMetadata&)>& fill) {
    GgufMetadata metadata;
    fill(metadata);
    return write(metadata, {}, {});
  };
  expect_error(with([](GgufMetadata& m) { m.add_text("", "x"); }), ErrorCode::invalid_argument, {"key"});
  expect_error(with([](GgufMetadata& m) { m.add_text("\xff", "x"); }), ErrorCode::invalid_argument, {"UTF-8"});
  expect_error(with([](GgufMetadata& m) { m.add_text(std::string(70'000, 'k'), "x"); }), ErrorCode::over_limit,
               {"key"});
  expect_error(with([](GgufMetadata& m) { m.add_u32("general.alignment", 24); }), ErrorCode::invalid_argument, {"24"});
  expect_error(with([](GgufMetadata& m) { m.add_u64("general.alignment", 32); }), ErrorCode::invalid_argument,
               {"align"});
  expect_error(with([](GgufMetadata& m) {
                 m.add_u32("k", 1);
                 m.add_text("k", "x");
               }),
               ErrorCode::invalid_argument, {"'k'", "twice"});
  expect_error(with([](GgufMetadata& m) {
                 for (int i = 0; i <= 65'536; ++i) m.add_u32(std::to_string(i), 1);
               }),
               ErrorCode::over_limit, {"65537"});
  const auto tensor = [](GgufTensorInfo one) { return write({}, {std::move(one)}, {}); };
  expect_error(tensor({.name = "", .shape = {0}}), ErrorCode::invalid_argument, {"tensor"});
  expect_error(tensor({.name = "a", .shape = {1, 1, 1, 1, 0}}), ErrorCode::over_limit, {"5 axes"});
  expect_error(tensor({.name = "a", .type = q8_0, .shape = {31}}), ErrorCode::invalid_argument, {"Q8_0"});
  expect_error(tensor({.name = "a", .shape = {1ull << 62}}), ErrorCode::invalid_argument, {"too many"});
  const std::uint64_t huge = 1ull << 63;
  expect_error(
      write({}, {{.name = "a", .type = unknown, .bytes = huge}, {.name = "b", .type = unknown, .bytes = huge}}, {}),
      ErrorCode::corrupt, {"64 bits"});
}

}  // namespace
}  // namespace attar::data
