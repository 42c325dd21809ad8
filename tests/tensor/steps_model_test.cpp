// MiniLM's 36 encoder matrices along the trellis: bits at the error of ggml's Q4_0, all in, and speeds by the time of
// the processor.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <iostream>

#include "data/safetensors.h"
#include "tensor/steps/steps.h"
#include "text/encoder/installed.h"

namespace attar::tensor::steps {
namespace {

namespace fs = std::filesystem;

constexpr codec::Element f32{.bytes = 4, .exponent_bits = 8, .mantissa_bits = 23};
constexpr double escape_bits = 32;

// Mean t² of Q4_0 over the 36 matrices: bench/weight_designs.py, "formats".
constexpr double error_of_q4_0 = 0.00804522;

struct Matrix {
  codec::TensorView view;
  std::unique_ptr<const Weights> weights;
};

std::optional<fs::path> installed_model() {
  // The bench's own environment lies beside the sources.
  text::PythonPlaces places = text::PythonPlaces::of_process();
  places.prefixes.insert(places.prefixes.begin(), fs::path(ATTAR_SOURCE_DIR) / ".venv-bench");
  return text::find_installed_encoder(places);
}

std::vector<Matrix> matrices_of(const data::Safetensors& file) {
  std::vector<Matrix> out;
  for (const data::Tensor& tensor : file.tensors()) {
    if (!tensor.name.starts_with("encoder.") || tensor.shape.size() != 2 || tensor.type != data::TensorType::f32)
      continue;
    Matrix own{
        .view = {.schema = {.element = f32, .count = tensor.count, .columns = tensor.shape[1]},
                 .bytes = tensor.bytes,
                 .block_elements = std::max<std::uint64_t>(1, good_block_elements / tensor.shape[1]) * tensor.shape[1]},
        .weights = nullptr};
    own.weights = Weights::look(own.view);
    out.push_back(std::move(own));
  }
  return out;
}

// Half steps in proportion to the norms.
std::vector<Part> parts_of(const std::vector<Matrix>& matrices, double factor) {
  std::vector<Part> out;
  out.reserve(matrices.size());
  for (const Matrix& matrix : matrices)
    out.push_back({.weights = matrix.weights.get(),
                   .setting = {.half_step = static_cast<float>(factor * std::sqrt(matrix.weights->square()))}});
  return out;
}

double mean_error(const std::vector<Part>& parts, const math::RansModel& model) {
  double sum = 0;
  for (const Part& part : parts) {
    double own = 0;
    for (std::uint64_t b = 0; b < part.weights->blocks(); ++b)
      own += part.weights->measure(part.setting, model, b).squared_error;
    sum += own / part.weights->square();
  }
  return sum / static_cast<double>(parts.size());
}

// What others do on the machine counts little so.
double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

struct Whole {
  std::uint64_t bytes = 0;            ///< all blocks, preambles and tables
  double error = 0;                   ///< mean t²
  double encoding = 0, decoding = 0;  ///< seconds of the processor
};

Whole write_and_read(const std::vector<Matrix>& matrices, const std::vector<Part>& parts, math::RansModel model) {
  Whole out;
  codec::TableSets tables;
  const auto number = tables.add(std::move(model));
  EXPECT_TRUE(number);
  base::ByteWriter saved;
  tables.save(saved);
  out.bytes = saved.size();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const codec::TensorView& view = matrices[i].view;
    const auto writer = parts[i].weights->writer(parts[i].setting, tables, *number);
    EXPECT_TRUE(writer);
    const std::vector<std::byte> preamble = (*writer)->preamble();
    const auto reader = codec::find_tensor_codec(codec_id)->open(preamble, view.schema, tables);
    EXPECT_TRUE(reader);
    out.bytes += preamble.size();
    const std::uint64_t each = view.block_elements * sizeof(float);
    double squared = 0;
    std::vector<float> back(view.block_elements), original(view.block_elements);
    std::vector<std::byte> block;
    for (std::uint64_t at = 0; at < view.bytes.size(); at += each) {
      const base::ByteView elements = view.bytes.subspan(at, std::min<std::uint64_t>(each, view.bytes.size() - at));
      const auto values = std::as_writable_bytes(std::span(back)).first(elements.size());
      block.clear();
      auto start = processor_seconds();
      (*writer)->write({.elements = elements}, block);
      out.encoding += processor_seconds() - start;
      out.bytes += block.size();
      start = processor_seconds();
      EXPECT_TRUE((*reader)->read(block, {}, values));
      out.decoding += processor_seconds() - start;
      std::memcpy(original.data(), elements.data(), elements.size());
      for (std::size_t j = 0; j < elements.size() / sizeof(float); ++j)
        squared += std::pow(static_cast<double>(original[j]) - static_cast<double>(back[j]), 2);
    }
    out.error += squared / parts[i].weights->square() / static_cast<double>(parts.size());
  }
  return out;
}

TEST(Steps, SlowMiniLMReachesTheErrorOfQ4InFewerBits) {
  const auto folder = installed_model();
  if (!folder) GTEST_SKIP() << "MiniLM is not on this machine; ./do deps bench installs it.";
  const auto file = data::Safetensors::open(*folder / "model.safetensors");
  ASSERT_TRUE(file) << file.error().describe();
  const std::vector<Matrix> matrices = matrices_of(*file);
  ASSERT_EQ(matrices.size(), 36u);
  double count = 0;
  for (const Matrix& matrix : matrices) count += static_cast<double>(matrix.view.schema.count);
  // The error grows nearly with the square of the step.
  double factor = 0.00025;
  for (int i = 0; i < 4; ++i) {
    const std::vector<Part> parts = parts_of(matrices, factor);
    factor *= std::sqrt(error_of_q4_0 / mean_error(parts, fit_by_turns(parts, escape_bits)));
  }
  factor *= 0.9995;  // what is left of the search must not end above
  const std::vector<Part> parts = parts_of(matrices, factor);
  const Whole found = write_and_read(matrices, parts, fit_by_turns(parts, escape_bits));
  const double bits = 8 * static_cast<double>(found.bytes) / count;
  std::cout << "t2 " << found.error << " at " << bits << " bits a weight all in; encoding "
            << count / found.encoding / 1e6 << " M weights/s, decoding " << 4 * count / found.decoding / 1e6
            << " MB/s of f32\n";
  EXPECT_LE(found.error, error_of_q4_0);
  EXPECT_LE(bits, 3.45);
}

}  // namespace
}  // namespace attar::tensor::steps
