// Artifacts that the tests of the container build, and files to build them in.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "format/container_bytes.h"
#include "format/schema.h"
#include "format/writer.h"

namespace attar::format {

/// A path in the tests' scratch directory that goes away with the object.
class ScratchFile {
 public:
  ScratchFile() {
    static std::atomic<int> count = 0;
    path_ = std::filesystem::path(testing::TempDir()) /
            ("attar-format-" + std::to_string(::getpid()) + "-" + std::to_string(count++) + ".attar");
  }
  ~ScratchFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline raw::Bytes read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

inline base::ByteView view(std::string_view text) { return std::as_bytes(std::span(text)); }

inline raw::Bytes noise(std::uint64_t size, std::uint64_t seed) {
  base::Random random(seed);
  raw::Bytes out(size);
  for (std::byte& b : out) b = static_cast<std::byte>(random.below(256));
  return out;
}

inline std::string message(const Status& status) { return status ? "no error" : status.error().describe(); }

#define ATTAR_ASSERT_OK(expression)                                      \
  do {                                                                   \
    const attar::Status attar_outcome = (expression);                    \
    ASSERT_TRUE(attar_outcome) << attar::format::message(attar_outcome); \
  } while (false)

inline constexpr std::string_view sample_certificate = R"({"claim":"a sample"})";

/// Schema, model, page-aligned codes of `codes_bytes`, plan, a section of a later kind, and a certificate of 300 bytes.
inline Status write_sample(const std::filesystem::path& path, std::uint64_t codes_bytes) {
  ATTAR_ASSIGN(auto writer, ArtifactWriter::create(path, {.certificate_bytes = 300}));
  ATTAR_TRY(writer.add({.kind = SectionKind::schema}, encode_schema({.rows = 1000, .dims = 8, .metric = Metric::l2})));
  ATTAR_TRY(writer.add({.kind = SectionKind::model, .codec_id = 7, .wire_version = 3}, noise(1001, 1)));
  ATTAR_TRY(
      writer.add({.kind = SectionKind::codes, .codec_id = 7, .alignment = Alignment::page}, noise(codes_bytes, 2)));
  ATTAR_TRY(writer.add({.kind = SectionKind::plan}, view(R"({"codec":"sample"})")));
  ATTAR_TRY(writer.add({.kind = static_cast<SectionKind>(99), .ignorable = true}, noise(77, 3)));
  return writer.finish(view(sample_certificate));
}

inline raw::Bytes sample_bytes(std::uint64_t codes_bytes) {
  const ScratchFile file;
  const Status status = write_sample(file.path(), codes_bytes);
  EXPECT_TRUE(status) << message(status);
  return read_file(file.path());
}

/// Where sections stand in the sample's directory.
inline constexpr std::uint64_t sample_schema = 0, sample_model = 1, sample_codes = 2, sample_plan = 3, sample_later = 4,
                               sample_certificate_section = 5;

}  // namespace attar::format
