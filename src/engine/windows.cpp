// pack_windows(): token counts of all documents, pieces of long ones, and windows of them.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <span>

#include "attar/corpus.h"
#include "base/checked.h"
#include "base/clock.h"
#include "base/progress.h"
#include "data/line_reader.h"
#include "engine/corpus_file.h"
#include "engine/input.h"
#include "text/tokenizer/tokenizer.h"
#include "text/windows/best_fit.h"
#include "text/windows/cut.h"

namespace attar {
namespace {

using base::Clock;
using base::seconds_since;

constexpr std::uint32_t least_window = 16, most_window = 1 << 24;
constexpr std::size_t windows_a_piece = 16, pieces_at_once = 64;
constexpr std::uint32_t whole = 0;

/// A document, or a piece of one.
struct Item {
  std::uint64_t offset = 0;  ///< of the line in the file
  std::uint32_t bytes = 0;   ///< of the line
  std::uint32_t line = 0;
  std::uint32_t tokens = 0;
  std::uint32_t part = whole;  ///< of a piece: its number from 1
  text::TextPiece piece = {};  ///< of a piece
};

Status check_options(const WindowsOptions& options) {
  if (options.window < least_window || options.window > most_window)
    return fail(ErrorCode::invalid_argument, fmt::format("a window has {} to {} tokens", least_window, most_window));
  if (options.per_document > options.window - least_window)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} tokens besides each document leave no room in a window of {}", options.per_document,
                            options.window));
  return {};
}

class Packing {
 public:
  Packing(const WindowsOptions& options, base::ThreadPool& pool, Progress& progress)
      : options_(options), room_(options.window - options.per_document), pool_(pool), progress_(progress) {}

  Result<WindowsReport> run(const std::filesystem::path& input, const std::filesystem::path& output) {
    auto start = Clock::now();
    ATTAR_ASSIGN(tokenizer_, text::open_tokenizer(options_.tokenizer));
    ATTAR_ASSIGN(engine::CorpusFile corpus, engine::CorpusFile::open(input, options_.corpus));
    ATTAR_TRY(count(corpus));
    report_.corpus = corpus.counts();
    report_.tokenizer = tokenizer_->name();
    report_.estimated = tokenizer_->estimated();
    report_.read_seconds = seconds_since(start);
    start = Clock::now();
    fit();
    report_.fit_seconds = seconds_since(start);
    start = Clock::now();
    if (!output.empty()) ATTAR_TRY(write(corpus, output));
    report_.write_seconds = seconds_since(start);
    return std::move(report_);
  }

 private:
  Status count(engine::CorpusFile& corpus) {
    std::vector<std::vector<Item>> found(data::LineBlocks::most_lines / engine::CorpusFile::piece_lines);
    std::atomic<bool> too_small = false;
    const auto visit = [&](std::size_t piece, std::size_t line, std::string_view text, unsigned,
                           const data::TextOfLine&) {
      if (!add_items(text, static_cast<std::uint32_t>(line), found[piece])) too_small = true;
    };
    return corpus.read(pool_, progress_, visit, [&](const data::LineBlock& block, std::size_t pieces) -> Status {
      if (too_small)
        return fail(ErrorCode::invalid_argument,
                    fmt::format("a character has more tokens than the {} of a window; give a larger one", room_));
      for (std::size_t piece = 0; piece < pieces; ++piece) {
        for (Item& item : found[piece]) {
          const std::string_view text = block.lines[item.line].text;
          item.offset = block.offset + static_cast<std::uint64_t>(text.data() - block.bytes.data());
          item.bytes = static_cast<std::uint32_t>(text.size());
          item.line += static_cast<std::uint32_t>(block.first_number - 1);
          items_.push_back(item);
        }
        found[piece].clear();
      }
      if (items_.size() > engine::most_lines)
        return fail(ErrorCode::over_limit, "there are more than 2^32 pieces of documents; split the corpus");
      return {};
    });
  }

  bool add_items(std::string_view text, std::uint32_t line, std::vector<Item>& out) const {
    const std::size_t tokens = tokenizer_->count(text);
    if (tokens <= room_) {
      out.push_back({.line = line, .tokens = static_cast<std::uint32_t>(tokens)});
      return true;
    }
    std::uint32_t part = 0;
    const auto pieces = text::cut_text(text, *tokenizer_, room_);
    for (const text::TextPiece& piece : pieces)
      out.push_back({.line = line, .tokens = piece.tokens, .part = ++part, .piece = piece});
    return !pieces.empty();
  }

  void fit() {
    std::vector<std::uint32_t> sizes, documents;  // of all items; of documents before they were cut
    for (const Item& item : items_) {
      sizes.push_back(item.tokens + options_.per_document);
      report_.tokens += sizes.back();
      report_.pieces += item.part != whole ? 1 : 0;
      report_.cut += item.part == 1 ? 1 : 0;
      if (item.part > 1) {
        // 2³² tokens do not fit a line of 64 MiB.
        documents.back() += sizes.back();
      } else {
        documents.push_back(sizes.back());
      }
    }
    plan_ = text::best_fit_decreasing(sizes, options_.window);
    report_.windows = plan_.windows;
    report_.fill = fill_of(plan_.windows);
    report_.first_fit.windows = text::first_fit_windows(sizes, options_.window);
    report_.first_fit.fill = fill_of(report_.first_fit.windows);
    report_.first_fit.cut = report_.cut;
    const text::Concatenation other = text::concatenate_and_cut(documents, options_.window);
    report_.concatenate = {.windows = other.windows, .fill = fill_of(other.windows), .cut = other.cut};
  }

