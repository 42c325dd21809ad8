// Rows that an artifact holds, as a base of their own: decoded as they are read.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "codec/codec.h"
#include "data/source.h"

namespace attar::engine {

class StoredRows final : public data::VectorSource {
 public:
  /// The view outlives this.
  StoredRows(const codec::View& view, std::uint32_t dims, std::string name)
      : view_(view), dims_(dims), name_(std::move(name)) {}

  std::uint64_t rows() const noexcept override { return view_.size(); }
  std::uint32_t dims() const noexcept override { return dims_; }
  data::ElementType element() const noexcept override { return data::ElementType::f32; }
  const std::string& name() const noexcept override { return name_; }
  Status read(std::uint64_t first, std::span<float> out) const override {
    const codec::Range range{first, first + out.size() / dims_};
    ATTAR_TRY(view_.verify(range));
    return view_.decode(range, out);
  }

 private:
  const codec::View& view_;
  std::uint32_t dims_;
  std::string name_;
};

}  // namespace attar::engine
