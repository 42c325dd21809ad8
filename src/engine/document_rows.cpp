#include "engine/document_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text/chunk/chunk.h"

namespace attar::engine {
namespace {

// Documents that are cut together: enough to keep all threads at work, few enough to be cancelled soon.
constexpr std::size_t documents_at_once = 512;
constexpr std::uint64_t bytes_at_once = 8u << 20;
// A title or heading longer than this is no name any more.
constexpr std::size_t longest_name = 1024;

text::Syntax syntax_of(const data::Document& document) {
  using data::DocumentKind;
  switch (document.kind) {
    case DocumentKind::markdown:
    case DocumentKind::html:
    case DocumentKind::man: return text::Syntax::markdown;
    case DocumentKind::code: {
      constexpr std::array indented = {"python", "yaml", "haskell", "coffeescript", "nim"};
      return std::ranges::find(indented, document.language) != indented.end() ? text::Syntax::indentation
                                                                              : text::Syntax::braces;
    }
    case DocumentKind::plain:
    case DocumentKind::record:
    case DocumentKind::pdf: return text::Syntax::plain;
  }
  return text::Syntax::plain;
}

// At most `longest_name` bytes, without half a code point.
std::string_view name_of(std::string_view text) {
  if (text.size() <= longest_name) return text;
  std::size_t size = longest_name;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

std::string joined(std::string_view text, const text::Chunk& chunk) {
  std::string out;
  for (const text::Heading& heading : chunk.headings) {
    if (heading.begin >= chunk.begin) break;  // stands in the chunk itself
    if (!out.empty()) out += " > ";
    out += name_of(text.substr(heading.begin, heading.end - heading.begin));
  }
  return std::string(name_of(out));
}

class Reading {
 public:
  Reading(const CutOptions& options, const text::Encoder& encoder, base::ThreadPool& pool, base::Progress& progress)
      : options_(options), encoder_(encoder), pool_(pool), progress_(progress) {}

  Result<DocumentRows> run(data::DocumentSource source) {
    progress_.stage("reading documents", source.bytes());
    std::uint64_t reported = 0;
    for (bool more = true; more;) {
      ATTAR_TRY(base::check_cancelled(progress_));
      ATTAR_ASSIGN(more, gather(source));
      ATTAR_TRY(cut());
      const std::uint64_t done = source.bytes_read();
      progress_.advance(done - std::min(reported, done));
      reported = done;
    }
    for (const data::Skipped& skipped : source.skipped())
      out_.skipped.push_back({skipped.path, skipped.record, skipped.reason});
    if (out_.rows.empty())
      return fail(ErrorCode::invalid_data,
                  fmt::format("no document with text was found{}",
                              out_.skipped.empty()
                                  ? ""
                                  : fmt::format(" ({}: {})", out_.skipped.front().path, out_.skipped.front().reason)));
    return std::move(out_);
  }

 private:
  // The next documents; false after the last.
  Result<bool> gather(data::DocumentSource& source) {
    first_ = out_.documents.size();
    std::uint64_t bytes = 0;
    while (out_.documents.size() - first_ < documents_at_once && bytes < bytes_at_once) {
      ATTAR_ASSIGN(auto document, source.next());
      if (!document) return false;
      bytes += document->text.size();
      out_.text_bytes += document->text.size();
      if (out_.text_bytes > options_.memory_bytes)
        return fail(ErrorCode::over_limit,
                    fmt::format("the texts take more than {} bytes; allow more memory, or pack fewer documents at once",
                                options_.memory_bytes));
      out_.documents.push_back(*std::move(document));
    }
    return true;
  }

  Status cut() {
    const std::size_t count = out_.documents.size() - first_;
    std::vector<Result<std::vector<TextRow>>> cuts(count);
    pool_.run(count, [&](std::size_t i, unsigned) { cuts[i] = rows_of(first_ + i); });
    for (auto& rows : cuts) {
      if (!rows) return std::unexpected(rows.error());
      out_.counts.push_back(static_cast<std::uint32_t>(rows->size()));
      std::ranges::move(*rows, std::back_inserter(out_.rows));
    }
    return {};
  }

  [[nodiscard]] Result<std::vector<TextRow>> rows_of(std::size_t number) const {
    const data::Document& document = out_.documents[number];
    if (options_.whole)
      return std::vector<TextRow>{{static_cast<std::uint32_t>(number), document.text, {}, document.verbatim ? 1u : 0u}};
    const text::Measure measure = {[this](std::string_view text) { return encoder_.count_tokens(text); },
                                   text::Joins::at_spaces};
    ATTAR_ASSIGN(const auto chunks,
                 text::chunk(document.text, syntax_of(document), {.most = options_.chunk_tokens}, measure));
    std::vector<TextRow> out;
    std::uint64_t line = document.verbatim ? 1 : 0;
    const std::string_view text = document.text;
    for (const text::Chunk& chunk : chunks) {
      const std::string_view own = text.substr(chunk.begin, chunk.end - chunk.begin);
      out.push_back({static_cast<std::uint32_t>(number), own, joined(text, chunk), line});
      if (line != 0) line += static_cast<std::uint64_t>(std::ranges::count(own, '\n'));
    }
    return out;
  }

  const CutOptions& options_;
  const text::Encoder& encoder_;
  base::ThreadPool& pool_;
  base::Progress& progress_;
  DocumentRows out_;
  std::size_t first_ = 0;  // of the documents that are cut next
};

// What is known of the rows, as a file of records has it.
class RowRecords final : public data::RecordReader {
 public:
  explicit RowRecords(const DocumentRows& rows) : rows_(rows) {}

  Result<bool> next(const Visit& visit) override {
    if (at_ == rows_.rows.size()) return false;
    const TextRow& row = rows_.rows[at_++];
    const data::Document& document = rows_.documents[row.document];
    visit_text(visit, "path", document.path);
    visit_text(visit, "title", title_of(document));
    visit_text(visit, "heading", row.heading);
    visit_text(visit, "id", document.id);
    visit_number(visit, "line", row.line);
    visit_number(visit, "record", document.record);
    for (const data::Field& field : document.fields) visit_field(visit, field);
    return true;
  }
  std::uint64_t line() const noexcept override { return at_; }
  std::uint64_t position() const noexcept override { return at_; }

 private:
  using Kind = data::Cell::Kind;

  static void visit_text(const Visit& visit, std::string_view name, std::string_view text) {
    if (text.empty()) return;
    data::Cell cell;
    cell.kind = Kind::text;
    cell.text = text;
    visit(name, cell);
  }
  static void visit_number(const Visit& visit, std::string_view name, std::uint64_t number) {
    if (number == 0) return;
    data::Cell cell;
    cell.kind = Kind::whole;
    cell.whole = static_cast<std::int64_t>(number);
    visit(name, cell);
  }
  static void visit_field(const Visit& visit, const data::Field& field) {
    data::Cell cell;
    if (const auto* truth = std::get_if<bool>(&field.value)) {
      cell.kind = Kind::truth;
      cell.truth = *truth;
    } else if (const auto* whole = std::get_if<std::int64_t>(&field.value)) {
      cell.kind = Kind::whole;
      cell.whole = *whole;
    } else if (const auto* real = std::get_if<double>(&field.value)) {
      cell.kind = Kind::real;
      cell.real = *real;
    } else if (const auto* text = std::get_if<std::string>(&field.value)) {
      cell.kind = Kind::text;
      cell.text = *text;
    } else if (const auto* texts = std::get_if<std::vector<std::string>>(&field.value)) {
      cell.kind = Kind::texts;
      cell.texts.assign(texts->begin(), texts->end());
    }
    visit(field.name, cell);
  }

  const DocumentRows& rows_;
  std::size_t at_ = 0;
};

}  // namespace

// Records without a title of their own are not told apart by their file's.
std::string_view title_of(const data::Document& document) {
  if (document.kind == data::DocumentKind::record && document.path.ends_with(document.title)) return {};
  return name_of(document.title);
}

std::string in_context(std::string_view title, std::string_view heading, std::string_view text) {
  std::string out;
  // Also before a text that begins with it: what a document is about may count twice (docs/decisions/0028).
  if (!title.empty()) (out += title) += '\n';
  // The outermost heading of a page is often its title.
  if (!heading.empty() && heading != title) (out += heading) += '\n';
  return out += text;
}

std::string DocumentRows::in_context(std::size_t row) const {
  return engine::in_context(title_of(documents[rows[row].document]), rows[row].heading, rows[row].text);
}

std::unique_ptr<data::RecordReader> DocumentRows::records() const { return std::make_unique<RowRecords>(*this); }

Result<DocumentRows> read_documents(const std::filesystem::path& input, const CutOptions& options,
                                    const text::Encoder& encoder, base::ThreadPool& pool, base::Progress& progress) {
  ATTAR_ASSIGN(auto source, data::DocumentSource::open(input, options.documents));
  return Reading(options, encoder, pool, progress).run(std::move(source));
}

}  // namespace attar::engine
