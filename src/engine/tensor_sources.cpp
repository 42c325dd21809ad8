#include "engine/tensor_sources.h"

#include <fmt/format.h>

#include <algorithm>

#include "format/tensors.h"

namespace attar::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t most_columns = 1u << 24;
// Rows of fewer elements tell too little of their scale to pay for it; longer ones without a shape are cut.
constexpr std::uint64_t least_row = 64, plain_row = 1024;

Result<std::vector<std::string>> files_of(const fs::path& folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(folder, error); !error && it != fs::recursive_directory_iterator();
       it.increment(error))
    if (it->is_regular_file(error)) out.push_back(it->path().lexically_relative(folder).generic_string());
  if (error)
    return std::unexpected(Error{.code = ErrorCode::io,
                                 .message = fmt::format("cannot be listed: {}", error.message()),
                                 .file = folder.string()});
  if (out.empty())
    return std::unexpected(Error{.code = ErrorCode::invalid_data,
                                 .message = "holds no file; name a model's folder or file",
                                 .file = folder.string()});
  if (out.size() > format::most_sources)
    return std::unexpected(
        Error{.code = ErrorCode::over_limit,
              .message = fmt::format("holds {} files, more than {}", out.size(), format::most_sources),
              .file = folder.string()});
  std::ranges::sort(out);
  return out;
}

// Elements of a row: the last axis, with those before it while rows are short; none longer than a block.
std::uint64_t columns_of(const data::FileTensor& tensor, std::uint64_t block_elements) {
  const std::uint64_t count = tensor.count();
  if (tensor.exponent_bits == 0 || count == 0) return 1;
  std::uint64_t columns = 1;
  for (auto axis = tensor.shape.rbegin(); axis != tensor.shape.rend() && columns < least_row; ++axis)
    columns *= std::max<std::uint64_t>(*axis, 1);
  const std::uint64_t most = std::min(block_elements, most_columns);
  const bool vector = columns == count && count > 4 * plain_row;
  while (columns > most && columns % 2 == 0) columns /= 2;
  return vector || columns > most ? std::min(plain_row, most) : columns;
}

}  // namespace

Result<std::vector<TensorSource>> open_tensor_sources(const fs::path& input) {
  std::vector<TensorSource> out;
  std::error_code error;
  if (!fs::is_directory(input, error)) {
    ATTAR_ASSIGN(data::TensorFile file, data::TensorFile::open(input));
    out.push_back({.path = input.filename().string(), .file = std::move(file)});
    return out;
  }
  ATTAR_ASSIGN(const std::vector<std::string> paths, files_of(input));
  for (const std::string& path : paths) {
    ATTAR_ASSIGN(data::TensorFile file, data::TensorFile::open(input / path));
    out.push_back({.path = path, .file = std::move(file)});
  }
  return out;
}

TensorCut cut_tensor(const data::FileTensor& tensor, std::uint64_t block_bytes) {
  TensorCut out{.schema = {.element = {.bytes = tensor.element_bytes,
                                       .exponent_bits = tensor.exponent_bits,
                                       .mantissa_bits = tensor.mantissa_bits},
                           .count = tensor.count()}};
  const std::uint64_t elements = std::max<std::uint64_t>(block_bytes / tensor.element_bytes, 1);
  out.schema.columns = columns_of(tensor, elements);
  out.block_elements = std::max<std::uint64_t>(elements / out.schema.columns, 1) * out.schema.columns;
  return out;
}

}  // namespace attar::engine
