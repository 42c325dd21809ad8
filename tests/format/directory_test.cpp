// Damage on purpose: every checksum is right, what they cover is not. And what later versions may bring.
#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "format/certify_copy.h"
#include "format/reader.h"
#include "format/samples.h"

namespace attar::format {
namespace {

using raw::Bytes;

/// Changes the sample, makes root and header checksum right again, and opens it.
std::optional<Error> open_after(const std::function<void(Bytes&)>& change, const OpenLimits& limits = {}) {
  Bytes bytes = sample_bytes(11'000);
  change(bytes);
  raw::seal_directory(bytes);
  const auto opened = ArtifactReader::open_bytes(bytes, limits);
  if (!opened) return opened.error();
  return std::nullopt;
}

void expect_code(const std::optional<Error>& error, ErrorCode code, std::string_view words) {
  ASSERT_TRUE(error) << "opened, where '" << words << "' was expected";
  EXPECT_EQ(error_name(error->code), error_name(code)) << error->describe();
  EXPECT_NE(error->message.find(words), std::string::npos) << error->message;
}

template <class T>
std::function<void(Bytes&)> set(std::uint64_t section, std::uint64_t field, T value) {
  return [=](Bytes& bytes) { raw::put(bytes, raw::entry_at(bytes, section) + field, value); };
}

template <class T>
std::function<void(Bytes&)> add(std::uint64_t section, std::uint64_t field, T value) {
  return [=](Bytes& bytes) {
    const auto at = raw::entry_at(bytes, section) + field;
    raw::put<T>(bytes, at, static_cast<T>(raw::get<T>(bytes, at) + value));
  };
}

TEST(Directory, TheSampleOpensAfterResealing) {
  EXPECT_FALSE(open_after([](Bytes&) {}));
}

TEST(Directory, EntriesInAnotherOrderAreRefused) {
  const auto swap = [](Bytes& bytes) {
    const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(raw::entry_at(bytes, sample_model));
    std::swap_ranges(first, first + raw::entry_size, first + raw::entry_size);
  };
  expect_code(open_after(swap), ErrorCode::corrupt, "is its place");
}

TEST(Directory, SectionsOutOfPlaceAreRefused) {
  constexpr auto back = ~std::uint64_t{63};  // minus 64
  expect_code(open_after(add<std::uint64_t>(sample_plan, raw::offset_in, back)), ErrorCode::corrupt, "is its place");
  expect_code(open_after(add<std::uint64_t>(sample_plan, raw::offset_in, 64)), ErrorCode::corrupt, "is its place");
  expect_code(open_after(set<std::uint64_t>(sample_schema, raw::offset_in, 0)), ErrorCode::corrupt, "is its place");
  expect_code(open_after(set<std::uint64_t>(sample_codes, raw::offset_in, UINT64_MAX)), ErrorCode::corrupt,
              "is its place");
}

TEST(Directory, LengthsThatOverlapOrLeaveGapsAreRefused) {
  // Longer: the next section would start later than it says. Shorter: a gap that could hide bytes.
  expect_code(open_after(add<std::uint64_t>(sample_model, raw::length_in, 8000)), ErrorCode::corrupt, "is its place");
  expect_code(open_after(add<std::uint64_t>(sample_codes, raw::length_in, ~std::uint64_t{8000})), ErrorCode::corrupt,
              "is its place");
  expect_code(open_after(set<std::uint64_t>(sample_certificate_section, raw::length_in, 200)), ErrorCode::corrupt,
              "the sections make");
  expect_code(open_after(set<std::uint64_t>(sample_certificate_section, raw::length_in, 100'000)), ErrorCode::corrupt,
              "passes the end");
}

TEST(Directory, HugeLengthsAreRefusedWithoutAllocating) {
  for (const std::uint64_t length : {UINT64_MAX, UINT64_MAX - 4095, UINT64_MAX / 2, std::uint64_t{1} << 40})
    expect_code(open_after(set(sample_codes, raw::length_in, length)), ErrorCode::corrupt, "");
}

TEST(Directory, TablesOutOfPlaceAreRefused) {
  expect_code(open_after(add<std::uint64_t>(sample_codes, raw::table_in, 8)), ErrorCode::corrupt, "block table");
  expect_code(open_after(set<std::uint64_t>(sample_codes, raw::table_in, 0)), ErrorCode::corrupt, "block table");
  expect_code(open_after(set<std::uint64_t>(sample_codes, raw::table_in, UINT64_MAX)), ErrorCode::corrupt,
              "block table");
}

TEST(Directory, ImpossibleKindsAndAlignmentsAreRefused) {
  expect_code(open_after(set<std::uint32_t>(sample_plan, raw::kind_in, 0)), ErrorCode::corrupt, "kind 0");
  for (const int alignment : {0, 5, 7, 13, 63, 64, 255})
    expect_code(open_after(set(sample_plan, raw::alignment_in, static_cast<std::uint8_t>(alignment))),
                ErrorCode::corrupt, "alignment");
}

TEST(Directory, TwoSectionsOfOnePairAreRefused) {
  expect_code(open_after(set<std::uint32_t>(sample_plan, raw::kind_in, 2)), ErrorCode::corrupt,
              "one kind and instance");
  const auto other_instance = [](Bytes& bytes) {
    set<std::uint32_t>(sample_plan, raw::kind_in, 2)(bytes);
    set<std::uint32_t>(sample_plan, raw::instance_in, 1)(bytes);
  };
  EXPECT_FALSE(open_after(other_instance));
}

TEST(Directory, TheCertificateIsThePlainLastSection) {
  const auto certificate = static_cast<std::uint32_t>(SectionKind::certificate);
  expect_code(open_after(set(sample_plan, raw::kind_in, certificate)), ErrorCode::corrupt, "plain last section");
  expect_code(open_after(set<std::uint32_t>(sample_certificate_section, raw::instance_in, 1)), ErrorCode::corrupt,
              "plain last");
  expect_code(open_after(set<std::uint32_t>(sample_certificate_section, raw::codec_in, 1)), ErrorCode::corrupt,
              "plain last");
}

TEST(Directory, CountsThatDoNotFitAreRefused) {
  const auto count = [](std::uint32_t value) {
    return [=](Bytes& bytes) {
      raw::put(bytes, raw::count_at, value);
      raw::put(bytes, raw::checksum_at, base::checksum(base::ByteView(bytes).first(raw::checksum_at)));
    };
  };
  expect_code(open_after(count(4000)), ErrorCode::corrupt, "does not fit");
  expect_code(open_after(count(UINT32_MAX)), ErrorCode::over_limit, "max_sections");
  expect_code(open_after(count(5)), ErrorCode::corrupt,
              "");  // an entry less: the rest of the file is not accounted for
  expect_code(open_after(count(0)), ErrorCode::corrupt, "the sections make");
}

TEST(Directory, AFileSizeBelowTheHeaderIsRefused) {
  for (const std::uint64_t size : {0, 1, 127}) {
    const auto announce = [=](Bytes& bytes) { raw::put<std::uint64_t>(bytes, raw::file_bytes_at, size); };
    expect_code(open_after(announce), ErrorCode::corrupt, "follow the end");
  }
}

TEST(Directory, ReservedBytesOfTheHeaderAreZero) {
  for (std::uint64_t at = raw::reserved_at; at < raw::checksum_at; ++at)
    expect_code(open_after([=](Bytes& bytes) { bytes[at] = std::byte{1}; }), ErrorCode::corrupt, "reserved");
}

TEST(Directory, VersionsAreToldApart) {
  const auto version = [](std::uint32_t value) {
    return [=](Bytes& bytes) { raw::put(bytes, raw::version_at, value); };
  };
  expect_code(open_after(version(0)), ErrorCode::too_old, "pack the data anew");
  EXPECT_FALSE(open_after(version(1)));
  expect_code(open_after(version(2)), ErrorCode::too_new, "update Attar");
  expect_code(open_after(version(UINT32_MAX)), ErrorCode::too_new, "update Attar");
}

TEST(Directory, ALaterVersionIsTooNewWhateverItsHeaderHolds) {
  Bytes bytes = sample_bytes(100);
  raw::put<std::uint32_t>(bytes, raw::version_at, 2);  // its checksum may lie elsewhere
  const auto opened = ArtifactReader::open_bytes(bytes);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::too_new);
}

TEST(Directory, FeatureBitsSayWhatAnOlderProgramMayDo) {
  const auto bit = [](std::uint64_t field, unsigned number) {
    return [=](Bytes& bytes) { raw::put(bytes, field, std::uint64_t{1} << number); };
  };
  for (const unsigned number : {0u, 5u, 63u}) {
    EXPECT_FALSE(open_after(bit(raw::ignorable_at, number)));
    EXPECT_FALSE(open_after(bit(raw::read_only_at, number)));
    expect_code(open_after(bit(raw::required_at, number)), ErrorCode::too_new, "(bits " + std::to_string(number) + ")");
  }
  const auto two = [](Bytes& bytes) { raw::put<std::uint64_t>(bytes, raw::required_at, 0b1010); };
  expect_code(open_after(two), ErrorCode::too_new, "(bits 1, 3)");
}

TEST(Directory, DerivingAFileKeepsIgnorableBitsAndHeedsReadOnlyOnes) {
  const ScratchFile file;
  Bytes bytes = sample_bytes(100);
  raw::put<std::uint64_t>(bytes, raw::ignorable_at, 8);
  raw::seal_directory(bytes);
  {
    const auto opened = ArtifactReader::open_bytes(bytes);
    ASSERT_TRUE(opened);
    ATTAR_ASSERT_OK(copy_with_certificate(*opened, file.path(), view(sample_certificate)));
    EXPECT_EQ(read_file(file.path()), bytes);
  }
  raw::put<std::uint64_t>(bytes, raw::read_only_at, 1);
  raw::seal_directory(bytes);
  const auto opened = ArtifactReader::open_bytes(bytes);
  ASSERT_TRUE(opened);
  const Status refused = copy_with_certificate(*opened, file.path(), view("x"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::too_new);
}

TEST(Directory, UnknownKindsPassOnlyWhenIgnorable) {
  expect_code(open_after(set<std::uint8_t>(sample_later, raw::flags_in, 0)), ErrorCode::too_new, "kind 99");
  EXPECT_FALSE(open_after(set<std::uint32_t>(sample_later, raw::kind_in, UINT32_MAX)));
  for (const int flags : {2, 3, 128})
    expect_code(open_after(set(sample_later, raw::flags_in, static_cast<std::uint8_t>(flags))), ErrorCode::too_new,
                "flags");
}

TEST(Directory, LimitsHoldBeforeAnythingIsRead) {
  const auto nothing = [](Bytes&) {};
  expect_code(open_after(nothing, {.max_sections = 5}), ErrorCode::over_limit, "max_sections");
  EXPECT_FALSE(open_after(nothing, {.max_sections = 6}));
  expect_code(open_after(nothing, {.max_model_bytes = 1000}), ErrorCode::over_limit, "max_model_bytes");
  EXPECT_FALSE(open_after(nothing, {.max_model_bytes = 1001}));
  expect_code(open_after(nothing, {.max_text_bytes = 299}), ErrorCode::over_limit, "max_text_bytes");
  EXPECT_FALSE(open_after(nothing, {.max_text_bytes = 300}));
}

// The fields that open() cannot judge are judged by verify_all().
TEST(Directory, WrongDigestsAndTablesAreFoundByVerification) {
  for (const std::uint64_t field : {raw::digest_in, raw::digest_in + 31, raw::table_checksum_in}) {
    Bytes bytes = sample_bytes(11'000);
    bytes[raw::entry_at(bytes, sample_codes) + field] ^= std::byte{1};
    raw::seal_directory(bytes);
    const auto opened = ArtifactReader::open_bytes(bytes);
    ASSERT_TRUE(opened);
    const Status verified = opened->verify_all();
    ASSERT_FALSE(verified) << field;
    EXPECT_EQ(verified.error().code, ErrorCode::corrupt);
    const ScratchFile copy;
    EXPECT_FALSE(copy_with_certificate(*opened, copy.path(), view("x"))) << "a copy must not launder damage";
    EXPECT_FALSE(std::filesystem::exists(copy.path()));
  }
}

TEST(Directory, TextBehindTheCertificatesEndIsRefused) {
  Bytes bytes = sample_bytes(100);
  const auto offset = raw::get<std::uint64_t>(bytes, raw::entry_at(bytes, sample_certificate_section) + raw::offset_in);
  bytes[offset + 299] = std::byte{'!'};
  raw::seal_sections(bytes);
  const auto opened = ArtifactReader::open_bytes(bytes);
  ASSERT_TRUE(opened);
  EXPECT_FALSE(opened->certificate());
  EXPECT_FALSE(opened->verify_all());
}

}  // namespace
}  // namespace attar::format
