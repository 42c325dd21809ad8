// read_context(): files, folders and standard input as texts.
#include <fmt/format.h>

#include <algorithm>

#include "attar/context.h"
#include "data/documents/document_source.h"
#include "data/documents/kinds.h"
#include "data/documents/walk.h"
#include "data/input_file.h"

namespace attar {
namespace {

constexpr std::size_t sniffed_bytes = 8192;  // of a file, for NUL

// Kinds whose bytes are no text to read, but hold one.
bool is_converted(const std::filesystem::path& path) {
  const auto format = data::format_of_name(path.string());
  if (!format) return false;
  return format->kind == data::DocumentKind::html || format->kind == data::DocumentKind::man ||
         format->kind == data::DocumentKind::pdf;
}

class Reader {
 public:
  explicit Reader(const ReadContextOptions& options) : options_(options) {}

  Status read(const std::filesystem::path& path) {
    std::error_code error;
    if (path != "-" && std::filesystem::is_directory(path, error)) return folder(path);
    ATTAR_ASSIGN(std::optional<std::string> text, file(path));
    if (!text)
      return fail(ErrorCode::unsupported,
                  fmt::format("{} is no text (it holds NUL bytes); give its text", path.string()));
    add(path == "-" ? "standard input" : path.string(), std::move(*text));
    return {};
  }

  std::vector<ContextInput> finish() { return std::move(inputs_); }

 private:
  // Files that cannot be read as text are passed over.
  Status folder(const std::filesystem::path& path) {
    ATTAR_ASSIGN(const auto files, data::walk(path, {}, [](const data::Skipped&) {}));
    for (const data::FoundFile& found : files) {
      auto text = file(path / found.path);
      if (!text && text.error().code == ErrorCode::over_limit) return std::unexpected(std::move(text).error());
      if (text && *text) add((path / found.path).string(), std::move(**text));
    }
    return {};
  }

  // Nothing where it is no text.
  Result<std::optional<std::string>> file(const std::filesystem::path& path) {
    if (is_converted(path)) return converted(path);
    ATTAR_ASSIGN(const data::InputFile input, data::InputFile::open(path));
    if (input.size() > options_.most_bytes - bytes_)
      return fail(ErrorCode::over_limit,
                  fmt::format("{}: the texts are more than {} bytes together; give fewer, or parts of them",
                              input.name(), options_.most_bytes));
    ATTAR_ASSIGN(std::string text, input.read_first(input.size()));
    if (std::string_view(text).substr(0, sniffed_bytes).find('\0') != std::string_view::npos)
      return std::optional<std::string>{};
    bytes_ += text.size();
    return std::optional(std::move(text));
  }

  Result<std::optional<std::string>> converted(const std::filesystem::path& path) {
    ATTAR_ASSIGN(data::DocumentSource source,
                 data::DocumentSource::open(path, {.largest_file = options_.most_bytes - bytes_}));
    ATTAR_ASSIGN(auto document, source.next());
    if (!document) return std::optional<std::string>{};
    bytes_ += document->text.size();
    return std::optional(std::move(document->text));
  }

  void add(std::string name, std::string text) {
    inputs_.push_back({.name = std::move(name), .text = std::move(text), .kind = options_.kind});
  }

  const ReadContextOptions& options_;
  std::uint64_t bytes_ = 0;
  std::vector<ContextInput> inputs_;
};

}  // namespace

Result<std::vector<ContextInput>> read_context(const std::vector<std::filesystem::path>& paths,
                                               const ReadContextOptions& options) {
  Reader reader(options);
  for (const std::filesystem::path& path : paths) ATTAR_TRY(reader.read(path));
  return reader.finish();
}

}  // namespace attar
