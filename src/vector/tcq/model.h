// What tcq learned: the transform, the runs of its rate, the centre. spec.md has the bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "codec/codec.h"
#include "math/hadamard.h"
#include "math/linalg.h"
#include "vector/tcq/kernel.h"
#include "vector/tcq/transform.h"

namespace attar::vector::tcq {

/// Settings of one option; the planner keeps them as codec::Params.
struct Settings {
  std::uint32_t row_bytes = 0;   ///< ceiling on the rings of a row
  std::uint32_t head_bytes = 0;  ///< ceiling on those of its first layer; 0: one layer
  std::uint8_t matrix_bits = 8;  ///< 4, 8 or 16; 0: Hadamard
  bool trellis = true;
  std::uint8_t scale_bytes = 1;  ///< 1 or 2
  double power = 0.35;           ///< p of the weighting
  std::uint64_t seed = 0;

  [[nodiscard]] codec::Params to_params() const;
  [[nodiscard]] static Settings from_params(const codec::Params& params);
  /// Everything but the rate, in words.
  [[nodiscard]] std::string variant() const;
};

/// How rows become components; only a freshly trained model has it in full, a loaded one rebuilds it from the matrix.
struct Analysis {
  math::Matrix<float>
      matrix;  ///< kept components first, then dropped ones (if known); empty for the Hadamard transform
  std::vector<double> energy;  ///< by component: what its square adds to the (weighted) squared norm, whose mean is 1
};

/// The inverse of a Gram matrix, with as much of a ridge as it takes where rounding left it indefinite.
[[nodiscard]] Result<math::Matrix<double>> invert_gram(const math::Matrix<double>& gram);

class TcqModel final : public codec::Model {
 public:
  [[nodiscard]] Status save(base::Sink& sink) const override;
  [[nodiscard]] static Result<std::shared_ptr<const TcqModel>> load(const format::SectionReader& section,
                                                                    const codec::Schema& schema,
                                                                    const OpenLimits& limits);
  /// Bytes that save() writes, without building the model.
  [[nodiscard]] static std::uint64_t saved_bytes(std::uint32_t dims, const Shape& shape, std::uint8_t matrix_bits);

  /// Rounds the centre to what the file keeps.
  void set_centre(std::span<const double> values);
  /// Quantizes the rows of A to matrix_bits; the model then uses what a reader will see.
  void set_matrix(const math::Matrix<double>& rows, std::uint8_t bits);
  /// Uses H from the seed.
  void set_hadamard(std::uint64_t seed);

  /// y = A·q of every query: size() × components() values, in the spec's order of operations. Queries share the passes
  /// over A.
  void transform_queries(codec::QueryBatch queries, std::span<float> components) const;
  /// values = Aᵀ·components (dims values), in the spec's order of operations.
  void reconstruct(std::span<const float> components, std::span<float> values) const;
  /// A as the reader sees it, min(k, d) rows; empty for the Hadamard transform.
  [[nodiscard]] math::Matrix<double> matrix() const;
  /// The encoder's side: as trained, or rebuilt without weighting for a model that was read from a file.
  [[nodiscard]] Result<std::shared_ptr<const Analysis>> encoder_side() const;

  std::uint32_t dims = 0;
  Shape shape;  ///< with the runs' steps
  std::uint8_t scale_bytes = 1;
  std::vector<float> centre;  ///< as stored
  std::optional<math::HadamardRotation> hadamard;
  std::shared_ptr<const Analysis> analysis;

 private:
  [[nodiscard]] std::uint32_t stored_rows() const noexcept;
  /// Expected squared norm of the coded components, which the steps of the first layer tell.
  [[nodiscard]] double hadamard_variance() const;
  void prepare_columns();

  float centre_step_ = 1;
  std::vector<std::int16_t> centre_entries_;
  std::uint64_t seed_ = 0;
  std::uint8_t matrix_bits_ = 0;
  std::vector<float> steps_;           ///< by stored row
  std::vector<std::int16_t> entries_;  ///< stored rows × dims: integers, or binary16 bits
  std::vector<float> rows_;            ///< stored rows × dims: A dequantized, for reconstruct
  // For transform_queries: entries of 4 or 8 bits as they are, or A's transpose, dims × stored rows.
  ByteMatrix bytes_;
  std::vector<float> columns_;
};

}  // namespace attar::vector::tcq
