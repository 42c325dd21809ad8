// Hostile documents: whatever the bytes, a reader ends in text or in a typed error, and its text is what it promises;
// cut into chunks, no byte of it is lost (chunk_fuzz has the chunks' other promises). The last byte of an input chooses
// the reader.
#include <simdjson.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "data/documents/beir.h"
#include "data/documents/document_source.h"
#include "data/documents/encoding.h"
#include "data/documents/html.h"
#include "data/documents/ignore.h"
#include "data/documents/man.h"
#include "data/documents/markdown.h"
#include "text/chunk/chunk.h"

namespace {

using namespace attar;

void require(bool holds) {
  if (!holds) std::abort();
}

/// A file in memory under a name that this process can open.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : descriptor_(::memfd_create("attar-fuzz", MFD_CLOEXEC)) {
    require(descriptor_ >= 0 && ::write(descriptor_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  [[nodiscard]] std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

void cut(const data::Document& document) {
  const bool marked = document.kind != data::DocumentKind::plain && document.kind != data::DocumentKind::record;
  const auto chunks = text::chunk(document.text, marked ? text::Syntax::markdown : text::Syntax::plain, {.most = 64},
                                  text::in_code_points());
  require(chunks.has_value());
  std::string joined;
  for (const text::Chunk& chunk : *chunks) {
    require(chunk.begin == joined.size() && chunk.end > chunk.begin);
    joined += document.text.substr(chunk.begin, chunk.end - chunk.begin);
  }
  require(joined == document.text);
}

void read_file(std::string_view bytes, std::string format) {
  const MemoryFile file(bytes);
  auto source = data::DocumentSource::open(
      file.path(),
      {.format = std::move(format), .largest_file = 1 << 20, .largest_unpacked = 1 << 20, .longest_record = 1 << 12});
  require(source.has_value());
  for (;;) {
    const auto document = source->next();
    require(document.has_value());
    if (!*document) break;
    const data::Document& found = **document;
    require(!found.text.empty() && !found.title.empty());
    require(simdjson::validate_utf8(found.text) && found.text.find('\0') == std::string::npos);
    if (found.verbatim) require(bytes.substr(found.offset) == found.text);
    cut(found);
  }
  for (const data::Skipped& skipped : source->skipped()) require(!skipped.reason.empty());
  require(source->bytes_read() == source->bytes());
}

/// The first line against the others: a path, and patterns.
void match(std::string_view input) {
  const std::string_view path = input.substr(0, input.find('\n'));
  const data::IgnorePatterns patterns(input.substr(std::min(path.size() + 1, input.size())), "");
  const auto as_file = patterns.judge(path, false);
  require(!patterns.empty() || as_file == data::IgnorePatterns::Verdict::none);
  (void)patterns.judge(path, true);
}

/// The first line is the charset that the others are said to be in.
void decode(std::string_view input) {
  const std::string_view charset = input.substr(0, input.find('\n'));
  const std::string_view bytes = input.substr(std::min(charset.size() + 1, input.size()));
  const auto decoded = data::decode(std::string(bytes), charset);
  if (!decoded) return;
  require(simdjson::validate_utf8(decoded->text) && decoded->text.find('\0') == std::string::npos);
  if (decoded->verbatim) require(bytes.substr(decoded->offset) == decoded->text);
}

void render(std::string_view input, bool html) {
  if (!simdjson::validate_utf8(input) || input.find('\0') != std::string_view::npos) return;
  const auto rendered = html ? data::render_html(input) : data::render_man(input);
  if (rendered) require(simdjson::validate_utf8(rendered->text) && simdjson::validate_utf8(rendered->title));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size - 1);
  switch (data[size - 1] % 10) {
    case 0: render(input, true); break;
    case 1: render(input, false); break;
    case 2:
      require(data::markdown_title(input).size() <= input.size());
      decode(input);
      break;
    case 3: match(input); break;
    case 4: read_file(input, "jsonl"); break;
    case 5: read_file(input, "csv"); break;
    case 6: read_file(input, "auto"); break;
    case 7: read_file(input, "html"); break;
    case 8: read_file(input, "man"); break;
    default: {
      const MemoryFile file(input);
      const auto queries = data::read_queries(file.path());
      require(!queries || !queries->empty());
    }
  }
  return 0;
}
