#include "data/source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "base/threads.h"
#include "files.h"

namespace attar::data {
namespace {

struct Kind {
  std::string_view ending;
  ElementType element;
};
constexpr std::array kinds{
    Kind{"fvecs", ElementType::f32},  Kind{"bvecs", ElementType::u8}, Kind{"ivecs", ElementType::i32},
    Kind{"fbin", ElementType::f32},   Kind{"u8bin", ElementType::u8}, Kind{"i8bin", ElementType::i8},
    Kind{"f16bin", ElementType::f16}, Kind{"ibin", ElementType::i32},
};

/// Small whole numbers, which every element type holds exactly.
std::vector<float> whole_numbers(base::Random& random, std::uint64_t count, ElementType element) {
  std::vector<float> out(count);
  for (float& x : out) {
    x = static_cast<float>(random.below(128));
    if (element != ElementType::u8 && random.below(2) == 1) x = -x;
  }
  return out;
}

std::string file_bytes(const Kind& kind, std::span<const float> values, std::uint32_t dims) {
  return kind.ending.ends_with("vecs") ? vecs_file(values, dims, kind.element) : bin_file(values, dims, kind.element);
}

class SourceTest : public DataTest {};

TEST_F(SourceTest, ReadsEveryBinaryFormatAtRandomShapes) {
  base::Random random(1);
  for (const Kind& kind : kinds) {
    for (int round = 0; round < 8; ++round) {
      const auto dims = static_cast<std::uint32_t>(1 + random.below(70));
      const std::uint64_t rows = 1 + random.below(50);
      const auto values = whole_numbers(random, rows * dims, kind.element);
      const auto path = put("x." + std::string(kind.ending), file_bytes(kind, values, dims));
      const auto source = open_vectors(path);
      ASSERT_TRUE(source) << source.error().describe();
      EXPECT_EQ((*source)->rows(), rows);
      EXPECT_EQ((*source)->dims(), dims);
      EXPECT_EQ((*source)->element(), kind.element);
      EXPECT_EQ((*source)->name(), path.string());
      EXPECT_EQ(read_all(**source).value(), values);
      const std::uint64_t first = random.below(rows);
      std::vector<float> part((1 + random.below(rows - first)) * dims);
      ASSERT_TRUE((*source)->read(first, part));
      EXPECT_TRUE(std::ranges::equal(part, std::span(values).subspan(first * dims, part.size())));
    }
  }
}

TEST_F(SourceTest, ReadsRequestsLargerThanItsBuffer) {
  base::Random random(2);
  constexpr std::uint32_t dims = 1000;
  for (const Kind& kind : kinds) {
    const auto values = whole_numbers(random, 1500 * dims, kind.element);
    const auto read = read_file(put("x." + std::string(kind.ending), file_bytes(kind, values, dims)));
    ASSERT_TRUE(read) << read.error().describe();
    EXPECT_EQ(*read, values) << kind.ending;
  }
}

TEST_F(SourceTest, WidensNegativeAndFractionalValuesExactly) {
  const std::vector<float> values{-0.5f, 0.25f, 65504.0f, -6.1035e-05f};
  std::string bytes;
  append(bytes, std::uint32_t{2});
  append(bytes, std::uint32_t{2});
  for (const float x : values) append(bytes, base::float_to_half(x));
  const auto read = read_file(put("x.f16bin", bytes));
  ASSERT_TRUE(read);
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ((*read)[i], base::half_to_float(base::float_to_half(values[i])));
}

TEST_F(SourceTest, EveryTruncationIsATypedError) {
  base::Random random(3);
  for (const Kind& kind : kinds) {
    const auto bytes = file_bytes(kind, whole_numbers(random, 15, kind.element), 3);
    const std::size_t row = bytes.size() / 5;
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      const auto read = read_file(put("x." + std::string(kind.ending), bytes.substr(0, length)));
      // A .fvecs-like file does not say how many rows it has: cut between two rows it is a shorter file.
      if (kind.ending.ends_with("vecs") && length != 0 && length % row == 0) {
        ASSERT_TRUE(read);
        EXPECT_EQ(read->size(), length / row * 3);
        continue;
      }
      expect_error(read, length == 0 ? ErrorCode::invalid_data : ErrorCode::truncated, {"x."});
    }
  }
}

TEST_F(SourceTest, NamesTheRowWithOtherDimensions) {
  std::string bytes;
  for (int row = 0; row < 20; ++row) {
    const std::int32_t dims = row == 17 ? 96 : 128;
    append(bytes, dims);
    for (std::int32_t i = 0; i < dims; ++i) append(bytes, 1.0f);
  }
  expect_error(open_vectors(put("short.fvecs", bytes)), ErrorCode::invalid_data,
               {"short.fvecs: row 17 has 96 dimensions, the first has 128"});
}

TEST_F(SourceTest, FindsMixedDimensionsThatKeepTheSizeWhenTheRowIsRead) {
  std::string bytes;
  for (const std::int32_t dims : {4, 4, 2, 6, 4}) {
    append(bytes, dims);
    for (std::int32_t i = 0; i < dims; ++i) append(bytes, 1.0f);
  }
  const auto source = open_vectors(put("mixed.fvecs", bytes));
  ASSERT_TRUE(source) << source.error().describe();
  std::vector<float> row(4);
  EXPECT_TRUE((*source)->read(1, row));
  expect_error((*source)->read(2, row), ErrorCode::invalid_data, {"row 2 has 2 dimensions, the first has 4"});
}

TEST_F(SourceTest, RefusesWhatFollowsTheRows) {
  const std::vector<float> values(6, 1.0f);
  expect_error(open_vectors(put("x.fbin", bin_file(values, 3, ElementType::f32) + "!")), ErrorCode::invalid_data,
               {"x.fbin: 1 bytes follow its 2 rows of 3 dimensions"});
  expect_error(open_vectors(put("x.fvecs", vecs_file(values, 3, ElementType::f32) + "12345678")), ErrorCode::truncated,
               {"2 rows of 3 dimensions", "8 bytes more", "row 2 is cut short"});
}

TEST_F(SourceTest, RefusesSizesOutsideTheLimitsBeforeItAllocates) {
  const auto bin = [&](std::uint32_t rows, std::uint32_t dims) {
    std::string bytes;
    append(bytes, rows);
    append(bytes, dims);
    return open_vectors(put("x.fbin", bytes));
  };
  expect_error(bin(0, 4), ErrorCode::invalid_data, {"x.fbin", "no rows"});
  expect_error(bin(4, 0), ErrorCode::invalid_data, {"x.fbin", "no dimensions"});
  expect_error(bin(4, 65'537), ErrorCode::over_limit, {"65537 dimensions", "65536"});
  expect_error(bin(0xffff'ffff, 4), ErrorCode::over_limit, {"4294967295 rows", "4294967294"});
  expect_error(bin(0xffff'fffe, 65'536), ErrorCode::truncated, {"ends in row 0"});
  const auto vecs = [&](std::int32_t dims) {
    std::string bytes;
    append(bytes, dims);
    return open_vectors(put("x.fvecs", bytes));
  };
  expect_error(vecs(0), ErrorCode::invalid_data, {"no dimensions"});
  expect_error(vecs(-4), ErrorCode::over_limit, {"--format"});
  expect_error(vecs(65'537), ErrorCode::over_limit, {"65537 dimensions"});
}

TEST_F(SourceTest, RefusesAReadBeyondTheLastRow) {
  for (const auto* ending : {"fbin", "fvecs"}) {
    const Kind kind{ending, ElementType::f32};
    const auto source =
        open_vectors(put("x." + std::string(ending), file_bytes(kind, std::vector<float>(6, 1.0f), 3))).value();
    std::vector<float> out(6);
    expect_error(source->read(1, out), ErrorCode::invalid_argument, {"from row 1 on", "2 rows"});
    expect_error(source->read(~0ull, out), ErrorCode::invalid_argument, {});
    expect_error(source->read(0, std::span(out).first(4)), ErrorCode::invalid_argument, {"4 values"});
    EXPECT_TRUE(source->read(2, {}));
  }
}

TEST_F(SourceTest, ReportsAFileThatShrinksWhileOpen) {
  const auto path = put("x.fbin", bin_file(std::vector<float>(60, 1.0f), 3, ElementType::f32));
  const auto source = open_vectors(path).value();
  std::filesystem::resize_file(path, 50);
  expect_error(read_all(*source), ErrorCode::truncated, {"x.fbin", "byte 50"});
}

TEST_F(SourceTest, ManyThreadsReadAtOnce) {
  base::Random random(4);
  const auto values = whole_numbers(random, 400 * 33, ElementType::u8);
  const auto source = open_vectors(put("x.bvecs", vecs_file(values, 33, ElementType::u8))).value();
  std::atomic<int> wrong{0};
  base::ThreadPool pool(4);
  pool.run(400, [&](std::size_t row, unsigned) {
    std::vector<float> out(33 * std::min<std::size_t>(7, 400 - row));
    if (!source->read(row, out) || !std::ranges::equal(out, std::span(values).subspan(row * 33, out.size()))) ++wrong;
  });
  EXPECT_EQ(wrong, 0);
}

TEST_F(SourceTest, ChoosesTheFormatByOptionThenEndingThenContent) {
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  const auto bin = bin_file(values, 3, ElementType::f32);
  EXPECT_EQ(read_file(put("x.FBIN", bin)).value(), values);
  EXPECT_EQ(read_file(put("x.fvecs", bin), {.format = "fbin"}).value(), values);
  EXPECT_EQ(read_file(put("noname", "\n {\"vector\": [1, 2]}\n")).value(), (std::vector<float>{1, 2}));
  std::string data;
  for (const float x : values) append(data, x);
  EXPECT_EQ(read_file(put("y.dat", npy_file(npy_dictionary("<f4", "(2, 3)"), data))).value(), values);
  expect_error(open_vectors(put("x.dat", bin)), ErrorCode::invalid_argument, {"x.dat", "--format", "f16bin"});
  expect_error(open_vectors(put("x.dat", bin), {.format = "csv"}), ErrorCode::invalid_argument,
               {"--format 'csv'", "npy, fvecs"});
}

TEST_F(SourceTest, TellsHowToUnpackAnArchive) {
  expect_error(open_vectors(put("x.npy.zst", "\x28\xb5\x2f\xfd data")), ErrorCode::unsupported, {"zstd -dc"});
  expect_error(open_vectors(put("x.npy.gz", "\x1f\x8b data")), ErrorCode::unsupported, {"gzip -dc"});
  expect_error(open_vectors(put("x.npz", "PK\x03\x04 data")), ErrorCode::unsupported, {"np.save"});
}

TEST_F(SourceTest, RefusesWhatIsNoFile) {
  expect_error(open_vectors(directory_ / "absent.npy"), ErrorCode::io, {"absent.npy", "cannot open"});
  expect_error(open_vectors(directory_), ErrorCode::io, {"is a directory"});
  expect_error(open_vectors("/dev/null"), ErrorCode::io, {"neither a file nor a pipe"});
  expect_error(open_vectors(put("empty", "")), ErrorCode::invalid_data, {"is empty"});
}

/// Puts `bytes` on standard input, as a pipe, while it lives.
class StandardInput {
 public:
  explicit StandardInput(const std::string& bytes) : saved_(::dup(STDIN_FILENO)) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) return;
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
    writer_ = std::jthread([bytes, end = ends[1]] {
      std::size_t at = 0;
      while (at < bytes.size()) {
        const ssize_t count = ::write(end, bytes.data() + at, bytes.size() - at);
        if (count <= 0) break;
        at += static_cast<std::size_t>(count);
      }
      ::close(end);
    });
  }
  ~StandardInput() {
    writer_.join();
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

 private:
  int saved_;
  std::jthread writer_;
};

TEST_F(SourceTest, SpoolsStandardInput) {
  base::Random random(5);
  const auto values = whole_numbers(random, 100'000 * 3, ElementType::f32);
  std::string data;
  for (const float x : values) append(data, x);
  {
    const StandardInput input(npy_file(npy_dictionary("<f4", "(100000, 3)"), data));
    const auto source = open_vectors("-", {.scratch = directory_});
    ASSERT_TRUE(source) << source.error().describe();
    EXPECT_EQ((*source)->name(), "standard input");
    EXPECT_EQ(read_all(**source).value(), values);
    EXPECT_TRUE(std::filesystem::is_empty(directory_));
  }
  {
    const StandardInput input("{\"vector\": [1, 2]}\n{\"vector\": [3, 4]}");
    EXPECT_EQ(read_file("-").value(), (std::vector<float>{1, 2, 3, 4}));
  }
  {
    const StandardInput input(vecs_file(values, 3, ElementType::f32));
    EXPECT_EQ(read_file("-", {.format = "fvecs"}).value(), values);
  }
  {
    const StandardInput input(std::string(100, '\x01'));
    expect_error(open_vectors("-"), ErrorCode::invalid_argument, {"standard input", "--format"});
  }
  {
    const StandardInput input("");
    expect_error(open_vectors("-"), ErrorCode::invalid_data, {"standard input", "is empty"});
  }
}

TEST_F(SourceTest, SpoolsANamedPipe) {
  const auto path = directory_ / "pipe.fvecs";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::vector<float> values{1, 2, 3, 4};
  std::jthread writer([&] { put("pipe.fvecs", vecs_file(values, 2, ElementType::f32)); });
  EXPECT_EQ(read_file(path).value(), values);
}

TEST_F(SourceTest, ReportsAScratchDirectoryThatIsNotThere) {
  const StandardInput input("{}");
  expect_error(open_vectors("-", {.scratch = directory_ / "absent"}), ErrorCode::io, {"scratch"});
}

TEST_F(SourceTest, HoldsRowsInMemory) {
  const auto source = memory_source({1, 2, 3, 4, 5, 6}, 3, "sample");
  EXPECT_EQ(source->rows(), 2u);
  EXPECT_EQ(source->name(), "sample");
  std::vector<float> row(3);
  ASSERT_TRUE(source->read(1, row));
  EXPECT_EQ(row, (std::vector<float>{4, 5, 6}));
  expect_error(source->read(2, row), ErrorCode::invalid_argument, {"sample", "from row 2 on"});
  expect_error(source->read(0, std::span(row).first(2)), ErrorCode::invalid_argument, {"2 values"});
  EXPECT_EQ(memory_source({}, 0, "none")->rows(), 0u);
}

TEST_F(SourceTest, ReadsTheRowsOfAGroundTruth) {
  const std::vector<float> values{5, -1, 16'777'216, 0, 7, 9};
  for (const Kind& kind : {Kind{"ivecs", ElementType::i32}, Kind{"ibin", ElementType::i32}}) {
    const auto rows = read_integer_rows(put("gt." + std::string(kind.ending), file_bytes(kind, values, 2)));
    ASSERT_TRUE(rows) << rows.error().describe();
    EXPECT_EQ(rows->width, 2u);
    EXPECT_EQ(rows->values, (std::vector<std::int32_t>{5, -1, 16'777'216, 0, 7, 9}));
  }
  std::string mixed;
  for (const std::int32_t x : {2, 1, 1, 1, 1, 3, 1, 1, 1}) append(mixed, x);
  expect_error(read_integer_rows(put("mixed.ivecs", mixed)), ErrorCode::invalid_data,
               {"row 1 has 1 dimensions, the first has 2"});
  expect_error(read_integer_rows(put("gt.fvecs", vecs_file(values, 2, ElementType::f32))), ErrorCode::invalid_argument,
               {".ivecs or .ibin"});
}

TEST_F(SourceTest, NamesTheElementTypes) {
  EXPECT_EQ(element_name(ElementType::f16), "f16");
  EXPECT_EQ(element_name(ElementType::f64), "f64");
  EXPECT_EQ(element_name(ElementType::i32), "i32");
}

TEST(RealVectors, OpenAsTheyAre) {
  const char* set = std::getenv("ATTAR_DATA");
  const std::filesystem::path data = set != nullptr ? set : std::string(ATTAR_SOURCE_DIR) + "/../shared/data";
  const auto path = data / "vectors" / "debian-minilm.f16.npy";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "The real vectors are not on this machine.";
  const auto source = open_vectors(path);
  ASSERT_TRUE(source) << source.error().describe();
  EXPECT_EQ((*source)->rows(), 63'666u);
  EXPECT_EQ((*source)->dims(), 384u);
  EXPECT_EQ((*source)->element(), ElementType::f16);
  std::vector<float> last(384);
  EXPECT_TRUE((*source)->read(63'665, last));
}

}  // namespace
}  // namespace attar::data
