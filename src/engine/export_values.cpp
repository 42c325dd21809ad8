#include "engine/export_values.h"

#include <algorithm>
#include <vector>

#include "base/checked.h"
#include "base/half.h"
#include "tensor/ggml/types.h"

namespace attar::engine {
namespace {

void decode_f64(const std::byte* from, std::uint64_t blocks, float* out) noexcept {
  for (std::uint64_t i = 0; i < blocks; ++i) out[i] = static_cast<float>(base::load<double>(from + i * sizeof(double)));
}

void decode_e4m3(const std::byte* from, std::uint64_t blocks, float* out) noexcept {
  for (std::uint64_t i = 0; i < blocks; ++i) out[i] = base::e4m3_to_float(std::to_integer<std::uint8_t>(from[i]));
}

// The upper half of a binary16.
void decode_e5m2(const std::byte* from, std::uint64_t blocks, float* out) noexcept {
  for (std::uint64_t i = 0; i < blocks; ++i)
    out[i] = base::half_to_float(static_cast<std::uint16_t>(std::to_integer<unsigned>(from[i]) << 8));
}

template <class From, class To>
void widen_whole(const std::byte* from, std::uint64_t blocks, std::byte* out) noexcept {
  for (std::uint64_t i = 0; i < blocks; ++i) {
    const To value = base::load<From>(from + i * sizeof(From));
    std::memcpy(out + i * sizeof(To), &value, sizeof(To));
  }
}

ValueKind ggml_kind(const data::GgmlType& type, std::string_view numpy) {
  ValueKind out{.name = type.name, .numpy = numpy, .values = type.values, .bytes = type.bytes, .same = &type};
  if (const auto* known = tensor::ggml::find_block_type(type.number); known != nullptr) out.decode = known->dequantize;
  return out;
}

std::string_view numpy_name(std::string_view name) noexcept {
  struct Names {
    std::string_view ggml, numpy;
  };
  constexpr std::array<Names, 7> names{
      {{"F32", "<f4"}, {"F16", "<f2"}, {"F64", "<f8"}, {"I8", "|i1"}, {"I16", "<i2"}, {"I32", "<i4"}, {"I64", "<i8"}}};
  const auto* found = std::ranges::find(names, name, &Names::ggml);
  return found != names.end() ? found->numpy : std::string_view();
}

std::vector<ValueKind> make_kinds() {
  std::vector<ValueKind> out;
  for (const data::GgmlType& type : data::ggml_types()) {
    out.push_back(ggml_kind(type, numpy_name(type.name)));
    if (type.name != "F64") continue;
    out.back().decode = decode_f64;
    out.back().exact = false;
  }
  const auto wider = [&](std::string_view name, std::string_view numpy, std::uint32_t bytes, std::string_view to,
                         auto widen) {
    out.push_back({.name = name, .numpy = numpy, .bytes = bytes, .wider = data::find_ggml_type(to), .widen = widen});
  };
  // True and false are the bytes 1 and 0.
  out.push_back({.name = "BOOL", .numpy = "|b1", .same = data::find_ggml_type("I8")});
  wider("U8", "|u1", 1, "I16", widen_whole<std::uint8_t, std::int16_t>);
  wider("U16", "<u2", 2, "I32", widen_whole<std::uint16_t, std::int32_t>);
  wider("U32", "<u4", 4, "I64", widen_whole<std::uint32_t, std::int64_t>);
  out.push_back({.name = "F8_E4M3", .decode = decode_e4m3});
  out.push_back({.name = "F8_E5M2", .decode = decode_e5m2});
  return out;
}

}  // namespace

const ValueKind* find_value_kind(std::string_view name) {
  static const std::vector<ValueKind> kinds = make_kinds();
  const auto found = std::ranges::find_if(
      kinds, [&](const ValueKind& kind) { return kind.name == name || (!kind.numpy.empty() && kind.numpy == name); });
  return found != kinds.end() ? &*found : nullptr;
}

void decode_slab(const ValueKind& kind, base::ByteView slab, std::span<float> out, base::ThreadPool& pool) {
  const std::uint64_t blocks = slab.size() / kind.bytes, together = piece_values / kind.values;
  pool.run(base::ceil_div(blocks, together), [&](std::size_t piece, unsigned) {
    const std::uint64_t first = piece * together;
    kind.decode(slab.data() + first * kind.bytes, std::min(together, blocks - first), out.data() + first * kind.values);
  });
}

}  // namespace attar::engine
