// How results and errors reach people: aligned tables, sizes, plain text that cannot drive a terminal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "attar/artifact.h"
#include "attar/result.h"
#include "json.h"
#include "session.h"

namespace attar::cli {

/// "12,345,678".
[[nodiscard]] std::string grouped(std::uint64_t value);
/// "0.9512".
[[nodiscard]] std::string fraction(double value);
/// Text from a file or the user with control bytes and invalid UTF-8 written as \xNN.
[[nodiscard]] std::string printable(std::string_view text);

/// A value of an attribute as a table shows it; "-" for none. Long texts are cut.
[[nodiscard]] std::string shown_value(const FieldValue& value);

/// Columns aligned by spaces: the first ones left, all from `right_from` on right.
class Table {
 public:
  explicit Table(std::vector<std::string> header, std::size_t right_from = 1)
      : rows_{std::move(header)}, right_from_(right_from) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::size_t right_from_;
};

/// "name   value" lines, aligned.
class Facts {
 public:
  void add(std::string name, std::string value) { facts_.emplace_back(std::move(name), std::move(value)); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::pair<std::string, std::string>> facts_;
};

/// Writes to standard output; `io` when that fails.
[[nodiscard]] Status print(std::string_view text);
/// A remark on standard error, unless the user wants quiet or JSON.
void note(const Session& session, std::string_view text);
/// The error in words on standard error, and under --json as an object on standard output; its exit status.
[[nodiscard]] Exit print_error(bool json, const Error& error, const std::string& example);

/// True for a regular file that starts with the magic of an artifact.
[[nodiscard]] bool is_artifact(const std::filesystem::path& path);
/// Refuses an output that is no place for a file, that is one of the inputs, or (without `force`) that holds other
/// data.
[[nodiscard]] Status check_output(const std::filesystem::path& output, const std::vector<std::filesystem::path>& inputs,
                                  bool force, bool artifacts_may_go);

/// A scratch file under the name for a command that writes to "-", sent to standard output at the end.
class OutputFile {
 public:
  /// `ending` (".npy") names the format where the output is "-". Refuses to send binary data to a terminal.
  [[nodiscard]] static Result<OutputFile> create(const std::filesystem::path& output, std::string_view ending,
                                                 const Session& session);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  /// Where to write.
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] bool to_stdout() const noexcept { return !scratch_.empty(); }
  /// Copies the scratch file to standard output, if there is one.
  [[nodiscard]] Status send();

 private:
  OutputFile() = default;
  std::filesystem::path path_;
  std::filesystem::path scratch_;  ///< directory, removed at the end
};

/// Tells of a file that was written: its JSON; or where it is standard output, a remark and then the bytes; or a line.
/// `text_of` puts what was written, under a name, in words.
[[nodiscard]] Status tell_written(const Session& session, OutputFile& file, const std::string& path, const Json& json,
                                  const std::function<std::string(const std::string& name)>& text_of);

}  // namespace attar::cli
