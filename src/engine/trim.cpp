#include "engine/trim.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "base/glob.h"
#include "data/input_file.h"
#include "data/line_reader.h"
#include "text/encoder/bert_folder.h"
#include "text/wordpiece/wordpiece.h"

namespace attar {

Result<KeptRows> parse_kept_rows(std::string_view text) {
  const std::size_t at = text.find('=');
  if (at == std::string_view::npos || at == 0 || at + 1 == text.size())
    return fail(ErrorCode::invalid_argument,
                fmt::format("\"{}\" names no rows: give a table and a file, as \"embed.weight=rows.txt\"", text));
  return KeptRows{.pattern = std::string(text.substr(0, at)), .rows = text.substr(at + 1)};
}

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t longest_row_line = 4096;
constexpr std::string_view word_tables[] = {"embeddings.word_embeddings.weight",
                                            "bert.embeddings.word_embeddings.weight"};
constexpr std::string_view special_tokens[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

std::unexpected<Error> bad_list(const fs::path& path, ErrorCode code, std::string message) {
  return std::unexpected(Error{.code = code, .message = std::move(message), .file = path.string()});
}

// Calls take(line) for every line that is not blank; its errors are about that line.
template <typename Take>
Status for_each_line(const fs::path& path, const Take& take) {
  ATTAR_ASSIGN(const data::InputFile file, data::InputFile::open(path));
  data::LineReader lines(file, longest_row_line);
  bool empty = true;
  for (;;) {
    ATTAR_ASSIGN(const std::optional<std::string_view> line, lines.next());
    if (!line) break;
    if (data::is_blank(*line)) continue;
    empty = false;
    const Status taken = take(*line);
    if (!taken) return lines.fail(taken.error().code, taken.error().message);
  }
  if (empty) return bad_list(path, ErrorCode::invalid_data, "is empty; give what is to be kept, one a line");
  return {};
}

bool is_table(const format::TensorEntry& tensor) noexcept {
  return tensor.shape.size() >= 2 && tensor.exponent_bits != 0 && tensor.count != 0 && tensor.shape.front() >= 2;
}

format::KeptRowsEntry no_rows_of(const format::TensorEntry& tensor, std::size_t number) {
  const std::uint64_t rows = tensor.shape.front();
  return {.tensor = static_cast<std::uint32_t>(number),
          .rows = rows,
          .bits = std::vector<std::byte>(base::ceil_div(rows, std::uint64_t{8}))};
}

Status keep_rows(const fs::path& path, const format::TensorEntry& tensor, format::KeptRowsEntry& out) {
  return for_each_line(path, [&](std::string_view line) -> Status {
    std::uint64_t row = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), row);
    if (error != std::errc{} || !data::is_blank({end, line.data() + line.size()}))
      return fail(ErrorCode::invalid_data, "is no number of a row: give one a line, from 0");
    if (row >= out.rows)
      return fail(ErrorCode::invalid_data,
                  fmt::format("names row {}, and {} has {} rows, from 0", row, data::in_quotes(tensor.name), out.rows));
    out.keep(row);
    return {};
  });
}

// The vocabulary of the model in the folder that is packed, or that the packed file lies in.
Result<text::WordPiece> vocabulary_of(const fs::path& input) {
  std::error_code ignored;
  fs::path folder = input;
  if (!fs::is_directory(input, ignored)) folder = input.has_parent_path() ? input.parent_path() : fs::path(".");
  ATTAR_ASSIGN(const text::BertFolder model, text::read_bert_folder(text::FolderFiles(folder)));
  return text::WordPiece::make(model.vocabulary);
}

Status keep_tokens(const fs::path& input, const fs::path& path, format::KeptRowsEntry& out) {
  ATTAR_ASSIGN(const text::WordPiece words, vocabulary_of(input));
  if (words.size() > out.rows)
    return bad_list(input, ErrorCode::invalid_data,
                    fmt::format("has {} tokens, and its word table {} rows", words.size(), out.rows));
  for (const std::string_view token : special_tokens)
    if (const auto id = words.id_of(token)) out.keep(*id);
  out.filler = words.id_of("[UNK]");
  return for_each_line(path, [&](std::string_view line) -> Status {
    const auto id = words.id_of(line);
    if (!id) return fail(ErrorCode::invalid_data, "is no token of the model's vocabulary, one a line as it has them");
    out.keep(*id);
    return {};
  });
}

