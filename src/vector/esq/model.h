// What esq learned: the basis, the bits of each group, the components' thresholds. spec.md has the bytes.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "vector/common/basis.h"
#include "vector/esq/layout.h"

namespace attar::vector::esq {

class EsqModel final : public codec::Model {
 public:
  /// thresholds: t by component of a dense basis, which is made for components in units of t; one of a Hadamard basis.
  EsqModel(Basis basis, Shape shape, std::vector<float> thresholds);

  [[nodiscard]] Status save(base::Sink& sink) const override;
  [[nodiscard]] static Result<std::shared_ptr<const EsqModel>> load(const format::SectionReader& section,
                                                                    const codec::Schema& schema,
                                                                    const OpenLimits& limits);
  /// Bytes that save() writes.
  [[nodiscard]] static std::uint64_t saved_bytes(Basis::Kind kind, std::uint32_t dims, std::uint32_t components,
                                                 std::size_t groups) noexcept;

  [[nodiscard]] const Basis& basis() const noexcept { return basis_; }
  [[nodiscard]] const Shape& shape() const noexcept { return shape_; }
  /// By component of the basis.
  [[nodiscard]] float threshold(std::size_t component) const noexcept {
    return thresholds_[thresholds_.size() == 1 ? 0 : component];
  }
  /// What u = 1 is in the basis's components; 1 where t is part of the matrix.
  [[nodiscard]] float component_unit() const noexcept {
    return basis_.kind() == Basis::Kind::dense ? 1.0f : thresholds_[0];
  }
  /// Q: the largest size of a query's numbers that keeps every sum within 32 bits.
  [[nodiscard]] std::int32_t finish_range() const noexcept { return finish_range_; }

 private:
  Basis basis_;
  Shape shape_;
  std::vector<float> thresholds_;
  std::int32_t finish_range_ = 0;
};

}  // namespace attar::vector::esq
