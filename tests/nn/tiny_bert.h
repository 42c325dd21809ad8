// A small BERT with random weights, its safetensors file, and what it should give: written out plainly in double
// precision, text by text, without any of the library's code.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "nn/bert.h"

namespace attar::nn {

/// A tensor as it will stand in a file.
struct NamedTensor {
  std::vector<std::uint64_t> shape;
  std::vector<float> values;
};
using Tensors = std::map<std::string, NamedTensor>;

/// The bytes of a safetensors file of F32 tensors; the header is as long as it happens to be.
inline std::string safetensors_bytes(const Tensors& tensors) {
  std::string header = "{\"__metadata__\":{\"format\":\"pt\"}", data;
  for (const auto& [name, tensor] : tensors) {
    std::string shape;
    for (const std::uint64_t length : tensor.shape) shape += (shape.empty() ? "" : ",") + std::to_string(length);
    const std::size_t begin = data.size();
    data.append(reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size() * sizeof(float));
    header.append(",\"").append(name).append("\":{\"dtype\":\"F32\",\"shape\":[").append(shape);
    header.append("],\"data_offsets\":[").append(std::to_string(begin)).append(",");
    header.append(std::to_string(data.size())).append("]}");
  }
  header += '}';
  std::string out(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(out.data(), &length, sizeof(length));
  return out + header + data;
}

inline void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

/// Odd sizes on purpose: nothing is a multiple of what kernels like.
inline BertConfig tiny_config() {
  return {.hidden_size = 42,
          .heads = 3,
          .layers = 2,
          .intermediate_size = 101,
          .positions = 90,
          .types = 2,
          .words = 60,
          .epsilon = 1e-12f};
}

inline std::string config_json(const BertConfig& c) {
  return "{\"model_type\": \"bert\", \"hidden_act\": \"gelu\", \"hidden_size\": " + std::to_string(c.hidden_size) +
         ", \"num_attention_heads\": " + std::to_string(c.heads) +
         ", \"num_hidden_layers\": " + std::to_string(c.layers) +
         ", \"intermediate_size\": " + std::to_string(c.intermediate_size) +
         ", \"max_position_embeddings\": " + std::to_string(c.positions) +
         ", \"type_vocab_size\": " + std::to_string(c.types) + ", \"vocab_size\": " + std::to_string(c.words) +
         ", \"layer_norm_eps\": 1e-12}";
}

class TinyWeights {
 public:
  explicit TinyWeights(const BertConfig& config, std::uint64_t seed = 7, std::string prefix = "")
      : random_(seed), prefix_(std::move(prefix)) {
    const std::uint64_t width = config.hidden_size, wide = config.intermediate_size;
    add("embeddings.word_embeddings.weight", {config.words, width}, 1.0);
    add("embeddings.position_embeddings.weight", {config.positions, width}, 0.5);
    add("embeddings.token_type_embeddings.weight", {config.types, width}, 0.5);
    add_norm("embeddings.LayerNorm", width);
    for (std::uint32_t i = 0; i < config.layers; ++i) {
      const std::string layer = "encoder.layer." + std::to_string(i) + ".";
      for (const char* part : {"query", "key", "value"})
        add_linear(layer + "attention.self." + part, width, width, 1.5);
      add_linear(layer + "attention.output.dense", width, width, 1.0);
      add_norm(layer + "attention.output.LayerNorm", width);
      add_linear(layer + "intermediate.dense", width, wide, 1.0);
      add_linear(layer + "output.dense", wide, width, 1.0);
      add_norm(layer + "output.LayerNorm", width);
    }
  }

  [[nodiscard]] const Tensors& tensors() const { return tensors_; }
  [[nodiscard]] Tensors& tensors() { return tensors_; }

 private:
  void add(const std::string& name, const std::vector<std::uint64_t>& shape, double size, double centre = 0) {
    NamedTensor& tensor = tensors_[prefix_ + name];
    tensor.shape = shape;
    std::uint64_t count = 1;
    for (const std::uint64_t length : shape) count *= length;
    for (std::uint64_t i = 0; i < count; ++i)
      tensor.values.push_back(static_cast<float>(centre + size * random_.normal()));
  }
  void add_linear(const std::string& name, std::uint64_t inputs, std::uint64_t outputs, double size) {
    add(name + ".weight", {outputs, inputs}, size / std::sqrt(static_cast<double>(inputs)));
    add(name + ".bias", {outputs}, 0.1);
  }
  void add_norm(const std::string& name, std::uint64_t width) {
    add(name + ".weight", {width}, 0.2, 1.0);
    add(name + ".bias", {width}, 0.2);
  }

  base::Random random_;
  std::string prefix_;
  Tensors tensors_;
};

/// The formulas of BERT, one text at a time.
class PlainBert {
 public:
  using Rows = std::vector<std::vector<double>>;

  PlainBert(const BertConfig& config, const Tensors& tensors) : config_(config), tensors_(tensors) {}

  [[nodiscard]] Rows run(const std::vector<std::uint32_t>& ids) const {
    Rows x;
    const auto& words = values("embeddings.word_embeddings.weight");
    const auto& places = values("embeddings.position_embeddings.weight");
    const auto& types = values("embeddings.token_type_embeddings.weight");
    const std::size_t width = config_.hidden_size;
    for (std::size_t t = 0; t < ids.size(); ++t) {
      auto& row = x.emplace_back(width);
      for (std::size_t d = 0; d < width; ++d)
        row[d] = double{words[ids[t] * width + d]} + double{places[t * width + d]} + double{types[d]};
    }
    norm("embeddings.LayerNorm", x);
    for (std::uint32_t i = 0; i < config_.layers; ++i) layer("encoder.layer." + std::to_string(i) + ".", x);
    return x;
  }

 private:
  [[nodiscard]] const std::vector<float>& values(const std::string& name) const { return tensors_.at(name).values; }

  [[nodiscard]] Rows linear(const std::string& name, const Rows& x) const {
    const auto &weights = values(name + ".weight"), &biases = values(name + ".bias");
    Rows out;
    for (const auto& row : x) {
      auto& y = out.emplace_back(biases.begin(), biases.end());
      for (std::size_t o = 0; o < y.size(); ++o)
        for (std::size_t k = 0; k < row.size(); ++k) y[o] += double{weights[o * row.size() + k]} * row[k];
    }
    return out;
  }

  void norm(const std::string& name, Rows& x) const {
    const auto &scale = values(name + ".weight"), &shift = values(name + ".bias");
    for (auto& row : x) {
      double mean = 0, variance = 0;
      for (const double value : row) mean += value / static_cast<double>(row.size());
      for (const double value : row) variance += (value - mean) * (value - mean) / static_cast<double>(row.size());
      for (std::size_t d = 0; d < row.size(); ++d)
        row[d] = (row[d] - mean) / std::sqrt(variance + double{config_.epsilon}) * double{scale[d]} + double{shift[d]};
    }
  }

  [[nodiscard]] Rows attention(const std::string& name, const Rows& x) const {
    const Rows q = linear(name + "query", x), k = linear(name + "key", x), v = linear(name + "value", x);
    const std::size_t size = config_.hidden_size / config_.heads;
    Rows out(x.size(), std::vector<double>(config_.hidden_size));
    for (std::size_t first = 0; first < config_.hidden_size; first += size)
      for (std::size_t t = 0; t < x.size(); ++t) {
        std::vector<double> shares;
        for (std::size_t j = 0; j < x.size(); ++j) {
          double score = 0;
          for (std::size_t d = first; d < first + size; ++d) score += q[t][d] * k[j][d];
          shares.push_back(std::exp(score / std::sqrt(static_cast<double>(size))));
        }
        double sum = 0;
        for (const double share : shares) sum += share;
        for (std::size_t j = 0; j < x.size(); ++j)
          for (std::size_t d = first; d < first + size; ++d) out[t][d] += shares[j] / sum * v[j][d];
      }
    return out;
  }

  void layer(const std::string& name, Rows& x) const {
    add(linear(name + "attention.output.dense", attention(name + "attention.self.", x)), x);
    norm(name + "attention.output.LayerNorm", x);
    Rows wide = linear(name + "intermediate.dense", x);
    for (auto& row : wide)
      for (double& value : row) value *= 0.5 * (1 + std::erf(value / std::sqrt(2.0)));
    add(linear(name + "output.dense", wide), x);
    norm(name + "output.LayerNorm", x);
  }

  static void add(const Rows& change, Rows& x) {
    for (std::size_t t = 0; t < x.size(); ++t)
      for (std::size_t d = 0; d < x[t].size(); ++d) x[t][d] += change[t][d];
  }

  BertConfig config_;
  const Tensors& tensors_;
};

}  // namespace attar::nn
