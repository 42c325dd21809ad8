// Documents made of the rows of one file.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/documents/document.h"
#include "data/documents/kinds.h"
#include "data/documents/walk.h"
#include "data/input_file.h"
#include "data/records.h"

namespace attar::data {

class RecordDocuments {
 public:
  /// `path` names the documents; `options` outlive this.
  RecordDocuments(InputFile file, RecordLayout layout, std::string path, const DocumentOptions& options);

  /// The next row that is a document; rows that are none are noted. Nothing after the last one.
  [[nodiscard]] std::optional<Document> next(const NoteSkipped& skip);

  /// How much of the file has been read, 0 … 1.
  [[nodiscard]] double progress() const noexcept;

 private:
  void take(std::string_view name, const Cell& cell);
  void drop_repeated();
  [[nodiscard]] std::size_t place_of(std::string_view name) const noexcept;
  [[nodiscard]] std::string take_text(std::vector<std::size_t>& used);
  [[nodiscard]] Document make();
  [[nodiscard]] std::string why_not(bool& hopeless) const;

  std::unique_ptr<InputFile> file_;  // stays where it is: the reader points to it
  RecordLayout layout_;
  std::string path_;
  const DocumentOptions& options_;
  std::unique_ptr<RecordReader> reader_;
  std::vector<Field> fields_;                           ///< of the present row
  std::array<std::optional<std::string>, 2> ids_ = {};  ///< "_id" and "id", as they are written
  bool ended_ = false;
};

}  // namespace attar::data
