#include "data/npy.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "base/random.h"
#include "files.h"

namespace attar::data {
namespace {

class NpyTest : public DataTest {
 protected:
  /// Opens an array of this header whose data are `bytes` zero bytes.
  Result<std::unique_ptr<VectorSource>> open(const std::string& dictionary, std::size_t bytes) {
    return open_vectors(put("x.npy", npy_file(dictionary, std::string(bytes, '\0'))));
  }
};

TEST_F(NpyTest, ReadsEveryTypeAndVersion) {
  base::Random random(1);
  constexpr std::array<std::pair<std::string_view, ElementType>, 5> types{{{"<f2", ElementType::f16},
                                                                           {"<f4", ElementType::f32},
                                                                           {"<f8", ElementType::f64},
                                                                           {"|i1", ElementType::i8},
                                                                           {"|u1", ElementType::u8}}};
  for (const auto& [descr, element] : types) {
    for (std::uint8_t version = 1; version <= 3; ++version) {
      const std::uint64_t rows = 1 + random.below(40);
      const std::uint64_t dims = 1 + random.below(90);
      std::vector<float> values;
      std::string data;
      for (std::uint64_t i = 0; i < rows * dims; ++i) {
        values.push_back(static_cast<float>(random.below(128)));
        append_element(data, element, values.back());
      }
      const auto shape = fmt::format("({}, {})", rows, dims);
      const auto source = open_vectors(put("x.npy", npy_file(npy_dictionary(descr, shape), data, version)));
      ASSERT_TRUE(source) << source.error().describe();
      EXPECT_EQ((*source)->rows(), rows);
      EXPECT_EQ((*source)->dims(), dims);
      EXPECT_EQ((*source)->element(), element);
      EXPECT_EQ(read_all(**source).value(), values);
    }
  }
}

TEST_F(NpyTest, WidensADoubleBeyondFloatToInfinity) {
  std::string data;
  append(data, 1e300);
  append(data, -0.5);
  const auto read = read_file(put("x.npy", npy_file(npy_dictionary("<f8", "(1, 2)"), data)));
  EXPECT_EQ(read.value(), (std::vector<float>{std::numeric_limits<float>::infinity(), -0.5f}));
}

TEST_F(NpyTest, RefusesWithTheFix) {
  expect_error(open(npy_dictionary("<f4", "(2, 3)", "True"), 24), ErrorCode::unsupported,
               {"x.npy", "Fortran order", "np.ascontiguousarray(x)"});
  expect_error(open(npy_dictionary(">f4", "(2, 3)"), 24), ErrorCode::unsupported,
               {"big-endian", "'>f4'", "x.astype('<f4')"});
  expect_error(open(npy_dictionary("<c8", "(2, 3)"), 48), ErrorCode::unsupported, {"complex", "x.real"});
  expect_error(open(npy_dictionary("|O", "(2, 3)"), 48), ErrorCode::unsupported, {"Python objects", "np.stack"});
  expect_error(open(npy_dictionary("<i8", "(2, 3)"), 48), ErrorCode::unsupported, {"'<i8'", "astype"});
  expect_error(open(npy_dictionary("|V2", "(2, 3)"), 12), ErrorCode::unsupported, {"'|V2'", "astype"});
  expect_error(open("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3), }", 24), ErrorCode::unsupported,
               {"x.npy", "structured", "x['field']"});
  expect_error(open(npy_dictionary("<f4", "(6,)"), 24), ErrorCode::unsupported, {"shape (6)", "reshape(1, -1)"});
  expect_error(open(npy_dictionary("<f4", "()"), 4), ErrorCode::unsupported, {"shape ()", "two axes"});
  expect_error(open(npy_dictionary("<f4", "(2, 3, 4)"), 96), ErrorCode::unsupported,
               {"shape (2, 3, 4)", "reshape(-1, x.shape[-1])"});
}

TEST_F(NpyTest, RefusesSizesOutsideTheLimits) {
  expect_error(open(npy_dictionary("<f4", "(0, 3)"), 0), ErrorCode::invalid_data, {"no rows"});
  expect_error(open(npy_dictionary("<f4", "(3, 0)"), 0), ErrorCode::invalid_data, {"no dimensions"});
  expect_error(open(npy_dictionary("<f4", "(3, 65537)"), 0), ErrorCode::over_limit, {"65537 dimensions"});
  expect_error(open(npy_dictionary("<f4", "(3, 18446744073709551615)"), 0), ErrorCode::over_limit, {"dimensions"});
  expect_error(open(npy_dictionary("<f4", "(4294967295, 3)"), 0), ErrorCode::over_limit, {"4294967295 rows"});
  expect_error(open(npy_dictionary("<f4", "(18446744073709551616, 3)"), 0), ErrorCode::invalid_data, {"2^64"});
  expect_error(open(npy_dictionary("<f4", "(2, 3)"), 23), ErrorCode::truncated, {"it ends in row 1"});
  expect_error(open(npy_dictionary("<f4", "(2, 3)"), 25), ErrorCode::invalid_data, {"1 bytes follow"});
}

TEST_F(NpyTest, EveryTruncationIsATypedError) {
  for (std::uint8_t version = 1; version <= 3; ++version) {
    const auto whole = npy_file(npy_dictionary("<f4", "(2, 3)"), std::string(24, '\0'), version);
    for (std::size_t length = 0; length < whole.size(); ++length)
      expect_error(open_vectors(put("x.npy", whole.substr(0, length))),
                   length == 0 ? ErrorCode::invalid_data : ErrorCode::truncated, {"x.npy"});
    EXPECT_TRUE(open_vectors(put("x.npy", whole)));
  }
}

TEST_F(NpyTest, EveryDamagedByteIsATypedErrorOrAnArray) {
  const auto whole = npy_file(npy_dictionary("<f4", "(2, 3)"), std::string(24, '\0'));
  for (std::size_t at = 0; at < whole.size() - 24; ++at) {
    for (int value = 0; value < 256; value += 5) {
      auto damaged = whole;
      damaged[at] = static_cast<char>(value);
      const auto read = read_file(put("x.npy", damaged));
      // Whatever the header came to say, it must fit the 24 bytes of data that follow.
      if (read) {
        EXPECT_TRUE(read->size() == 3 || read->size() == 6 || read->size() == 12 || read->size() == 24)
            << at << " " << value;
      } else {
        EXPECT_NE(read.error().describe().find("x.npy"), std::string::npos) << read.error().describe();
      }
    }
  }
}

TEST_F(NpyTest, RefusesOtherFilesAndVersions) {
  expect_error(open_vectors(put("x.npy", "{\"vector\": [1]}")), ErrorCode::invalid_data,
               {"not an .npy file", "--format"});
  const auto file = npy_file(npy_dictionary("<f4", "(2, 3)"), std::string(24, '\0'));
  auto version = file;
  version[6] = 4;
  expect_error(open_vectors(put("x.npy", version)), ErrorCode::unsupported, {"version 4.0"});
  version[6] = 1;
  version[7] = 1;
  expect_error(open_vectors(put("x.npy", version)), ErrorCode::unsupported, {"version 1.1"});
  std::string huge = "\x93NUMPY\x02";
  huge += '\0';
  append(huge, std::uint32_t{0xffff'ffff});
  expect_error(open_vectors(put("x.npy", huge)), ErrorCode::over_limit, {"4294967295 bytes"});
}

TEST(NpyHeaderParser, TakesWhatWritersWrite) {
  for (const auto* text : {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }          \n",
                           "{\"shape\":(3,4),\"fortran_order\":False,\"descr\":\"<f4\"}",
                           "{'shape': (3, 4,), 'descr': '<f4', 'fortran_order': False}"}) {
    const auto header = parse_npy_header(text);
    ASSERT_TRUE(header) << text << header.error().message;
    EXPECT_EQ(header->descr, "<f4");
    EXPECT_FALSE(header->fortran_order);
    EXPECT_EQ(header->shape, (std::vector<std::uint64_t>{3, 4}));
  }
}

TEST(NpyHeaderParser, RefusesAllElse) {
  const std::string many = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + [] {
    std::string axes;
    for (int i = 0; i < 33; ++i) axes += "1, ";
    return axes;
  }() + ")}";
  for (const std::string& text :
       std::vector<std::string>{"", "{", "{}", "[]", "{'descr': '<f4', 'fortran_order': False}",
                                "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)} x",
                                "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)}",
                                "{'descr': '<f4', 'fortran_order': 0, 'shape': (3, 4)}",
                                "{'descr': '<f4', 'fortran_order': False, 'shape': (3, -4)}",
                                "{'descr': '<f4', 'fortran_order': False, 'shape': [3, 4]}",
                                "{'descr': '<f4', 'fortran_order': False, 'shape': (3 4)}",
                                "{'descr': '<f4', 'fortran_order': False, 'shape': (3)}",
                                "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), 'extra': 1}",
                                "{'descr': '<\\x664', 'fortran_order': False, 'shape': (3, 4)}",
                                "{'descr': __import__('os'), 'fortran_order': False, 'shape': (3, 4)}",
                                "{'descr': '<f4', 'fortran_order': False 'shape': (3, 4)}",
                                "{'descr' '<f4', 'fortran_order': False, 'shape': (3, 4)}", "{'descr': '<f4", many}) {
    expect_error(parse_npy_header(text), ErrorCode::invalid_data, {".npy header"});
  }
}

TEST(NpyHeaderParser, EscapesWhatItQuotes) {
  const auto header = parse_npy_header("{\x1b[31m\xff");
  ASSERT_FALSE(header);
  EXPECT_EQ(header.error().message.find('\x1b'), std::string::npos);
  EXPECT_NE(header.error().message.find("\\x1b[31m\\xff"), std::string::npos) << header.error().message;
}

}  // namespace
}  // namespace attar::data
