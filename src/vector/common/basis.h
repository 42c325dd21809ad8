// How rows become components: an optional centre, a power of two, and no matrix, a dense one or a Hadamard transform.
// spec.md, "Basis".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "codec/codec.h"
#include "math/hadamard.h"
#include "math/linalg.h"

namespace attar::vector {

/// `value` as a float, clamped to the finite range; NaN stays NaN.
[[nodiscard]] float to_finite_float(double value) noexcept;

/// A query made ready: y', and what stands around the sum in the spec's formula.
struct PreparedQuery {
  std::vector<float> components;  ///< y'
  double base = 0;                ///< ⟨q, c⟩
  double scale = 1;               ///< 2^(E+e)
  double sum = 0;                 ///< Σ y'
};

class Basis {
 public:
  enum class Kind : std::uint8_t { identity = 0, dense = 1, hadamard = 2 };

  /// The encoder's side: y from rows. For a dense basis the inverse of the matrix as stored, so that rounding its
  /// entries costs orthogonality and not accuracy.
  class Analysis {
   public:
    /// `rows` is count × dims; returns count × components.
    [[nodiscard]] std::vector<float> apply(std::span<const float> rows, std::size_t count) const;

   private:
    friend class Basis;
    explicit Analysis(const Basis& basis) : basis_(basis) {}
    const Basis& basis_;
    math::Matrix<float> forward_;  // dense only
  };

  [[nodiscard]] static Basis identity(std::uint32_t dims, int exponent);
  [[nodiscard]] static Basis hadamard(std::uint32_t dims, int exponent, std::uint64_t seed);
  /// Quantizes the rows of `matrix` (components × dims) to eight bits.
  [[nodiscard]] static Basis dense(const math::Matrix<double>& matrix, int exponent);
  /// Rounds the centre to what the file keeps.
  void set_centre(std::span<const double> values);
  /// The basis of the first components alone of a dense one.
  [[nodiscard]] Basis first(std::uint32_t components) const;
  /// Multiplies row j of a dense basis with factors[j]: component j comes out that much smaller.
  void scale_rows(std::span<const float> factors);
  void set_exponent(int exponent);

  void save(base::ByteWriter& out) const;
  [[nodiscard]] static Result<Basis> load(base::ByteReader& in, const format::SectionReader& section,
                                          const codec::Schema& schema, const OpenLimits& limits);
  /// Bytes that save() writes.
  [[nodiscard]] static std::uint64_t saved_bytes(Kind kind, std::uint32_t dims, std::uint32_t components,
                                                 bool centred) noexcept;

  [[nodiscard]] PreparedQuery prepare(std::span<const float> query) const;
  /// The same of a query rounded to some 15 bits, several times as fast with a dense basis; spec.md, "Rounded queries".
  /// Its `scale` is 2^e·m/R, and `sum` stays 0.
  [[nodiscard]] PreparedQuery prepare_rounded(std::span<const float> query) const;
  /// out = c + 2^e · Aᵀ · components; `components` is used as scratch.
  void reconstruct(std::span<float> components, std::span<float> out) const;
  /// The basis must outlive it.
  [[nodiscard]] Result<Analysis> analysis() const;

  [[nodiscard]] std::uint32_t dims() const noexcept { return dims_; }
  [[nodiscard]] std::uint32_t components() const noexcept { return components_; }
  [[nodiscard]] Kind kind() const noexcept { return kind_; }

 private:
  void expand_matrix();
  [[nodiscard]] double base_of(std::span<const float> query) const noexcept;

  std::uint32_t dims_ = 0;
  std::uint32_t components_ = 0;
  Kind kind_ = Kind::identity;
  std::int32_t exponent_ = 0;
  std::uint64_t seed_ = 0;
  float centre_step_ = 1;
  std::vector<std::int16_t> centre_entries_;  // empty: not centred
  std::vector<float> centre_;
  std::optional<math::HadamardRotation> rotation_;
  std::vector<float> steps_;          // dense: by row of A
  std::vector<std::int8_t> entries_;  // dense: components × dims
  std::vector<float> rows_;           // dense: A, components × dims
  std::vector<float> columns_;        // dense: Aᵀ, dims × components
};

}  // namespace attar::vector
