// Runs an encoder for bench/encoders.py.
//
//   encode_bench encode FOLDER PRECISION LONGEST THREADS TEXTS OUT.npy
//       TEXTS: one text a line. Prints "ready" and the seconds that loading took, then for each line of standard input
//       the seconds of one pass over all texts, by the clock and of all processors' time; at its end the vectors go to
//       OUT.npy as f32.
//   encode_bench layers
//       Operations a second of layers as MiniLM has them, one thread, beside the most that the processor can do.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "data/npy.h"
#include "nn/aligned.h"
#include "nn/linear.h"
#include "nn/rows.h"
#include "text/encoder/bert.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

using namespace attar;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

[[noreturn]] void stop(const std::string& why) {
  fmt::print(stderr, "encode_bench: {}\n", why);
  std::exit(2);
}

template <class T>
T must(Result<T> result) {
  if (!result) stop(result.error().describe());
  return std::move(*result);
}

std::vector<std::string> lines_of(const char* path) {
  std::ifstream in(path);
  if (!in) stop(fmt::format("cannot read {}", path));
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) out.push_back(std::move(line));
  return out;
}

void write_npy(const char* path, std::uint64_t rows, std::uint32_t dims, const std::vector<float>& values) {
  std::ofstream out(path, std::ios::binary);
  out << data::npy_header_bytes("<f4", rows, dims);
  out.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
  if (!out.flush()) stop(fmt::format("cannot write {}", path));
}

void encode(char** words) {
  const auto start = Clock::now();
  const auto precision = nn::parse_precision(words[1]);
  if (!precision) stop("the precisions are f32, bf16, int8 and int4");
  const auto encoder = must(text::BertEncoder::open(
      words[0], {.precision = *precision, .longest = static_cast<std::uint32_t>(std::atoi(words[2]))}));
  fmt::print("ready {:.6f}\n", seconds_since(start));
  std::fflush(stdout);
  const std::vector<std::string> lines = lines_of(words[4]);
  const std::vector<std::string_view> texts(lines.begin(), lines.end());
  base::ThreadPool pool(static_cast<unsigned>(std::atoi(words[3])));
  std::vector<float> out(texts.size() * encoder->info().dims);
  for (std::string line; std::getline(std::cin, line);) {
    const std::clock_t spent = std::clock();
    const auto before = Clock::now();
    if (const auto done = encoder->encode(texts, pool, out); !done) stop(done.error().describe());
    fmt::print("{:.6f} {:.6f}\n", seconds_since(before),
               static_cast<double>(std::clock() - spent) / static_cast<double>(CLOCKS_PER_SEC));
    std::fflush(stdout);
  }
  write_npy(words[5], texts.size(), encoder->info().dims, out);
}

// The least seconds that a call took, of many.
template <class Call>
double least_seconds(const Call& call) {
  double least = 1e9;
  for (int round = 0; round < 60; ++round) {
    const auto start = Clock::now();
    call();
    least = std::min(least, seconds_since(start));
  }
  return least;
}

#if defined(__x86_64__)
constexpr int peak_steps = 1 << 18, peak_sums = 12;

// Multiplications of bytes and additions of their products, in registers alone.
[[gnu::target("avx512f,avx512vnni"), gnu::noinline]] void bytes_in_registers() {
  __m512i sums[peak_sums], values = _mm512_set1_epi32(0x01020304);
  for (auto& sum : sums) sum = _mm512_setzero_si512();
  for (int step = 0; step < peak_steps; ++step) {
    for (auto& sum : sums) sum = _mm512_dpbusd_epi32(sum, values, values);
    __asm__ volatile("" : "+v"(values));
  }
  for (auto& sum : sums) __asm__ volatile("" : : "v"(sum));
}

[[gnu::target("avx512f"), gnu::noinline]] void floats_in_registers() {
  __m512 sums[peak_sums], values = _mm512_set1_ps(0.5f);
  for (auto& sum : sums) sum = _mm512_setzero_ps();
  for (int step = 0; step < peak_steps; ++step) {
    for (auto& sum : sums) sum = _mm512_fmadd_ps(sum, values, values);
    __asm__ volatile("" : "+v"(values));
  }
  for (auto& sum : sums) __asm__ volatile("" : : "v"(sum));
}

void print_peaks() {
  const double steps = double{peak_steps} * peak_sums;
  if (simd::best_level() >= simd::Level::avx512_vnni)
    fmt::print("most: int8 {:.0f} GOP/s\n", 2 * 64 * steps / least_seconds(bytes_in_registers) * 1e-9);
  if (simd::best_level() >= simd::Level::avx512)
    fmt::print("most: f32 {:.0f} GFLOP/s\n", 2 * 16 * steps / least_seconds(floats_in_registers) * 1e-9);
}
#else
void print_peaks() {}
#endif

void time_layer(nn::Precision precision, simd::Level level, std::size_t inputs, std::size_t outputs,
                std::size_t count) {
  base::Random random(1);
  std::vector<float> weights(inputs * outputs), biases(outputs), rows(count * inputs), out(count * outputs);
  for (auto* values : {&weights, &biases, &rows})
    for (float& value : *values) value = static_cast<float>(random.normal());
  const auto layer =
      nn::linear_maker(precision, level)({.inputs = inputs, .outputs = outputs, .weights = weights, .biases = biases});
  nn::AlignedBuffer<std::byte> scratch(layer->scratch_bytes());
  const double seconds = least_seconds(
      [&] { layer->apply({.rows = rows.data(), .count = count, .out = out.data(), .scratch = scratch.data()}); });
  fmt::print("{} {} {} x {}, {} rows: {:.0f} GOP/s\n", simd::level_name(level), nn::precision_name(precision), inputs,
             outputs, count, 2 * static_cast<double>(inputs * outputs * count) / seconds * 1e-9);
}

void time_rows() {
  std::vector<float> values(1536 * 96, 0.7f);
  const double of_gelu = least_seconds([&] { nn::gelu(values); });
  std::vector<std::uint8_t> bytes(1536);
  const double of_bytes = least_seconds([&] {
    for (int i = 0; i < 96; ++i) nn::round_to_bytes({values.data() + 1536 * i, 1536}, bytes);
  });
  fmt::print("gelu {:.3f} ns a value, rounding to bytes {:.3f}\n", of_gelu * 1e9 / (1536 * 96),
             of_bytes * 1e9 / (1536 * 96));
}

void time_layers() {
  print_peaks();
  for (const simd::Level level : {simd::best_level(), simd::Level::avx2})
    for (const nn::Precision precision :
         {nn::Precision::int8, nn::Precision::int4, nn::Precision::f32, nn::Precision::bf16})
      for (const auto& [inputs, outputs] : {std::pair{384u, 1152u}, {384u, 1536u}, {1536u, 384u}})
        for (const std::size_t count : {12, 96, 288}) time_layer(precision, level, inputs, outputs, count);
  time_rows();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "encode" && argc == 8) {
    encode(argv + 2);
  } else if (verb == "layers" && argc == 2) {
    time_layers();
  } else {
    stop("say encode FOLDER PRECISION LONGEST THREADS TEXTS OUT.npy, or layers");
  }
}
