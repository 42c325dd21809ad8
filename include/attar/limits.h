// Ceilings on what an artifact may announce; they hold before anything is allocated.
#pragma once

#include <cstdint>

namespace attar {

struct OpenLimits {
  std::uint64_t max_sections = 4096;
  std::uint64_t max_rows = 0xffff'fffeu;  ///< row numbers are 32 bits, the last value is reserved
  std::uint32_t max_dims = 65'536;
  std::uint64_t max_model_bytes = 1ull << 30;   ///< a model section, which is decoded into memory
  std::uint64_t max_tensor_bytes = 1ull << 34;  ///< a tensor that is read into memory
  std::uint64_t max_text_bytes = 1ull << 26;    ///< plan and certificate, which are parsed
  std::uint32_t max_hits = 1u << 20;            ///< k of a search
};

}  // namespace attar
