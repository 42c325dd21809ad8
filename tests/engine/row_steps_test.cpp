// Tables by frequency: counts are read, the right table is found, and what is met often loses less in the same bytes.
#include "engine/row_steps.h"

#include <cmath>
#include <cstring>

#include "attar/tensors.h"
#include "data/tensor_files.h"
#include "engine/support.h"

namespace attar::engine {
namespace {

namespace fs = std::filesystem;
using data::make_tensor;
using data::safetensors_file;
using data::TensorContent;

constexpr data::TensorTypeWidth single{"F32", 4};

class RowSteps : public EngineTest {
 protected:
  // Counts of a language: the i-th word is met 20000 / (i + 1) times.
  static std::string counts_of(std::size_t rows) {
    std::string out;
    for (std::size_t i = 0; i < rows; ++i) out += std::to_string(20'000 / (i + 1)) + "\n";
    return out;
  }

  // Relative errors of rows [first, last) of the table that was packed last.
  double error_of_rows(const std::string& original, std::size_t columns, std::size_t first, std::size_t last) const {
    const auto opened = TensorArtifact::open(at("a.attar"));
    EXPECT_TRUE(opened) << error_of(opened);
    EXPECT_TRUE(opened->verify(2));
    const auto bytes = opened->read(opened->find("embed").value()).value();
    double squared = 0, error = 0;
    for (std::size_t i = first * columns; i < last * columns; ++i) {
      const auto was = static_cast<double>(base::load<float>(std::as_bytes(std::span(original)).data() + 4 * i));
      const auto is = static_cast<double>(base::load<float>(bytes.data() + 4 * i));
      squared += was * was;
      error += (was - is) * (was - is);
    }
    return error / squared;
  }
};

TEST_F(RowSteps, FrequentRowsLoseLessInTheSameBytes) {
  const auto table = make_tensor("embed", single, {2000, 96}, TensorContent::weights, 1);
  const auto path = put("m.safetensors", safetensors_file({table}));
  const auto counts = put("counts.txt", counts_of(2000));
  const LossOptions even{.budget = Budget{.value = 60'000}};
  LossOptions uneven = even;
  uneven.frequencies = counts;
  ASSERT_TRUE(pack_tensors(path, at("a.attar"), {.loss = even, .threads = 2}));
  const double often = error_of_rows(table.bytes, 96, 0, 50), seldom = error_of_rows(table.bytes, 96, 1500, 2000);
  EXPECT_NEAR(often, seldom, 0.2 * seldom);
  const auto report = pack_tensors(path, at("a.attar"), {.loss = uneven, .threads = 2});
  ASSERT_TRUE(report) << error_of(report);
  EXPECT_LE(report->bytes, 60'000u);
  EXPECT_GE(report->bytes, 59'800u);
  EXPECT_LT(error_of_rows(table.bytes, 96, 0, 50), 0.3 * often);
  EXPECT_GT(error_of_rows(table.bytes, 96, 1500, 2000), seldom);
  // The same with rows that repeat among them.
  auto padded = table;
  data::repeat_row(padded, 3, 1200, 2000);
  const auto other = put("p.safetensors", safetensors_file({padded}));
  const auto repeated = pack_tensors(other, at("a.attar"), {.loss = uneven, .threads = 2});
  ASSERT_TRUE(repeated) << error_of(repeated);
  EXPECT_LE(repeated->bytes, 60'000u);
  EXPECT_LT(error_of_rows(padded.bytes, 96, 0, 50), 0.15 * often);
  // And by a pin.
  LossOptions pinned{.pins = {*parse_tensor_pin("embed=2bit")}, .frequencies = counts, .table = "embed"};
  const auto by_pin = pack_tensors(path, at("a.attar"), {.loss = pinned, .threads = 2});
  ASSERT_TRUE(by_pin) << error_of(by_pin);
  EXPECT_NEAR(by_pin->lost[0].bits, 2, 0.15);
}

TEST_F(RowSteps, GoByTheFourthRootInASpanOfSixteen) {
  const std::vector<double> counts = {0, 9.5, 9.5, 159.5, 1e9, 9.5, 0.124};
  const std::vector<std::uint8_t> found = finer_by_frequency(counts);
  // Around the median of 10: a twentieth is two half octaves coarser, sixteen times two finer, 1e8 times cut at eight.
  EXPECT_EQ(found[4] - found[1], 8);
  EXPECT_EQ(found[3] - found[1], 2);
  EXPECT_EQ(found[1] - found[0], 2);
  EXPECT_EQ(std::ranges::min(found), 0);
  EXPECT_TRUE(finer_by_frequency({}).empty());
}

TEST_F(RowSteps, WrongFilesAndTablesAreRefused) {
  const auto path =
      put("m.safetensors", safetensors_file({make_tensor("embed", single, {300, 96}, TensorContent::weights, 1),
                                             make_tensor("twin", single, {300, 96}, TensorContent::weights, 2),
                                             make_tensor("head", single, {200, 96}, TensorContent::weights, 3),
                                             make_tensor("thin", single, {400, 24}, TensorContent::weights, 4)}));
  const auto with = [&](const std::string& counts, const std::string& table, LossOptions loss = {}) {
    if (!loss.any()) loss.budget = Budget{.value = 50'000};
    loss.frequencies = put("counts.txt", counts);
    loss.table = table;
    return pack_tensors(path, at("b.attar"), {.loss = loss});
  };
  expect_error(with(counts_of(300), ""), ErrorCode::invalid_argument, {"--table"});
  expect_error(with(counts_of(301), ""), ErrorCode::invalid_argument, {"301"});
  expect_error(with(counts_of(300), "none"), ErrorCode::invalid_argument, {"'none'"});
  expect_error(with(counts_of(300), "head"), ErrorCode::invalid_argument, {"'head'", "300"});
  expect_error(with(counts_of(400), "thin"), ErrorCode::unsupported, {"'thin'"});
  expect_error(with(counts_of(200), "", {.max_error = ErrorBound{.value = 0.1}}), ErrorCode::invalid_argument,
               {"bound"});
  for (const char* line : {"x", "-1", "nan", "inf", "1 2", "{\"count\": 1}"})
    expect_error(with(std::string("5\n") + line + "\n", "head"), ErrorCode::invalid_data, {"line 2"});
  expect_error(with(counts_of(300), "twin", {.progressive = true}), ErrorCode::invalid_argument, {"frequencies"});
  EXPECT_TRUE(with(counts_of(300), "twin"));
  EXPECT_TRUE(with(counts_of(200), ""));
  expect_error(pack_tensors(path, at("b.attar"), {.loss = {.budget = Budget{.value = 50'000}, .table = "head"}}),
               ErrorCode::invalid_argument, {"--frequencies"});
}

}  // namespace
}  // namespace attar::engine