Result<std::size_t> word_table_of(const fs::path& input, std::span<const format::TensorEntry* const> tensors) {
  const auto found = std::ranges::find_if(tensors, [](const format::TensorEntry* tensor) {
    return is_table(*tensor) && std::ranges::find(word_tables, tensor->name) != std::end(word_tables);
  });
  if (found == tensors.end())
    return bad_list(input, ErrorCode::invalid_argument,
                    fmt::format("has no word table {}, which tokens are rows of; name a table and its rows instead",
                                data::in_quotes(word_tables[0])));
  return static_cast<std::size_t>(found - tensors.begin());
}

}  // namespace

Result<std::vector<format::KeptRowsEntry>> find_kept_rows(const fs::path& input, const TrimOptions& options,
                                                          std::span<const format::TensorEntry* const> tensors,
                                                          std::vector<std::string>& notes) {
  std::vector<format::KeptRowsEntry> out;
  if (!options.tokens.empty()) {
    ATTAR_ASSIGN(const std::size_t number, word_table_of(input, tensors));
    out.push_back(no_rows_of(*tensors[number], number));
    ATTAR_TRY(keep_tokens(input, options.tokens, out.back()));
  }
  for (const KeptRows& wish : options.rows) {
    bool used = false;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (!is_table(*tensors[i]) || !base::fits_pattern(wish.pattern, tensors[i]->name)) continue;
      if (std::ranges::find(out, i, &format::KeptRowsEntry::tensor) != out.end())
        return fail(ErrorCode::invalid_argument, fmt::format("two lists say which rows of {} are kept; give one",
                                                             data::in_quotes(tensors[i]->name)));
      used = true;
      out.push_back(no_rows_of(*tensors[i], i));
      ATTAR_TRY(keep_rows(wish.rows, *tensors[i], out.back()));
    }
    if (!used)
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("{} is the name of no table of floats; attar info lists them", data::in_quotes(wish.pattern)));
  }
  std::ranges::sort(out, {}, &format::KeptRowsEntry::tensor);
  std::erase_if(out, [&](const format::KeptRowsEntry& own) {
    if (own.dropped() != 0) return false;
    notes.push_back(fmt::format("{}: the list keeps all rows", tensors[own.tensor]->name));
    return true;
  });
  return out;
}

std::vector<std::byte> trimmed_table(base::ByteView table, const format::KeptRowsEntry& rows) {
  std::vector<std::byte> out(table.size());
  const std::uint64_t row_bytes = table.size() / rows.rows;
  for (std::uint64_t i = 0; i < rows.rows; ++i) {
    if (!rows.keeps(i) && !rows.filler) continue;
    const std::uint64_t from = rows.keeps(i) ? i : *rows.filler;
    std::ranges::copy(table.subspan(from * row_bytes, row_bytes),
                      out.begin() + static_cast<std::ptrdiff_t>(i * row_bytes));
  }
  return out;
}

void fit_kept_rows(LossyTensor& tensor, const format::KeptRowsEntry& rows) {
  tensor.trimmed = true;
  if (!rows.filler) return;
  const codec::TensorSchema& schema = tensor.view.schema;
  const std::uint64_t row_bytes = schema.bytes() / rows.rows;
  const base::ByteView filler = tensor.view.bytes.subspan(*rows.filler * row_bytes, row_bytes);
  const double square = measure_loss(schema.element, filler, filler).square;
  const std::uint64_t parts = tensor.finer.size() / rows.rows;
  for (std::uint64_t i = 0; i < rows.rows; ++i) {
    if (rows.keeps(i)) continue;
    tensor.filled_square += square;
    tensor.filled_weighed_square += parts == 0 ? square : square * std::exp2(tensor.finer[i * parts]);
  }
}

bool same_rows(const format::KeptRowsEntry* one, const format::KeptRowsEntry* other) noexcept {
  if (one == nullptr || other == nullptr) return one == other;
  return one->filler == other->filler && one->rows == other->rows && one->bits == other->bits;
}

}  // namespace engine
}  // namespace attar
