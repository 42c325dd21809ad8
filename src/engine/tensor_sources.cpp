#include "engine/tensor_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "data/input_file.h"
#include "data/utf8.h"

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

// Names are kept as UTF-8, and so are tensors of a file by its name.
Result<TensorSource> open_source(const fs::path& path, std::string name) {
  if (!data::is_utf8(name))
    return fail(ErrorCode::invalid_argument,
                fmt::format("the name of {} is not UTF-8; rename the file", data::in_quotes(path.string())));
  ATTAR_ASSIGN(data::TensorFile file, data::TensorFile::open(path));
  return TensorSource{.path = std::move(name), .file = std::move(file)};
}

// An index holds no more.
Status check_count(const std::vector<TensorSource>& sources, const fs::path& input) {
  std::uint64_t count = 0;
  for (const TensorSource& source : sources) count += source.file.tensors().size();
  if (count <= format::most_tensors) return {};
  return std::unexpected(Error{.code = ErrorCode::over_limit,
                               .message = fmt::format("holds {} tensors, more than {}", count, format::most_tensors),
                               .file = input.string()});
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
    ATTAR_ASSIGN(TensorSource source, open_source(input, input.filename().string()));
    out.push_back(std::move(source));
    return out;
  }
  ATTAR_ASSIGN(const std::vector<std::string> paths, files_of(input));
  out.reserve(paths.size());
  for (const std::string& path : paths) {
    ATTAR_ASSIGN(TensorSource source, open_source(input / path, path));
    out.push_back(std::move(source));
  }
  ATTAR_TRY(check_count(out, input));
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

format::TensorEntry entry_of(const data::FileTensor& tensor, const TensorCut& cut) {
  format::TensorEntry out{.name = tensor.name, .type = tensor.type, .element_bytes = tensor.element_bytes};
  out.exponent_bits = static_cast<std::uint8_t>(tensor.exponent_bits);
  out.mantissa_bits = static_cast<std::uint8_t>(tensor.mantissa_bits);
  out.shape = tensor.shape;
  out.count = cut.schema.count;
  out.columns = cut.schema.columns;
  out.block_elements = cut.block_elements;
  return out;
}

std::uint64_t bytes_outside(const TensorSource& source) {
  std::uint64_t out = source.file.bytes().size();
  for (const data::FileTensor& tensor : source.file.tensors()) out -= tensor.bytes;
  return out;
}

std::vector<format::SourceEntry> entries_of(const std::vector<TensorSource>& sources) {
  std::vector<format::SourceEntry> out;
  for (const TensorSource& source : sources) {
    const base::ByteView bytes = source.file.bytes();
    format::SourceEntry own{.path = source.path, .bytes = bytes.size(), .pieces = {}};
    std::uint64_t at = 0;
    const auto piece = [&](std::uint64_t end) {
      const base::ByteView part = bytes.subspan(at, end - at);
      own.pieces.emplace_back(part.begin(), part.end());
    };
    for (const data::FileTensor& tensor : source.file.tensors()) {
      piece(tensor.offset);
      at = tensor.offset + tensor.bytes;
    }
    piece(bytes.size());
    out.push_back(std::move(own));
  }
  return out;
}

}  // namespace attar::engine
