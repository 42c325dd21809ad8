#include "output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "json.h"

namespace attar::cli {
namespace {

/// Characters as a terminal counts them, but for wide and combining ones.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string fill(width - std::min(width, width_of(text)), ' ');
  return right ? fill + text : text + fill;
}

/// Bytes of the UTF-8 sequence at the front that are safe to print; 0 where there is none.
std::size_t safe_sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const unsigned second = byte(1);
  if (first == 0xc2 && second < 0xa0) return 0;  // C1 control characters
  if (first == 0xe0 && second < 0xa0) return 0;  // overlong
  if (first == 0xed && second > 0x9f) return 0;  // surrogates
  if (first == 0xf0 && second < 0x90) return 0;  // overlong
  if (first == 0xf4 && second > 0x8f) return 0;  // above U+10FFFF
  const bool bidi = first == 0xe2 && ((second == 0x80 && byte(2) >= 0xaa && byte(2) <= 0xae) ||
                                      (second == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9));
  return bidi ? 0 : length;  // marks that reorder a line could disguise a name
}

std::unexpected<Error> output_error(std::string message, const std::filesystem::path& path) {
  return std::unexpected(
      Error{.code = ErrorCode::invalid_argument, .message = std::move(message), .file = path.string()});
}

/// Said before the work, not after it.
Status check_folder(const std::filesystem::path& output) {
  std::error_code error;
  const std::filesystem::path folder = output.has_parent_path() ? output.parent_path() : ".";
  if (std::filesystem::is_directory(folder, error)) return {};
  return output_error(fmt::format("its folder does not exist; make it first: mkdir -p '{}'", folder.string()), output);
}

}  // namespace

std::string grouped(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string fraction(double value) { return fmt::format("{:.4f}", value); }

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t safe = safe_sequence(text);
    if (safe == 0)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    else
      out += text.substr(0, safe);
    text.remove_prefix(std::max<std::size_t>(safe, 1));
  }
  return out;
}

std::string shown_value(const FieldValue& value) {
  constexpr std::size_t longest = 40;
  if (std::holds_alternative<std::monostate>(value)) return "-";
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return fmt::to_string(*whole);
  if (const auto* real = std::get_if<double>(&value)) return fmt::to_string(*real);
  const auto* list = std::get_if<std::vector<std::string>>(&value);
  std::string text = list != nullptr ? fmt::format("{}", fmt::join(*list, ", ")) : std::get<std::string>(value);
  std::size_t end = std::min(longest, text.size());
  if (end == text.size()) return printable(text);
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return printable(text.substr(0, end)) + "…";
}

std::string Table::text() const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], width_of(row[c]));
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c)
      line += (c == 0 ? "" : "  ") + padded(row[c], widths[c], c >= right_from_);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string Facts::text() const {
  std::size_t width = 0;
  for (const auto& [name, value] : facts_) width = std::max(width, width_of(name));
  std::string out;
  for (const auto& [name, value] : facts_) out += fmt::format("{}  {}\n", padded(name, width, false), value);
  return out;
}

Status print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    return fail(ErrorCode::io, fmt::format("cannot write to standard output: {}", std::strerror(errno)));
  return {};
}

void note(const Session& session, std::string_view text) {
  if (!session.quiet && !session.json) fmt::print(stderr, "attar: {}\n", text);
}

Exit print_error(bool json, const Error& error, const std::string& example) {
  fmt::print(stderr, "attar: {}\n", printable(error.describe()));
  if (!example.empty()) fmt::print(stderr, "  try: {}\n", example);
  if (json) {
    // Standard output may be the very thing that failed; the status tells it all the same.
    const Status printed = print_json(error_json(error, example));
    if (!printed) return Exit::failure;
  }
  return exit_of(error.code);
}

bool is_artifact(const std::filesystem::path& path) {
  // FORMAT.md, "The header".
  constexpr std::array<char, 8> magic{'\x89', 'A', 'T', 'R', '\r', '\n', '\x1a', '\n'};
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return false;
  std::array<char, 8> head{};
  std::ifstream in(path, std::ios::binary);
  return in.read(head.data(), head.size()) && head == magic;
}

Status check_output(const std::filesystem::path& output, const std::vector<std::filesystem::path>& inputs, bool force,
                    bool artifacts_may_go) {
  if (output == "-") return {};
  std::error_code error;
  const auto status = std::filesystem::status(output, error);
  if (std::filesystem::is_directory(status))
    return output_error("is a folder; name a file in it, as in -o " + (output / "out").string(), output);
  if (status.type() == std::filesystem::file_type::not_found) return check_folder(output);
  for (const auto& input : inputs)
    if (input != "-" && !input.empty() && std::filesystem::equivalent(output, input, error))
      return output_error("is also an input; name another output", output);
  if (!std::filesystem::is_regular_file(status))
    return output_error("is no regular file; give -o the name of one, or - for standard output", output);
  if (force || std::filesystem::file_size(output, error) == 0) return {};
  if (artifacts_may_go && is_artifact(output)) return {};
  return output_error(fmt::format("exists{}; add -f to overwrite it, or name another output",
                                  artifacts_may_go ? " and is no .attar artifact" : ""),
                      output);
}

Result<OutputFile> OutputFile::create(const std::filesystem::path& output, std::string_view ending,
                                      const Session& session) {
  OutputFile out;
  out.path_ = output;
  if (output != "-") return out;
  if (::isatty(STDOUT_FILENO) != 0)
    return fail(ErrorCode::invalid_argument, "-o - would send binary data to the terminal; redirect it: -o - > FILE");
  if (session.json)
    return fail(ErrorCode::invalid_argument, "-o - and --json both want standard output; give -o a file");
  std::error_code error;
  std::string pattern = (std::filesystem::temp_directory_path(error) / "attar-XXXXXX").string();
  if (error || ::mkdtemp(pattern.data()) == nullptr)
    return fail(ErrorCode::io, fmt::format("cannot make a scratch folder ({}); set TMPDIR to a folder that may be "
                                           "written",
                                           std::strerror(errno)));
  out.scratch_ = pattern;
  out.path_ = out.scratch_ / fmt::format("output{}", ending);
  return out;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)), scratch_(std::exchange(other.scratch_, {})) {}

OutputFile::~OutputFile() {
  std::error_code error;
  if (!scratch_.empty()) std::filesystem::remove_all(scratch_, error);
}

Status OutputFile::send() {
  if (!to_stdout()) return {};
  std::ifstream in(path_, std::ios::binary);
  std::vector<char> piece(1 << 16);
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0)
    ATTAR_TRY(print(std::string_view(piece.data(), static_cast<std::size_t>(in.gcount()))));
  if (!in.eof()) return fail(ErrorCode::io, "cannot read back the scratch file; is the disk of TMPDIR sound?");
  return {};
}

Status tell_written(const Session& session, OutputFile& file, const std::string& path, const Json& json,
                    const std::function<std::string(const std::string& name)>& text_of) {
  if (session.json) return print_json(json);
  if (!file.to_stdout()) return print(text_of(path));
  note(session, text_of("standard output"));
  return file.send();
}

}  // namespace attar::cli
