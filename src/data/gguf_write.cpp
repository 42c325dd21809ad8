#include "data/gguf_write.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "base/checked.h"
#include "data/input_file.h"

namespace attar::data {
namespace {

constexpr std::uint32_t written_version = 3;

void put_text(base::ByteWriter& to, std::string_view text) {
  to.write<std::uint64_t>(text.size());
  to.write_text(text);
}

// Keys, or names of tensors.
template <class Range, class Name>
Status check_names(const Range& things, Name name, std::string_view what, std::uint64_t most, std::uint64_t longest) {
  if (things.size() > most)
    return fail(ErrorCode::over_limit,
                fmt::format("{} {}s are more than the {} of a GGUF file", things.size(), what, most));
  std::vector<std::string_view> names;
  names.reserve(things.size());
  for (const auto& thing : things) {
    const std::string_view text = std::invoke(name, thing);
    if (text.size() > longest)
      return fail(ErrorCode::over_limit,
                  fmt::format("a {} of {} bytes is longer than the {} of a GGUF file", what, text.size(), longest));
    if (!is_gguf_name(text))
      return fail(ErrorCode::invalid_argument, fmt::format("the {} {} is empty or no UTF-8", what, in_quotes(text)));
    names.push_back(text);
  }
  std::ranges::sort(names);
  if (const auto twice = std::ranges::adjacent_find(names); twice != names.end())
    return fail(ErrorCode::invalid_argument, fmt::format("the {} {} is there twice", what, in_quotes(*twice)));
  return {};
}

// Finds the number of bytes.
Status check_tensor(GgufTensorInfo& tensor) {
  if (tensor.shape.size() > GgufLimits::most_axes)
    return fail(ErrorCode::over_limit, fmt::format("the tensor {} has {} axes, a GGUF file has up to {}",
                                                   in_quotes(tensor.name), tensor.shape.size(), GgufLimits::most_axes));
  const GgmlType* known = find_ggml_type(tensor.type);
  if (known == nullptr) return {};
  const auto bytes = ggml_bytes(*known, tensor.shape);
  if (!bytes)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the tensor {} has rows that are no whole blocks of {} ({} values), or too many",
                            in_quotes(tensor.name), known->name, known->values));
  tensor.bytes = *bytes;
  return {};
}

Result<std::uint64_t> padded(std::uint64_t bytes, std::uint64_t alignment) {
  ATTAR_ASSIGN(const std::uint64_t most, base::checked_add(bytes, alignment - 1));
  return most / alignment * alignment;
}

}  // namespace

void GgufMetadata::begin(std::string_view key, GgufValueType type) {
  keys_.emplace_back(key);
  put_text(bytes_, key);
  bytes_.write(static_cast<std::uint32_t>(type));
  // Of another type than u32 it is none, and create() refuses it.
  if (key == gguf_alignment_key) alignment_ = 0;
}

void GgufMetadata::begin_array(std::string_view key, GgufValueType element, std::uint64_t count) {
  begin(key, GgufValueType::array);
  bytes_.write(static_cast<std::uint32_t>(element));
  bytes_.write(count);
}

void GgufMetadata::add_text(std::string_view key, std::string_view value) {
  begin(key, GgufValueType::text);
  put_text(bytes_, value);
}

void GgufMetadata::add_boolean(std::string_view key, bool value) {
  begin(key, GgufValueType::boolean);
  bytes_.write<std::uint8_t>(value ? 1 : 0);
}

void GgufMetadata::add_u32(std::string_view key, std::uint32_t value) {
  begin(key, GgufValueType::u32);
  bytes_.write(value);
  if (key == gguf_alignment_key) alignment_ = value;
}

void GgufMetadata::add_u64(std::string_view key, std::uint64_t value) {
  begin(key, GgufValueType::u64);
  bytes_.write(value);
}

void GgufMetadata::add_f32(std::string_view key, float value) {
  begin(key, GgufValueType::f32);
  bytes_.write(value);
}

void GgufMetadata::add_texts(std::string_view key, std::span<const std::string> values) {
  begin_array(key, GgufValueType::text, values.size());
  for (const std::string& value : values) put_text(bytes_, value);
}

void GgufMetadata::add_i32s(std::string_view key, std::span<const std::int32_t> values) {
  begin_array(key, GgufValueType::i32, values.size());
  bytes_.write_array(values);
}

