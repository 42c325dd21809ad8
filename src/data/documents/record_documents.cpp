#include "data/documents/record_documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <unordered_set>
#include <utility>

#include "data/documents/names.h"

namespace attar::data {
namespace {

constexpr std::array usual_texts =
    std::to_array<std::string_view>({"text", "body", "content", "description", "abstract"});
constexpr std::size_t nowhere = ~std::size_t{0};

FieldValue value_of(const Cell& cell) {
  switch (cell.kind) {
    case Cell::Kind::truth: return cell.truth;
    case Cell::Kind::whole: return cell.whole;
    case Cell::Kind::real: return cell.real;
    case Cell::Kind::text: return std::string(cell.text);
    case Cell::Kind::texts: return std::vector<std::string>(cell.texts.begin(), cell.texts.end());
    case Cell::Kind::null:
    case Cell::Kind::other: break;
  }
  return {};
}

/// Moves a value out as text: numbers in their shortest form, lists as lines.
std::string text_of(FieldValue& value) {
  struct Visitor {
    std::string operator()(std::monostate) const { return {}; }
    std::string operator()(bool truth) const { return truth ? "true" : "false"; }
    std::string operator()(std::int64_t number) const { return fmt::to_string(number); }
    std::string operator()(double number) const { return fmt::to_string(number); }
    std::string operator()(std::string& text) const { return std::move(text); }
    std::string operator()(std::vector<std::string>& texts) const { return fmt::format("{}", fmt::join(texts, "\n")); }
  };
  return std::visit(Visitor{}, value);
}

bool contains(std::span<const std::string> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::unique_ptr<RecordReader> reader_of(const InputFile& file, RecordLayout layout, std::uint64_t longest) {
  if (layout == RecordLayout::jsonl) return jsonl_records(file, longest);
  return csv_records(file, layout == RecordLayout::tsv ? '\t' : ',', longest);
}

}  // namespace

RecordDocuments::RecordDocuments(InputFile file, RecordLayout layout, std::string path, const DocumentOptions& options)
    : file_(std::make_unique<InputFile>(std::move(file))),
      layout_(layout),
      path_(std::move(path)),
      options_(options),
      reader_(reader_of(*file_, layout, options.longest_record)) {}

std::optional<Document> RecordDocuments::next(const NoteSkipped& skip) {
  while (!ended_) {
    fields_.clear();
    ids_ = {};
    const auto there = reader_->next([this](std::string_view name, const Cell& cell) { take(name, cell); });
    if (there && !*there) break;
    if (!there) {
      skip({.path = path_, .reason = there.error().message, .record = reader_->line()});
      continue;
    }
    if (layout_ == RecordLayout::jsonl) drop_repeated();
    bool hopeless = false;
    std::string reason = why_not(hopeless);
    Document out = make();
    if (!trimmed(out.text).empty()) return out;
    // A table that lacks the field lacks it in every row; that is said once.
    ended_ = hopeless;
    skip({.path = path_, .reason = std::move(reason), .record = hopeless ? 0 : reader_->line()});
  }
  ended_ = true;
  return std::nullopt;
}

double RecordDocuments::progress() const noexcept {
  if (ended_ || file_->size() == 0) return 1;
  return static_cast<double>(reader_->position()) / static_cast<double>(file_->size());
}

void RecordDocuments::take(std::string_view name, const Cell& cell) {
  if (name == "_id" && !ids_[0]) ids_[0] = cell.as_text();
  if (name == "id" && !ids_[1]) ids_[1] = cell.as_text();
  if (cell.kind != Cell::Kind::other) fields_.push_back({.name = std::string(name), .value = value_of(cell)});
}

/// Of two fields with one name the first counts.
void RecordDocuments::drop_repeated() {
  std::unordered_set<std::string_view> seen;
  std::vector<bool> repeated;
  repeated.reserve(fields_.size());
  for (const Field& field : fields_) repeated.push_back(!seen.insert(field.name).second);
  seen.clear();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (repeated[i]) continue;
    if (kept != i) fields_[kept] = std::move(fields_[i]);
    ++kept;
  }
  fields_.resize(kept);
}

std::size_t RecordDocuments::place_of(std::string_view name) const noexcept {
  const auto found = std::ranges::find(fields_, name, &Field::name);
  return found == fields_.end() ? nowhere : static_cast<std::size_t>(found - fields_.begin());
}

/// The text of the fields that make it, which are noted as used.
std::string RecordDocuments::take_text(std::vector<std::size_t>& used) {
  std::string out;
  const auto add = [&](std::string_view name) {
    const std::size_t place = place_of(name);
    if (place == nowhere) return;
    const std::string text = text_of(fields_[place].value);
    used.push_back(place);
    if (trimmed(text).empty()) return;
    if (!out.empty()) out += "\n\n";
    out += text;
  };
  if (!options_.text_fields.empty()) {
    for (const std::string& name : options_.text_fields) add(name);
    return out;
  }
  for (const std::string_view name : usual_texts)
    if (out.empty()) add(name);
  return out;
}

std::string RecordDocuments::why_not(bool& hopeless) const {
  std::string names = fmt::format("{}", fmt::join(options_.text_fields, ", "));
  bool any = std::ranges::any_of(options_.text_fields, [&](const auto& name) { return place_of(name) != nowhere; });
  if (options_.text_fields.empty()) {
    names = fmt::format("{} or title", fmt::join(usual_texts, ", "));
    any = place_of("title") != nowhere ||
          std::ranges::any_of(usual_texts, [&](std::string_view name) { return place_of(name) != nowhere; });
  }
  hopeless = layout_ != RecordLayout::jsonl && !any;
  return fmt::format("has no {} {}; name the fields of the text", hopeless ? "field" : "text in", names);
}

Document RecordDocuments::make() {
  Document out{.path = path_, .record = reader_->line(), .kind = DocumentKind::record};
  std::vector<std::size_t> used;
  out.text = take_text(used);
  if (ids_[0] || ids_[1]) {
    used.push_back(place_of(ids_[0] ? "_id" : "id"));
    out.id = ids_[0] ? *std::move(ids_[0]) : *std::move(ids_[1]);
  }
  const std::size_t title = place_of("title");
  if (title != nowhere && std::ranges::find(used, title) == used.end()) {
    out.title = text_of(fields_[title].value);
    used.push_back(title);
    if (out.text.empty() && options_.text_fields.empty()) out.text = out.title;
  }
  for (std::size_t i = 0; i < fields_.size(); ++i)
    if (std::ranges::find(used, i) == used.end() &&
        (options_.meta_fields.empty() || contains(options_.meta_fields, fields_[i].name)))
      out.fields.push_back(std::move(fields_[i]));
  std::ranges::replace(out.text, '\0', ' ');
  if (trimmed(out.title).empty()) out.title = file_name(path_);
  return out;
}

}  // namespace attar::data
