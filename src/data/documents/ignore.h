// Patterns of files to leave out, as gitignore(5) has them. Matching takes time linear in path times pattern, whatever
// the pattern.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attar::data {

/// A shell pattern in which `*`, `?` and `[…]` do not match '/', and `**` matches whole folders.
class Glob {
 public:
  explicit Glob(std::string_view pattern);
  [[nodiscard]] bool matches(std::string_view text) const;

 private:
  enum class Kind : std::uint8_t {
    byte,
    any,        ///< ?
    set,        ///< […]
    star,       ///< *, within a folder
    deep,       ///< **, anything
    no_folder,  ///< the first half of "**/": nothing at all
    folders,    ///< its second half: anything that ends in '/'
    never,      ///< what a malformed pattern ends in
  };
  struct Token {
    Kind kind;
    unsigned char byte = 0;   ///< of byte
    std::uint32_t index = 0;  ///< of set, in sets_
  };
  using Set = std::bitset<256>;

  std::size_t add_stars(std::string_view pattern, std::size_t at);
  std::size_t add_set(std::string_view pattern, std::size_t at);
  void enter(std::vector<char>& states, std::size_t state) const;
  void step(std::vector<char>& next, std::size_t state, unsigned char byte) const;

  std::vector<Token> tokens_;
  std::vector<Set> sets_;
  std::string ending_;        ///< the bytes that every match ends in
  std::size_t shortest_ = 0;  ///< bytes of the shortest match
};

/// The patterns of one file.
class IgnorePatterns {
 public:
  /// `base`: the folder that holds the file, from the top of the repository; "" or with a '/' at its end.
  IgnorePatterns(std::string_view text, std::string base);

  enum class Verdict : std::uint8_t { none, ignored, kept };
  /// What the last pattern that matches says of a path from the top that lies below the base.
  [[nodiscard]] Verdict judge(std::string_view path, bool folder) const;
  [[nodiscard]] bool empty() const noexcept { return patterns_.empty(); }
  [[nodiscard]] const std::string& base() const noexcept { return base_; }

 private:
  struct Pattern {
    bool negated = false;
    bool folders_only = false;
    bool name_only = false;   ///< has no slash: compared with the last part of the path
    bool literal = false;     ///< nothing but the prefix
    std::string prefix = {};  ///< what stands before the first special character
    Glob rest{{}};
  };
  void add(std::string_view line);

  std::string base_;
  std::vector<Pattern> patterns_;
};

}  // namespace attar::data
