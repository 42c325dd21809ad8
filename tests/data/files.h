// Files written byte by byte for the tests of the readers, without the help of the library's writers.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/half.h"
#include "data/source.h"

namespace attar::data {

/// A directory of its own for each test, removed afterwards.
class DataTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::path(testing::TempDir()) / "attar-data-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  /// Writes a file and returns its path.
  std::filesystem::path put(const std::string& name, std::string_view bytes) const {
    auto path = directory_ / name;
    // A fresh file each time: some file systems flush one that is overwritten, which is slow a thousand times over.
    if (std::filesystem::is_regular_file(path)) std::filesystem::remove(path);
    std::ofstream out(path, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path;
  }

  std::filesystem::path directory_;
};

template <class T>
void append(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

/// Appends a value as one element of a file.
inline void append_element(std::string& to, ElementType element, float value) {
  switch (element) {
    case ElementType::f16: return append(to, base::float_to_half(value));
    case ElementType::f32: return append(to, value);
    case ElementType::f64: return append(to, static_cast<double>(value));
    case ElementType::i8: return append(to, static_cast<std::int8_t>(value));
    case ElementType::u8: return append(to, static_cast<std::uint8_t>(value));
    case ElementType::i32: return append(to, static_cast<std::int32_t>(value));
  }
}

/// An .npy file around a dictionary and its data; the header is padded to a multiple of 64 bytes as NumPy does.
inline std::string npy_file(std::string dictionary, std::string_view data, std::uint8_t version = 1) {
  const std::size_t start = version == 1 ? 10 : 12;
  while ((start + dictionary.size() + 1) % 64 != 0) dictionary += ' ';
  dictionary += '\n';
  std::string out = "\x93NUMPY";
  append(out, version);
  append(out, std::uint8_t{0});
  if (version == 1) {
    append(out, static_cast<std::uint16_t>(dictionary.size()));
  } else {
    append(out, static_cast<std::uint32_t>(dictionary.size()));
  }
  return out + dictionary + std::string(data);
}

inline std::string npy_dictionary(std::string_view descr, std::string_view shape, std::string_view order = "False") {
  return "{'descr': '" + std::string(descr) + "', 'fortran_order': " + std::string(order) +
         ", 'shape': " + std::string(shape) + ", }";
}

/// An .npy file of rows as f32.
inline std::string npy_bytes(std::span<const float> values, std::uint64_t dims) {
  const std::string shape = "(" + std::to_string(values.size() / dims) + ", " + std::to_string(dims) + ")";
  return npy_file(npy_dictionary("<f4", shape), {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

inline std::string read_whole(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::string vecs_file(std::span<const float> values, std::uint32_t dims, ElementType element) {
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % dims == 0) append(out, static_cast<std::int32_t>(dims));
    append_element(out, element, values[i]);
  }
  return out;
}

inline std::string bin_file(std::span<const float> values, std::uint32_t dims, ElementType element) {
  std::string out;
  append(out, static_cast<std::uint32_t>(values.size() / dims));
  append(out, dims);
  for (const float value : values) append_element(out, element, value);
  return out;
}

/// All rows of a source.
inline Result<std::vector<float>> read_all(const VectorSource& source) {
  std::vector<float> out(source.rows() * source.dims());
  ATTAR_TRY(source.read(0, out));
  return out;
}

inline Result<std::vector<float>> read_file(const std::filesystem::path& path, const SourceOptions& options = {}) {
  ATTAR_ASSIGN(const auto source, open_vectors(path, options));
  return read_all(*source);
}

/// Expects an error with this code, whose description holds all of the words.
template <class T>
void expect_error(const Result<T>& result, ErrorCode code, std::initializer_list<std::string_view> words) {
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(error_name(result.error().code), error_name(code)) << result.error().describe();
  for (const std::string_view word : words)
    EXPECT_NE(result.error().describe().find(word), std::string::npos)
        << "no \"" << word << "\" in: " << result.error().describe();
}

}  // namespace attar::data
