#include "data/safetensors.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "base/half.h"
#include "data/input_file.h"

namespace attar::data {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::uint64_t size_bytes = 8;  // of the header's length, which stands first
constexpr std::uint64_t longest_header = 16ull << 20;
constexpr std::size_t most_tensors = 65'536;
constexpr std::size_t most_axes = 8;
constexpr std::size_t longest_name = 1'024;

struct TypeName {
  TensorType type;
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array<TypeName, 15> type_names{{{TensorType::boolean, "BOOL", 1},
                                               {TensorType::u8, "U8", 1},
                                               {TensorType::i8, "I8", 1},
                                               {TensorType::f8_e5m2, "F8_E5M2", 1},
                                               {TensorType::f8_e4m3, "F8_E4M3", 1},
                                               {TensorType::u16, "U16", 2},
                                               {TensorType::i16, "I16", 2},
                                               {TensorType::f16, "F16", 2},
                                               {TensorType::bf16, "BF16", 2},
                                               {TensorType::u32, "U32", 4},
                                               {TensorType::i32, "I32", 4},
                                               {TensorType::f32, "F32", 4},
                                               {TensorType::u64, "U64", 8},
                                               {TensorType::i64, "I64", 8},
                                               {TensorType::f64, "F64", 8}}};

const TypeName& row_of(TensorType type) noexcept { return type_names[static_cast<std::size_t>(type)]; }

std::unexpected<Error> bad(std::string_view name, std::string_view what) {
  return fail(ErrorCode::invalid_data, fmt::format("its tensor {} {}", in_quotes(name), what));
}

Result<TensorType> type_of(std::string_view name, object fields) {
  std::string_view word;
  if (fields.at_key("dtype").get(word) != simdjson::SUCCESS) return bad(name, "has no dtype");
  if (const auto found = find_tensor_type(word)) return *found;
  return fail(ErrorCode::unsupported,
              fmt::format("its tensor {} has the dtype {}, which is not known here", in_quotes(name), in_quotes(word)));
}

Status read_shape(object fields, Tensor& tensor) {
  array lengths;
  if (fields.at_key("shape").get(lengths) != simdjson::SUCCESS) return bad(tensor.name, "has no shape");
  for (const element value : lengths) {
    std::uint64_t length = 0;
    if (value.get(length) != simdjson::SUCCESS) return bad(tensor.name, "has a length that is no whole number");
    if (tensor.shape.size() == most_axes)
      return fail(ErrorCode::over_limit,
                  fmt::format("its tensor {} has more than {} axes", in_quotes(tensor.name), most_axes));
    tensor.shape.push_back(length);
    const auto count = base::checked_mul(tensor.count, length);
    if (!count) return bad(tensor.name, "has more than 2^64 elements");
    tensor.count = *count;
  }
  return {};
}

Status read_place(object fields, base::ByteView data, Tensor& tensor) {
  array place;
  if (fields.at_key("data_offsets").get(place) != simdjson::SUCCESS || place.size() != 2)
    return bad(tensor.name, "has no two data_offsets");
  std::uint64_t begin = 0, end = 0;
  if (place.at(0).get(begin) != simdjson::SUCCESS || place.at(1).get(end) != simdjson::SUCCESS || begin > end)
    return bad(tensor.name, "has data_offsets that are no range");
  if (end > data.size())
    return fail(ErrorCode::truncated,
                fmt::format("ends before its tensor {}: {} bytes of data where {} are announced; copy it again",
                            in_quotes(tensor.name), data.size(), end));
  const auto bytes = base::checked_mul(tensor.count, tensor_type_bytes(tensor.type));
  if (!bytes || *bytes != end - begin)
    return bad(tensor.name, fmt::format("has {} bytes, which its shape and dtype contradict", end - begin));
  tensor.bytes = data.subspan(begin, end - begin);
  return {};
}

Result<Tensor> read_tensor(std::string_view name, element value, base::ByteView data) {
  if (name.size() > longest_name)
    return fail(ErrorCode::over_limit, fmt::format("has a tensor whose name is longer than {} bytes", longest_name));
  object fields;
  if (value.get(fields) != simdjson::SUCCESS) return bad(name, "is described by something that is no JSON object");
  Tensor out;
  out.name = name;
  ATTAR_ASSIGN(out.type, type_of(name, fields));
  ATTAR_TRY(read_shape(fields, out));
  ATTAR_TRY(read_place(fields, data, out));
  return out;
}

// All bytes belong to one tensor each.
Status check_places(std::vector<Tensor>& tensors, base::ByteView data) {
  std::ranges::sort(tensors, {}, [](const Tensor& t) { return std::pair(t.bytes.data(), t.bytes.size()); });
  const std::byte* at = data.data();
  for (const Tensor& tensor : tensors) {
    if (tensor.bytes.data() != at)
      return bad(tensor.name, tensor.bytes.data() < at ? "overlaps another" : "leaves a gap before it");
    at += tensor.bytes.size();
  }
  if (at != data.data() + data.size())
    return fail(ErrorCode::invalid_data, "holds bytes after its last tensor, which belong to none");
  return {};
}

// The header's text, and the bytes of the tensors after it.
Result<std::pair<std::string_view, base::ByteView>> split(base::ByteView file) {
  if (file.size() < size_bytes) return fail(ErrorCode::truncated, "ends inside its safetensors header; copy it again");
  const auto length = base::load<std::uint64_t>(file.data());
  if (length > longest_header)
    return fail(ErrorCode::over_limit,
                fmt::format("has a safetensors header of {} bytes, more than the {} that Attar takes (or is none of "
                            "that format)",
                            length, longest_header));
  if (length > file.size() - size_bytes)
    return fail(ErrorCode::truncated, "ends inside its safetensors header; copy it again");
  const std::string_view text = base::as_text(file.subspan(size_bytes, length));
  if (!text.starts_with('{')) return fail(ErrorCode::invalid_data, "has a safetensors header that is no JSON object");
  return std::pair{text, file.subspan(size_bytes + length)};
}

}  // namespace

std::string_view tensor_type_name(TensorType type) noexcept { return row_of(type).name; }
std::optional<TensorType> find_tensor_type(std::string_view name) noexcept {
  const auto found = std::ranges::find(type_names, name, &TypeName::name);
  return found == type_names.end() ? std::nullopt : std::optional(found->type);
}
std::uint64_t tensor_type_bytes(TensorType type) noexcept { return row_of(type).bytes; }

Result<std::vector<Tensor>> parse_safetensors(base::ByteView file) {
  ATTAR_ASSIGN(const auto parts, split(file));
  const auto [text, data] = parts;
  simdjson::dom::parser parser;
  object header;
  const auto error = parser.parse(text.data(), text.size()).get(header);
  if (error != simdjson::SUCCESS)
    return fail(ErrorCode::invalid_data,
                fmt::format("has a safetensors header that is not valid JSON ({})", simdjson::error_message(error)));
  std::vector<Tensor> out;
  for (const auto& [name, value] : header) {
    if (name == "__metadata__") continue;
    if (out.size() == most_tensors)
      return fail(ErrorCode::over_limit, fmt::format("holds more than {} tensors", most_tensors));
    ATTAR_ASSIGN(Tensor tensor, read_tensor(name, value, data));
    out.push_back(std::move(tensor));
  }
  ATTAR_TRY(check_places(out, data));
  std::ranges::sort(out, {}, &Tensor::name);
  if (const auto twice = std::ranges::adjacent_find(out, {}, &Tensor::name); twice != out.end())
    return bad(twice->name, "stands there twice");
  return out;
}

Result<Safetensors> Safetensors::open(const std::filesystem::path& path) {
  ATTAR_ASSIGN(base::MappedFile file, base::MappedFile::open(path));
  Safetensors out(std::move(file));
  auto tensors = parse_safetensors(out.file_.bytes());
  if (!tensors) {
    tensors.error().file = out.path();
    return std::unexpected(std::move(tensors).error());
  }
  out.tensors_ = std::move(*tensors);
  return out;
}

const Tensor* Safetensors::find(std::string_view name) const noexcept {
  const auto at = std::ranges::lower_bound(tensors_, name, {}, &Tensor::name);
  return at != tensors_.end() && at->name == name ? &*at : nullptr;
}

bool is_float(TensorType type) noexcept {
  return type == TensorType::f32 || type == TensorType::f16 || type == TensorType::bf16 || type == TensorType::f64;
}

void widen(const Tensor& tensor, std::uint64_t first, std::span<float> out) noexcept {
  const std::byte* from = tensor.bytes.data() + first * tensor_type_bytes(tensor.type);
  switch (tensor.type) {
    case TensorType::f16:
      for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = base::half_to_float(base::load<std::uint16_t>(from + i * sizeof(std::uint16_t)));
      return;
    case TensorType::bf16:
      for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = base::bf16_to_float(base::load<std::uint16_t>(from + i * sizeof(std::uint16_t)));
      return;
    case TensorType::f64:
      for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<float>(base::load<double>(from + i * sizeof(double)));
      return;
    default:
      if (!out.empty()) std::memcpy(out.data(), from, out.size_bytes());
  }
}

}  // namespace attar::data