void GgufMetadata::add_u32s(std::string_view key, std::span<const std::uint32_t> values) {
  begin_array(key, GgufValueType::u32, values.size());
  bytes_.write_array(values);
}

void GgufMetadata::add_f32s(std::string_view key, std::span<const float> values) {
  begin_array(key, GgufValueType::f32, values.size());
  bytes_.write_array(values);
}

void GgufMetadata::carry(const GgufEntry& entry) {
  keys_.emplace_back(entry.key);
  bytes_.write_bytes(entry.raw);
  if (entry.key == gguf_alignment_key) alignment_ = static_cast<std::uint64_t>(entry.whole().value_or(0));
}

GgufTensorInfo gguf_info_of(const GgufTensor& tensor) {
  return {.name = std::string(tensor.name), .type = tensor.type, .shape = tensor.shape, .bytes = tensor.bytes.size()};
}

Result<GgufWriter> GgufWriter::create(base::Sink& sink, const GgufMetadata& metadata,
                                      std::vector<GgufTensorInfo> tensors) {
  ATTAR_TRY(check_names(metadata.keys(), std::identity{}, "key", GgufLimits::most_entries, GgufLimits::longest_key));
  ATTAR_TRY(check_names(tensors, &GgufTensorInfo::name, "tensor", GgufLimits::most_tensors, GgufLimits::longest_name));
  const std::uint64_t alignment = metadata.alignment();
  if (!is_gguf_alignment(alignment))
    return fail(ErrorCode::invalid_argument, fmt::format("{} of {} is no power of two up to {}", gguf_alignment_key,
                                                         alignment, GgufLimits::largest_alignment));
  base::ByteWriter header;
  header.write_text(gguf_magic);
  header.write(written_version);
  header.write<std::uint64_t>(tensors.size());
  header.write<std::uint64_t>(metadata.keys().size());
  header.write_bytes(metadata.bytes());
  std::uint64_t offset = 0;
  for (GgufTensorInfo& tensor : tensors) {
    ATTAR_TRY(check_tensor(tensor));
    put_text(header, tensor.name);
    header.write(static_cast<std::uint32_t>(tensor.shape.size()));
    for (std::size_t axis = tensor.shape.size(); axis-- > 0;) header.write(tensor.shape[axis]);
    header.write(tensor.type);
    header.write(offset);
    ATTAR_ASSIGN(const std::uint64_t bytes, padded(tensor.bytes, alignment));
    ATTAR_ASSIGN(offset, base::checked_add(offset, bytes));
  }
  header.pad_to(alignment);
  ATTAR_TRY(sink.write(header.bytes()));
  GgufWriter out(sink, std::move(tensors), alignment);
  ATTAR_ASSIGN(out.file_bytes_, base::checked_add(header.size(), offset));
  ATTAR_TRY(out.pass_whole());
  return out;
}

Status GgufWriter::append(base::ByteView bytes) {
  const bool there = tensor_ < tensors_.size();
  const std::uint64_t wanted = there ? tensors_[tensor_].bytes - written_ : 0;
  if (bytes.size() > wanted)
    return fail(ErrorCode::invalid_argument,
                there ? fmt::format("{} bytes were given to the tensor {}, which takes {} more", bytes.size(),
                                    in_quotes(tensors_[tensor_].name), wanted)
                      : fmt::format("{} bytes were given after the last tensor", bytes.size()));
  ATTAR_TRY(sink_->write(bytes));
  written_ += bytes.size();
  return pass_whole();
}

// Pads what is whole, and goes on to the next that takes bytes.
Status GgufWriter::pass_whole() {
  while (tensor_ < tensors_.size() && written_ == tensors_[tensor_].bytes) {
    const std::vector<std::byte> zeros(base::round_up(written_, alignment_) - written_);
    ATTAR_TRY(sink_->write(zeros));
    ++tensor_;
    written_ = 0;
  }
  return {};
}

Status GgufWriter::finish() {
  if (tensor_ == tensors_.size()) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("the tensor {} lacks {} of its {} bytes", in_quotes(tensors_[tensor_].name),
                          tensors_[tensor_].bytes - written_, tensors_[tensor_].bytes));
}

}  // namespace attar::data
