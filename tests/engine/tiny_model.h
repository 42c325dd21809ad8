// The folder of a small encoder with random weights.
#pragma once

#include <filesystem>
#include <string>

#include "nn/tiny_bert.h"

namespace attar {

/// config.json, model.safetensors and vocab.txt: letters, "the", "cat" and some signs.
inline void write_tiny_model(const std::filesystem::path& folder) {
  std::string words = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n";
  for (const std::string prefix : {"", "##"})
    for (char letter = 'a'; letter <= 'z'; ++letter) words += prefix + letter + "\n";
  for (const char* word : {"the", "cat", ".", ","}) words += std::string(word) + "\n";
  nn::write_file(folder / "config.json", nn::config_json(nn::tiny_config()));
  nn::write_file(folder / "model.safetensors", nn::safetensors_bytes(nn::TinyWeights(nn::tiny_config()).tensors()));
  nn::write_file(folder / "vocab.txt", words);
  nn::write_file(folder / "sentence_bert_config.json", "{\"max_seq_length\": 22, \"do_lower_case\": false}");
}

}  // namespace attar
