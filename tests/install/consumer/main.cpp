// A user's program: prints the version of the installed library.
#include <attar/result.h>
#include <attar/version.h>

#include <iostream>

namespace {

attar::Result<std::string_view> installed_version() {
  if (attar::version().empty()) return attar::fail(attar::ErrorCode::unsupported, "the library has no version");
  return attar::version();
}

}  // namespace

int main() {
  const auto version = installed_version();
  if (!version) {
    std::cerr << attar::error_name(version.error().code) << ": " << version.error().describe() << '\n';
    return 1;
  }
  std::cout << *version << '\n';
}
