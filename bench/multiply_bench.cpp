// Products of a matrix with few rows, as bench/packed_model.py reports them: one thread, each precision at each level.
//
//   multiply_bench
//       A line of JSON a case: level, precision, inputs, outputs, rows, bytes (of the weights as they are kept),
//       seconds of one pass (the least of many), gb_s (bytes by seconds: how fast weights stream), f32_gb_s (bytes that
//       the same weights have as floats, by seconds), products_s (rows · inputs · outputs by seconds).
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>
#include <vector>

#include "base/random.h"
#include "nn/aligned.h"
#include "nn/linear.h"

namespace {

using namespace attar;

struct Shape {
  std::size_t inputs, outputs;
};

std::vector<float> normals(std::size_t count, base::Random& random) {
  std::vector<float> out(count);
  for (float& value : out) value = static_cast<float>(random.normal());
  return out;
}

// Of this thread's own time, so that what else the machine does counts less.
double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Of one pass, the least of rounds that are long beside the clock's own call.
double least_seconds(const nn::Linear& layer, const nn::LinearTask& task) {
  double start = thread_seconds();
  layer.apply(task);
  const double once = thread_seconds() - start;
  const int passes = static_cast<int>(std::clamp(2e-4 / once, 1.0, 1000.0));
  double least = 1e9, all = 0;
  for (int round = 0; round < 1000 && (round < 8 || all < 0.4); ++round) {
    start = thread_seconds();
    for (int pass = 0; pass < passes; ++pass) layer.apply(task);
    const double seconds = thread_seconds() - start;
    least = std::min(least, seconds / passes);
    all += seconds;
  }
  return least;
}

void run(const Shape& shape, const std::vector<float>& weights, base::Random& random) {
  constexpr std::size_t most_rows = 8;
  const std::vector<float> biases(shape.outputs), rows = normals(most_rows * shape.inputs, random);
  std::vector<float> out(most_rows * shape.outputs);
  for (const nn::Precision precision :
       {nn::Precision::f32, nn::Precision::bf16, nn::Precision::int8, nn::Precision::int4})
    for (const simd::Level level : {simd::Level::avx2, simd::best_level()}) {
      if (level > simd::best_level()) continue;
      const auto layer = nn::linear_maker(
          precision, level)({.inputs = shape.inputs, .outputs = shape.outputs, .weights = weights, .biases = biases});
      nn::AlignedBuffer<std::byte> scratch(layer->scratch_bytes());
      for (const std::size_t count : {std::size_t{1}, std::size_t{4}, most_rows}) {
        const double seconds =
            least_seconds(*layer, {.rows = rows.data(), .count = count, .out = out.data(), .scratch = scratch.data()});
        const auto bytes = static_cast<double>(layer->weight_bytes());
        const auto products = static_cast<double>(shape.inputs * shape.outputs);
        fmt::print(R"({{"level": "{}", "precision": "{}", "inputs": {}, "outputs": {}, "rows": {}, "bytes": {}, )"
                   R"("seconds": {:.3e}, "gb_s": {:.2f}, "f32_gb_s": {:.2f}, "products_s": {:.3e}}})"
                   "\n",
                   simd::level_name(level), nn::precision_name(precision), shape.inputs, shape.outputs, count,
                   layer->weight_bytes(), seconds, bytes / seconds * 1e-9, 4 * products / seconds * 1e-9,
                   products * static_cast<double>(count) / seconds);
      }
      if (level == simd::best_level()) break;
    }
}

}  // namespace

int main() {
  base::Random random(1);
  // A layer of MiniLM, which stays in the second cache, and one that no cache of a core holds.
  for (const Shape shape : {Shape{384, 1536}, Shape{1536, 384}, Shape{4096, 11008}})
    run(shape, normals(shape.inputs * shape.outputs, random), random);
}