  [[nodiscard]] double fill_of(std::uint64_t windows) const {
    return windows == 0 ? 0
                        : static_cast<double>(report_.tokens) /
                              (static_cast<double>(windows) * static_cast<double>(options_.window));
  }

  /// Items by window, those of one in their order.
  [[nodiscard]] std::vector<std::uint32_t> by_window(std::vector<std::uint32_t>& ends) const {
    ends.assign(plan_.windows + 1, 0);
    for (const std::uint32_t window : plan_.window_of) ++ends[window + 1];
    for (std::size_t i = 1; i < ends.size(); ++i) ends[i] += ends[i - 1];
    std::vector<std::uint32_t> order(items_.size());
    for (std::uint32_t item = 0; item < items_.size(); ++item) order[ends[plan_.window_of[item]]++] = item;
    return order;
  }

  Status write(const engine::CorpusFile& corpus, const std::filesystem::path& output) {
    std::vector<std::uint32_t> ends;
    const std::vector<std::uint32_t> order = by_window(ends);
    ATTAR_ASSIGN(base::AtomicFile file, base::AtomicFile::create(output));
    std::vector<std::string> texts(pieces_at_once);
    std::vector<Status> done(pieces_at_once);
    progress_.stage("writing", plan_.windows);
    for (std::size_t first = 0; first < plan_.windows; first += windows_a_piece * pieces_at_once) {
      ATTAR_TRY(base::check_cancelled(progress_));
      const std::size_t count = std::min(plan_.windows - first, windows_a_piece * pieces_at_once);
      pool_.run(base::ceil_div(count, windows_a_piece), [&](std::size_t piece, unsigned) {
        texts[piece].clear();
        data::TextOfLine reader = corpus.reader();
        for (std::size_t i = piece * windows_a_piece; i < std::min((piece + 1) * windows_a_piece, count); ++i) {
          const std::size_t begin = first + i == 0 ? 0 : ends[first + i - 1];
          done[piece] = append_window(corpus.file(), reader, std::span(order).subspan(begin, ends[first + i] - begin),
                                      texts[piece]);
          if (!done[piece]) return;
        }
      });
      for (std::size_t piece = 0; piece < base::ceil_div(count, windows_a_piece); ++piece) {
        ATTAR_TRY(done[piece]);
        ATTAR_TRY(file.write(std::as_bytes(std::span(texts[piece]))));
      }
      progress_.advance(count);
    }
    return file.commit();
  }

  Status append_window(const data::InputFile& file, data::TextOfLine& reader, std::span<const std::uint32_t> items,
                       std::string& out) const {
    out += options_.ids ? "{\"ids\": [" : "{\"texts\": [";
    std::uint64_t tokens = 0;
    std::vector<char> line;
    for (const std::uint32_t number : items) {
      const Item& item = items_[number];
      line.resize(item.bytes + data::LineReader::padding);
      ATTAR_TRY(file.read_at(item.offset, std::as_writable_bytes(std::span(line).first(item.bytes))));
      const auto text = reader.read({line.data(), item.bytes});
      if (!text || item.piece.end > text->size())
        return file.fail(ErrorCode::invalid_data, fmt::format("line {} changed while it was read", item.line + 1));
      if (number != items.front()) out += ", ";
      append_item(item, *text, reader, out);
      tokens += item.tokens + options_.per_document;
    }
    out += fmt::format("], \"tokens\": {}}}\n", tokens);
    return {};
  }

  void append_item(const Item& item, std::string_view text, const data::TextOfLine& reader, std::string& out) const {
    if (!options_.ids) {
      data::append_json_string(out, item.part == whole ? text : text.substr(item.piece.begin, item.piece.size()));
      return;
    }
    std::string id = reader.id();
    if (id.empty()) id = fmt::to_string(item.line + 1);
    if (item.part != whole) id += fmt::format("#{}", item.part);
    data::append_json_string(out, id);
  }

  const WindowsOptions& options_;
  std::uint32_t room_;
  base::ThreadPool& pool_;
  Progress& progress_;
  std::unique_ptr<text::Tokenizer> tokenizer_;
  std::vector<Item> items_;
  text::WindowPlan plan_;
  WindowsReport report_;
};

}  // namespace

Result<WindowsReport> pack_windows(const std::filesystem::path& input, const std::filesystem::path& output,
                                   const WindowsOptions& options) {
  ATTAR_TRY(check_options(options));
  base::ThreadPool pool(options.corpus.threads);
  return Packing(options, pool, engine::or_silent(options.corpus.progress)).run(input, output);
}

}  // namespace attar
