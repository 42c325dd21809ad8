// A lexical section opened for reading.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "format/ids.h"
#include "format/section.h"
#include "index/lexical/layout.h"
#include "index/lexical/postings.h"

namespace attar::index::lexical {

/// A term that documents hold.
struct Term {
  std::uint32_t number = 0;
  std::uint32_t holding = 0;  ///< documents
  base::ByteView list;        ///< unverified
};

/// Const and safe to use from many threads at once; the section's bytes outlive it.
class LexicalIndex {
 public:
  /// Reads the header alone; `documents`: what the artifact says of its rows.
  [[nodiscard]] static Result<LexicalIndex> open(format::SectionReader lexical, format::SectionReader terms,
                                                 std::uint64_t documents);

  [[nodiscard]] const Header& header() const noexcept { return header_; }
  /// Nothing where no document holds the term.
  [[nodiscard]] Result<std::optional<Term>> find(std::string_view term) const;
  /// A term's list, its checksums verified.
  [[nodiscard]] Status read(const Term& term, List& out) const;

  /// Codes of the documents' lengths, and the impacts by them: read and made by the first who asks, then kept.
  struct Lengths {
    std::span<const std::uint8_t> codes;
    Impacts impacts;
  };
  [[nodiscard]] Result<const Lengths*> lengths() const;

  /// Reads everything: every list, its documents and what is largest in its blocks, and the order of the terms.
  [[nodiscard]] Status check() const;

 private:
  explicit LexicalIndex(format::SectionReader section) : section_(std::move(section)) {}
  [[nodiscard]] Result<const std::vector<std::string>*> first_names() const;
  [[nodiscard]] Result<Term> entry(std::uint64_t term) const;
  [[nodiscard]] Status check_list(const Term& term) const;

  // Made by the first who asks, then kept.
  template <class T>
  struct Kept {
    std::once_flag once;
    std::optional<Result<T>> value;
  };

  format::SectionReader section_;
  Header header_;
  Layout layout_;
  std::optional<format::IdsReader> names_;
  std::unique_ptr<Kept<Lengths>> lengths_ = std::make_unique<Kept<Lengths>>();
  std::unique_ptr<Kept<std::vector<std::string>>> first_names_ = std::make_unique<Kept<std::vector<std::string>>>();
};

}  // namespace attar::index::lexical
