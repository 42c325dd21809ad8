#include "data/documents/walk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <ranges>
#include <system_error>
#include <utility>

#include "base/bytes.h"
#include "data/documents/ignore.h"

namespace attar::data {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t largest_ignore_file = 1 << 20;

struct Entry {
  std::string name;  ///< of a folder with a '/' behind, so that names sort as paths do
  fs::file_type type = fs::file_type::none;

  [[nodiscard]] bool is_folder() const noexcept { return type == fs::file_type::directory; }
};

/// A folder on the way down: what of it is still to come.
struct Level {
  std::string path;  ///< below the root: "" or with a '/' behind
  std::vector<Entry> entries = {};
  std::size_t next = 0;
  bool has_patterns = false;  ///< the last of the patterns are its own
};

/// The text of a file of patterns; nothing where there is none to read. A link is not followed, as git does not.
std::optional<std::string> read_patterns(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return std::nullopt;
  struct stat info {};
  std::optional<std::string> out;
  if (::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) &&
      static_cast<std::uint64_t>(info.st_size) <= largest_ignore_file) {
    out.emplace(static_cast<std::size_t>(info.st_size), '\0');
    std::size_t size = 0;
    for (ssize_t count = 1; count > 0 && size < out->size();
         size += static_cast<std::size_t>(std::max<ssize_t>(count, 0)))
      count = ::read(descriptor, out->data() + size, out->size() - size);
    out->resize(size);
  }
  ::close(descriptor);
  return out;
}

/// The folders from the top of the repository down to the root; the root alone where there is no repository.
std::vector<fs::path> folders_above(const fs::path& root) {
  std::vector<fs::path> out{root};
  for (fs::path folder = root;; folder = folder.parent_path()) {
    if (folder != root) out.push_back(folder);
    std::error_code none;
    if (fs::exists(fs::symlink_status(folder / ".git", none))) break;
    if (folder == folder.parent_path()) return {root};
  }
  std::ranges::reverse(out);
  return out;
}

class Walk {
 public:
  Walk(const fs::path& root, const DocumentOptions& options, const NoteSkipped& skip)
      : root_(root), options_(options), skip_(skip) {}

  Result<std::vector<FoundFile>> run() {
    std::error_code error;
    real_root_ = fs::canonical(root_, error);
    if (error) return fail_at_root(error);
    if (options_.gitignore) read_patterns_above();
    ATTAR_TRY(enter(""));
    while (!levels_.empty()) {
      Level& level = levels_.back();
      if (level.next == level.entries.size()) {
        if (level.has_patterns) patterns_.pop_back();
        levels_.pop_back();
        continue;
      }
      const Entry entry = std::move(level.entries[level.next++]);
      ATTAR_TRY(visit(level.path + entry.name, entry));
    }
    return std::move(found_);
  }

 private:
  [[nodiscard]] std::unexpected<Error> fail_at_root(const std::error_code& error) const {
    return std::unexpected(Error{
        .code = ErrorCode::io, .message = fmt::format("cannot list: {}", error.message()), .file = root_.string()});
  }

  /// Those of the folders between the top of the repository and the root, and of .git/info/exclude.
  void read_patterns_above() {
    const std::vector<fs::path> folders = folders_above(real_root_);
    const auto add = [this](const fs::path& file, std::string base) {
      if (auto text = read_patterns(file)) patterns_.emplace_back(*text, std::move(base));
    };
    add(folders.front() / ".git" / "info" / "exclude", "");
    for (const fs::path& folder : folders) {
      if (folder != folders.front()) above_ += folder.filename().string() + "/";
      if (folder != real_root_) add(folder / ".gitignore", above_);
    }
  }

  /// Lists a folder; only the root's failure is one of the walk.
  Status enter(const std::string& path) {
    Level level{.path = path};
    std::error_code error;
    fs::directory_iterator entry(root_ / path, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      std::string name = entry->path().filename().string();
      if (name == ".git" || (name.starts_with('.') && !options_.hidden)) continue;
      std::error_code unknown;
      const fs::file_type type = entry->symlink_status(unknown).type();
      if (type == fs::file_type::directory) name += '/';
      level.entries.push_back({std::move(name), type});
    }
    if (error && path.empty()) return fail_at_root(error);
    if (error) skip_({.path = path.substr(0, path.size() - 1), .reason = "cannot be listed: " + error.message()});
    std::ranges::sort(level.entries, {}, &Entry::name);
    if (options_.gitignore) {
      if (auto text = read_patterns(root_ / path / ".gitignore")) {
        patterns_.emplace_back(*text, above_ + path);
        level.has_patterns = true;
      }
    }
    levels_.push_back(std::move(level));
    return {};
  }

  /// What the nearest file of patterns says that says anything.
  [[nodiscard]] bool ignored(const std::string& path, bool folder) const {
    const std::string from_top = above_ + path;
    for (const IgnorePatterns& patterns : std::views::reverse(patterns_)) {
      const auto verdict = patterns.judge(from_top, folder);
      if (verdict != IgnorePatterns::Verdict::none) return verdict == IgnorePatterns::Verdict::ignored;
    }
    return false;
  }

  Status visit(std::string path, const Entry& entry) {
    if (options_.gitignore) {
      const std::string bare = entry.is_folder() ? path.substr(0, path.size() - 1) : path;
      if (ignored(bare, entry.is_folder())) return {};
    }
    switch (entry.type) {
      case fs::file_type::directory: return enter(path);
      case fs::file_type::regular: return add(std::move(path));
      case fs::file_type::symlink: judge_link(std::move(path)); return {};
      case fs::file_type::none:
      case fs::file_type::not_found:
      case fs::file_type::unknown: skip_({.path = std::move(path), .reason = "cannot be looked at"}); return {};
      default: skip_({.path = std::move(path), .reason = "is no file, but a device, a socket or a pipe"}); return {};
    }
  }

  Status add(std::string path) {
    std::error_code error;
    const std::uint64_t bytes = fs::file_size(root_ / path, error);
    if (error) {
      skip_({.path = std::move(path), .reason = "cannot be read: " + error.message()});
      return {};
    }
    if (found_.size() >= options_.most_files)
      return std::unexpected(
          Error{.code = ErrorCode::over_limit,
                .message = fmt::format("holds more than {} files; name a smaller folder", options_.most_files),
                .file = root_.string()});
    found_.push_back({std::move(path), bytes});
    return {};
  }

  /// What a link leads to below the root is found there; that it leads elsewhere should be known.
  void judge_link(std::string path) {
    std::error_code error;
    const fs::path target = fs::canonical(root_ / path, error);
    if (error) {
      skip_({.path = std::move(path), .reason = "is a link that leads nowhere: " + error.message()});
      return;
    }
    const auto end = std::mismatch(real_root_.begin(), real_root_.end(), target.begin(), target.end()).first;
    if (end == real_root_.end()) return;
    skip_({.path = std::move(path), .reason = "is a link out of the folder; name what it leads to as well"});
  }

  fs::path root_;
  const DocumentOptions& options_;
  const NoteSkipped& skip_;
  fs::path real_root_;
  std::string above_;  ///< the root's path from the top of the repository: "" or with a '/' behind
  std::vector<IgnorePatterns> patterns_;
  std::vector<Level> levels_;
  std::vector<FoundFile> found_;
};

}  // namespace

Result<std::vector<FoundFile>> walk(const fs::path& root, const DocumentOptions& options, const NoteSkipped& skip) {
  return Walk(root, options, skip).run();
}

}  // namespace attar::data
