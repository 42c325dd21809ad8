#include "data/documents/document_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <system_error>
#include <utility>

#include "base/bytes.h"
#include "base/file.h"
#include "data/documents/beir.h"
#include "data/documents/encoding.h"
#include "data/documents/gzip.h"
#include "data/documents/html.h"
#include "data/documents/kinds.h"
#include "data/documents/man.h"
#include "data/documents/markdown.h"
#include "data/documents/names.h"
#include "data/documents/pdf.h"
#include "data/documents/record_documents.h"
#include "data/input_file.h"
#include "data/utf8.h"

namespace attar::data {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t head_bytes = 8 << 10;
constexpr std::size_t part_bytes = 1 << 20;

/// Whether a file is UTF-8 without NUL, a part at a time.
Result<bool> holds_utf8(const InputFile& file) {
  std::string part(std::min<std::uint64_t>(file.size(), part_bytes), '\0');
  for (std::uint64_t at = 0; at < file.size();) {
    part.resize(std::min<std::uint64_t>(file.size() - at, part_bytes));
    ATTAR_TRY(file.read_at(at, std::as_writable_bytes(std::span(part))));
    at += part.size();
    std::string_view whole = part;
    if (at < file.size()) {
      // A character that is cut in two goes to the next part.
      while (whole.size() + 3 > part.size() && (static_cast<unsigned char>(whole.back()) & 0xc0) == 0x80)
        whole.remove_suffix(1);
      if (static_cast<unsigned char>(whole.back()) >= 0xc0) whole.remove_suffix(1);
      at -= part.size() - whole.size();
    }
    if (!is_utf8(whole) || whole.find('\0') != std::string_view::npos) return false;
  }
  return true;
}

Result<InputFile> as_scratch_file(std::string_view text, const std::string& name, const fs::path& scratch) {
  ATTAR_ASSIGN(base::TemporaryFile copy, base::TemporaryFile::create(scratch));
  ATTAR_TRY(copy.write(std::as_bytes(std::span(text))));
  return InputFile::open_as(copy.path(), name);
}

std::unexpected<Error> too_large(std::uint64_t most) {
  return fail(ErrorCode::over_limit, fmt::format("is larger than {} bytes, the limit for a file", most));
}

}  // namespace

class DocumentSource::State {
 public:
  State(fs::path root, DocumentOptions options, std::optional<Format> asked)
      : root_(std::move(root)), options_(std::move(options)), asked_(asked) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Status find_files() {
    std::error_code unknown;
    if (root_ == "-" || !fs::is_directory(root_, unknown)) {
      ATTAR_ASSIGN(InputFile file, InputFile::open(root_, options_.scratch));
      files_.push_back({root_.filename().string(), file.size()});
      only_ = std::move(file);
    } else if (const auto beir = find_beir(root_)) {
      ATTAR_ASSIGN(const InputFile corpus, InputFile::open(beir->corpus));
      files_.push_back({beir->corpus.filename().string(), corpus.size()});
    } else {
      ATTAR_ASSIGN(files_, walk(root_, options_, note_));
    }
    for (const FoundFile& file : files_) bytes_ += file.bytes;
    return {};
  }

  Result<std::optional<Document>> next() {
    for (;;) {
      if (records_) {
        if (auto document = records_->next(note_)) return document;
        end_file();
      }
      if (at_ == files_.size()) return std::nullopt;
      auto document = open_file(files_[at_]);
      if (!document) {
        Error& error = document.error();
        // A scratch file's failure is that of all files that would need one.
        if (error.code == ErrorCode::io && error.file != files_[at_].path && error.file != name_of(files_[at_]))
          return std::unexpected(std::move(error));
        note_({.path = files_[at_].path, .reason = std::move(error.message)});
        end_file();
      } else if (*document) {
        end_file();
        return document;
      }
    }
  }

