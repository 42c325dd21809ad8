#include "engine/export_types.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <ranges>

#include "base/glob.h"
#include "data/input_file.h"
#include "tensor/ggml/types.h"

namespace attar::engine {
namespace {

using data::GgmlType;

// A type, what takes its place where rows are no whole blocks of it (as in llama.cpp), and the file's number.
struct ExportType {
  std::string_view name, instead;
  std::uint32_t file_type;
};
constexpr std::array<ExportType, 10> export_types{{{"F32", "F32", 0},
                                                   {"F16", "F16", 1},
                                                   {"BF16", "BF16", 32},
                                                   {"Q8_0", "F16", 7},
                                                   {"Q6_K", "Q8_0", 18},
                                                   {"Q5_1", "F16", 9},
                                                   {"Q5_0", "F16", 8},
                                                   {"Q4_1", "F16", 3},
                                                   {"Q4_0", "F16", 2},
                                                   {"Q4_K", "Q5_0", 14}}};

std::string type_names() {
  return fmt::format("{}", fmt::join(export_types | std::views::transform(&ExportType::name), ", "));
}

Result<const ExportType*> find_type(std::string_view name, bool or_auto) {
  const auto* found = std::ranges::find(export_types, name, &ExportType::name);
  if (found != export_types.end()) return found;
  return fail(ErrorCode::invalid_argument, fmt::format("{} is no type to export; take one of {}{}",
                                                       data::in_quotes(name), or_auto ? "auto, " : "", type_names()));
}

bool fits_rows(std::string_view type, const ExportTensor& tensor) noexcept {
  return tensor.shape.back() % data::find_ggml_type(type)->values == 0;
}

struct Pin {
  std::string_view text, pattern;
  const ExportType* type = nullptr;
  bool used = false;
};

Result<std::vector<Pin>> parse_pins(const std::vector<std::string>& texts) {
  std::vector<Pin> out;
  for (const std::string& text : texts) {
    const std::size_t at = text.rfind('=');
    if (at == std::string::npos || at == 0)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("the pin {} is no pattern with a type; give one as embed.*=Q8_0", data::in_quotes(text)));
    Pin pin{.text = text, .pattern = std::string_view(text).substr(0, at)};
    ATTAR_ASSIGN(pin.type, find_type(std::string_view(text).substr(at + 1), false));
    out.push_back(pin);
  }
  return out;
}

Status check_used(const std::vector<Pin>& pins, std::span<const ExportTensor> tensors) {
  for (const Pin& pin : pins) {
    if (pin.used) continue;
    const bool another = std::ranges::any_of(
        tensors, [&](const ExportTensor& tensor) { return base::fits_pattern(pin.pattern, tensor.name); });
    return fail(ErrorCode::invalid_argument,
                fmt::format("the pin {} {}; attar info names the tensors", data::in_quotes(pin.text),
                            another ? "fits vectors, whole numbers or what other pins have already, and no other tensor"
                                    : "fits the name of no tensor"));
  }
  return {};
}

Result<const GgmlType*> pinned_type(const Pin& pin, const ExportTensor& tensor) {
  if (!fits_rows(pin.type->name, tensor))
    return fail(ErrorCode::invalid_argument,
                fmt::format("the pin {} fits tensor {}, whose rows of {} values are no whole blocks of {}; pin {}",
                            data::in_quotes(pin.text), data::in_quotes(tensor.name), tensor.shape.back(),
                            pin.type->name, pin.type->instead));
  return data::find_ggml_type(pin.type->name);
}

// The type itself, or what takes its place.
const GgmlType* fitting_type(const ExportType& wanted, const ExportTensor& tensor) {
  const ExportType* type = &wanted;
  while (!fits_rows(type->name, tensor)) type = *find_type(type->instead, false);
  return data::find_ggml_type(type->name);
}

TypeChoices all_fitting(const ExportTensor& tensor) {
  TypeChoices out;
  for (const ExportType& type : export_types)
    if (fits_rows(type.name, tensor)) out.push_back(data::find_ggml_type(type.name));
  // Blocks that cannot be made here may stay.
  if (tensor.kind->same != nullptr && std::ranges::find(out, tensor.kind->same) == out.end())
    out.push_back(tensor.kind->same);
  return out;
}

// Of what is not quantized.
const GgmlType* own_type(const ExportTensor& tensor) noexcept {
  if (tensor.kind->is_float()) return data::find_ggml_type("F32");
  return tensor.kind->same != nullptr ? tensor.kind->same : tensor.kind->wider;
}

}  // namespace

Result<std::vector<TypeChoices>> choose_types(std::span<const ExportTensor> tensors, const ExportGgufOptions& options,
                                              std::vector<std::string>& notes) {
  const ExportType* wanted = nullptr;
  if (options.type != "auto") {
    ATTAR_ASSIGN(wanted, find_type(options.type, true));
  }
  ATTAR_ASSIGN(std::vector<Pin> pins, parse_pins(options.pins));
  std::vector<TypeChoices> out;
  std::uint64_t unfit = 0, unread = 0;
  for (const ExportTensor& tensor : tensors) {
    TypeChoices& own = out.emplace_back();
    if (!tensor.is_matrix()) {
      own.push_back(own_type(tensor));
      unread += !tensor.kind->is_float() && tensor.kind->values > 1 ? 1 : 0;
      continue;
    }
    const auto pin =
        std::ranges::find_if(pins, [&](const Pin& p) { return base::fits_pattern(p.pattern, tensor.name); });
    if (pin != pins.end()) {
      pin->used = true;
      ATTAR_ASSIGN(const GgmlType* type, pinned_type(*pin, tensor));
      own.push_back(type);
    } else if (wanted == nullptr) {
      own = all_fitting(tensor);
    } else {
      own.push_back(fitting_type(*wanted, tensor));
      unfit += own.front()->name != wanted->name ? 1 : 0;
    }
  }
  ATTAR_TRY(check_used(pins, tensors));
  if (unread != 0)
    notes.push_back(fmt::format("{} tensors have blocks that are not read here; they stay as they are", unread));
  if (unfit != 0)
    notes.push_back(
        fmt::format("{} tensors have rows that are no whole blocks of {}; they have other types", unfit, wanted->name));
  return out;
}

std::uint32_t gguf_file_type(std::string_view type) noexcept {
  return std::ranges::find(export_types, type, &ExportType::name)->file_type;
}

}  // namespace attar::engine
