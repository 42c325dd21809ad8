// Other people's vectors: one interface over every input format, with random access by row.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attar/result.h"

namespace attar::data {

enum class ElementType : std::uint8_t { f16, f32, f64, i8, u8, i32 };

[[nodiscard]] std::string_view element_name(ElementType type) noexcept;

/// Vectors of one size. read() may be called from many threads at once.
class VectorSource {
 public:
  virtual ~VectorSource() = default;
  [[nodiscard]] virtual std::uint64_t rows() const noexcept = 0;
  [[nodiscard]] virtual std::uint32_t dims() const noexcept = 0;
  [[nodiscard]] virtual ElementType element() const noexcept = 0;
  /// The file's path, or "standard input", for messages.
  [[nodiscard]] virtual const std::string& name() const noexcept = 0;
  /// Rows [first, first + out.size() / dims()) widened to float; out.size() is a multiple of dims(). Memory stays
  /// bounded.
  [[nodiscard]] virtual Status read(std::uint64_t first, std::span<float> out) const = 0;
};

struct SourceOptions {
  std::string field = {};              ///< JSONL: the key of the vector; empty: "vector", "embedding" or the only array
  std::filesystem::path scratch = {};  ///< where a spooled stream lives; empty: $TMPDIR or /tmp
  std::string format = {};             ///< "npy", "fvecs" …; empty: by the ending, or by the first bytes
};

/// Opens by ending (.npy .fvecs .bvecs .ivecs .fbin .u8bin .i8bin .f16bin .ibin .jsonl/.ndjson) or content;
/// "-" spools standard input first. Errors name the file, the row, and the fix.
[[nodiscard]] Result<std::unique_ptr<VectorSource>> open_vectors(const std::filesystem::path& path,
                                                                 const SourceOptions& options = {});

/// Rows held in memory, as a source (tests, sub-samples, stand-in queries).
[[nodiscard]] std::unique_ptr<VectorSource> memory_source(std::vector<float> values, std::uint32_t dims,
                                                          std::string name);

/// Integer rows of a ground-truth file (.ivecs or .ibin), row-major.
struct IntegerRows {
  std::vector<std::int32_t> values;
  std::uint32_t width = 0;
};
[[nodiscard]] Result<IntegerRows> read_integer_rows(const std::filesystem::path& path);

}  // namespace attar::data
