// A few rows coded at given gains: the encoder makes several drafts and keeps each row's best.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "vector/tcq/kernel.h"

namespace attar::vector::tcq {

/// Components of some rows as columns: component i of all rows stands at [i · stride]. The stride is the rows rounded
/// up to whole groups of encode_lanes.
struct Columns {
  std::size_t count = 0;
  std::size_t stride = 0;
  std::vector<float> values;

  [[nodiscard]] const float* column(std::size_t i) const noexcept { return values.data() + i * stride; }
};

/// Codes of up to `rows` rows, and how close they come.
struct Draft {
  std::size_t rows = 0;
  std::vector<std::vector<std::byte>> rings;  ///< by run: blocks of 32 rows, the last padded to 8
  std::vector<double> match, squares;  ///< [row][run]: ⟨ẑ,z⟩, and Σ of decoded squares, without the row's scale
  std::vector<double> norm;            ///< by row: ⟨ẑ,ẑ⟩

  /// ⟨ẑ,z⟩ of all runs.
  [[nodiscard]] double match_of(std::size_t row) const noexcept;
  /// Grows with the cosine between ẑ and z, for drafts of the same rows.
  [[nodiscard]] double closeness(std::size_t row) const noexcept;
  /// Takes a row from another draft of the same runs, where it stands at `from`.
  void take(std::size_t row, const Draft& other, std::size_t from, const Shape& shape) noexcept;
};

/// Codes rows run by run; a later run of the same components codes what the earlier ones left.
class Drafter {
 public:
  /// energy: by component, what its square adds to the squared norm. Both must outlive this.
  Drafter(const Shape& shape, std::span<const double> energy);

  /// gains: by row (columns.stride of them), what its components are multiplied with before they are quantized.
  [[nodiscard]] Draft code(const Columns& columns, std::size_t rows, std::span<const float> gains) const;

 private:
  // What the rings of one run are made with.
  struct RunLevels {
    std::array<float, 256> unit{};   // reconstruction values of its windows, for a component of unit variance
    std::array<float, 256> value{};  // the same in the components' own unit
    float inverse = 0;               // of the deviation that the run's step is made for
  };
  // One unit of encode_lanes rows.
  struct Group {
    std::size_t run = 0, unit = 0, row = 0;
  };
  void code_group(const Group& group, const Columns& columns, std::span<const float> gains, std::vector<float>& decoded,
                  Draft& draft) const;
  static void encode_values(const Run& run, const float* levels, const float* values, std::uint8_t* windows) noexcept;

  const Shape& shape_;
  std::span<const double> energy_;
  std::vector<RunLevels> levels_;
};

}  // namespace attar::vector::tcq