  [[nodiscard]] std::vector<ListedFile> hash_files() const {
    std::vector<ListedFile> out;
    std::vector<std::byte> part(part_bytes);
    for (const FoundFile& found : files_) {
      const auto file = open_input(found);
      if (!file) continue;
      base::Sha256 hasher;
      bool whole = true;
      for (std::uint64_t at = 0; whole && at < file->size(); at += part.size()) {
        const auto bytes = std::span(part).first(std::min<std::uint64_t>(part.size(), file->size() - at));
        whole = file->read_at(at, bytes).has_value();
        hasher.update(bytes);
      }
      if (whole) out.push_back({found.path, file->size(), hasher.finish()});
    }
    return out;
  }

  [[nodiscard]] std::uint64_t bytes_read() const noexcept {
    if (!records_) return bytes_done_;
    return bytes_done_ + static_cast<std::uint64_t>(records_->progress() * static_cast<double>(files_[at_].bytes));
  }

  [[nodiscard]] const std::vector<FoundFile>& files() const noexcept { return files_; }
  [[nodiscard]] const std::vector<Skipped>& skipped() const noexcept { return skipped_; }
  [[nodiscard]] std::uint64_t skipped_count() const noexcept { return skipped_count_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  /// The name in errors of the file itself.
  [[nodiscard]] const std::string& name_of(const FoundFile& found) const { return only_ ? only_->name() : found.path; }

  void end_file() {
    bytes_done_ += files_[at_].bytes;
    records_.reset();
    ++at_;
  }

  /// The document of a whole file, or nothing where its records follow.
  Result<std::optional<Document>> open_file(const FoundFile& found) {
    ATTAR_ASSIGN(InputFile file, open_input(found));
    if (file.size() == 0) return fail(ErrorCode::invalid_data, "is empty");
    ATTAR_ASSIGN(std::string head, file.read_first(head_bytes));
    std::optional<Format> format = asked_;
    if (!format) format = format_of_name(found.path);
    if (only_ && only_->spooled() && is_gzip(head)) {
      ATTAR_ASSIGN(file, gunzip(file, options_.largest_unpacked, options_.scratch));
      ATTAR_ASSIGN(head, file.read_first(head_bytes));
    }
    if (!format && only_ && only_->spooled() && trimmed(head).starts_with('{'))
      format = Format{.kind = DocumentKind::record, .layout = RecordLayout::jsonl};
    if (format && format->kind == DocumentKind::record) {
      ATTAR_TRY(start_records(std::move(file), found.path, format->layout, std::move(head)));
      return std::nullopt;
    }
    if (file.size() > options_.largest_file) return too_large(options_.largest_file);
    ATTAR_ASSIGN(std::string bytes, file.read_first(file.size()));
    const bool packed = is_gzip(bytes);
    if (packed) {
      ATTAR_ASSIGN(bytes, gunzip(bytes, options_.largest_file));
    }
    if (!format) format = format_of_bytes(found.path, std::string_view(bytes).substr(0, head_bytes));
    ATTAR_ASSIGN(Document out, make(*format, found.path, std::move(bytes)));
    if (packed) out.verbatim = false;
    return out;
  }

  [[nodiscard]] Result<InputFile> open_input(const FoundFile& found) const {
    return only_ ? only_->again() : InputFile::open_as(root_ / found.path, found.path);
  }

  Status start_records(InputFile file, const std::string& path, RecordLayout layout, std::string head) {
    if (is_gzip(head)) {
      ATTAR_ASSIGN(file, gunzip(file, options_.largest_unpacked, options_.scratch));
      ATTAR_ASSIGN(head, file.read_first(head_bytes));
    }
    bool utf8 = !head.starts_with("\xff\xfe") && !head.starts_with("\xfe\xff");
    if (utf8 && layout != RecordLayout::jsonl) {
      ATTAR_ASSIGN(utf8, holds_utf8(file));
    }
    if (!utf8) {
      if (file.size() > options_.largest_file) return too_large(options_.largest_file);
      ATTAR_ASSIGN(std::string bytes, file.read_first(file.size()));
      ATTAR_ASSIGN(const Decoded decoded, decode(std::move(bytes)));
      ATTAR_ASSIGN(file, as_scratch_file(decoded.text, file.name(), options_.scratch));
    }
    records_.emplace(std::move(file), layout, path, options_);
    return {};
  }

  Result<Document> make(const Format& format, const std::string& path, std::string bytes) const {
    Document out{.path = path, .kind = format.kind, .language = std::string(format.language)};
    if (format.kind == DocumentKind::pdf) {
      ATTAR_ASSIGN(Rendered rendered, render_pdf(bytes, options_.largest_file));
      out.title = std::move(rendered.title);
      out.text = std::move(rendered.text);
    } else {
      const std::string charset(format.kind == DocumentKind::html ? declared_charset(bytes) : "");
      ATTAR_ASSIGN(Decoded decoded, decode(std::move(bytes), charset));
      ATTAR_TRY(render(out, std::move(decoded)));
    }
    if (trimmed(out.text).empty()) return fail(ErrorCode::invalid_data, "holds no text");
    std::ranges::replace(out.text, '\0', ' ');
    if (trimmed(out.title).empty()) out.title = file_name(path);
    return out;
  }

  static Status render(Document& out, Decoded decoded) {
    if (out.kind == DocumentKind::html || out.kind == DocumentKind::man) {
      ATTAR_ASSIGN(Rendered rendered,
                   out.kind == DocumentKind::html ? render_html(decoded.text) : render_man(decoded.text));
      out.title = std::move(rendered.title);
      out.text = std::move(rendered.text);
      return {};
    }
    if (out.kind == DocumentKind::markdown) out.title = markdown_title(decoded.text);
    if (out.kind == DocumentKind::code && out.language.empty())
      if (const auto named = format_of_name(out.path)) out.language = named->language;
    out.text = std::move(decoded.text);
    out.verbatim = decoded.verbatim;
    out.offset = decoded.offset;
    return {};
  }

  fs::path root_;
  DocumentOptions options_;
  std::optional<Format> asked_;
  std::optional<InputFile> only_;  ///< where the root is a file
  std::vector<FoundFile> files_;
  std::vector<Skipped> skipped_;
  std::uint64_t skipped_count_ = 0;
  std::uint64_t bytes_ = 0, bytes_done_ = 0;
  std::size_t at_ = 0;
  std::optional<RecordDocuments> records_;
  NoteSkipped note_ = [this](Skipped skipped) {
    ++skipped_count_;
    if (skipped_.size() < options_.most_named) skipped_.push_back(std::move(skipped));
  };
};

Result<DocumentSource> DocumentSource::open(const fs::path& root, DocumentOptions options) {
  ATTAR_ASSIGN(const std::optional<Format> asked, asked_format(options.format));
  auto state = std::make_unique<State>(root, std::move(options), asked);
  ATTAR_TRY(state->find_files());
  return DocumentSource(std::move(state));
}

DocumentSource::DocumentSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
DocumentSource::DocumentSource(DocumentSource&&) noexcept = default;
DocumentSource& DocumentSource::operator=(DocumentSource&&) noexcept = default;
DocumentSource::~DocumentSource() = default;

Result<std::optional<Document>> DocumentSource::next() { return state_->next(); }
const std::vector<Skipped>& DocumentSource::skipped() const noexcept { return state_->skipped(); }
std::uint64_t DocumentSource::skipped_count() const noexcept { return state_->skipped_count(); }
const std::vector<FoundFile>& DocumentSource::files() const noexcept { return state_->files(); }
std::uint64_t DocumentSource::bytes() const noexcept { return state_->bytes(); }
std::uint64_t DocumentSource::bytes_read() const noexcept { return state_->bytes_read(); }
std::vector<ListedFile> DocumentSource::hash_files() const { return state_->hash_files(); }

}  // namespace attar::data
