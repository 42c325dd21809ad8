// A semantic cache in front of a language model: prompts that mean the same get the answer kept, and the share of wrong
// ones stays below what is allowed.
#include <cstdio>
#include <string>
#include <string_view>

#include "attar/cache.h"

namespace {

// Stands for the model: slow, dear, and right.
std::string ask_the_model(std::string_view prompt) {
  return prompt.find("password") != std::string_view::npos ? "Under settings, security." : "Call us.";
}

attar::Result<std::string> answer(attar::SemanticCache& cache, std::string_view prompt) {
  ATTAR_ASSIGN(attar::CacheFound found, cache.get(prompt));
  const std::string_view why = attar::cache_reason_name(found.reason);
  std::printf("%-4s %-8.*s %.*s\n", found.hit ? "hit" : "miss", static_cast<int>(why.size()), why.data(),
              static_cast<int>(prompt.size()), prompt.data());
  if (found.hit) return std::move(found.answer);
  std::string made = ask_the_model(prompt);
  ATTAR_TRY(cache.put(prompt, made));
  return made;
}

attar::Status run() {
  ATTAR_ASSIGN(attar::SemanticCache cache, attar::SemanticCache::open("answers.cache", {.error = 0.02}));
  for (const std::string_view prompt : {"How do I change my password?", "how do I change my password",
                                        "Where can I change my password?", "Why can't I change my password?"})
    ATTAR_TRY(answer(cache, prompt));
  const attar::CacheStats stats = cache.stats();
  std::printf("%lu of %lu were hits\n", stats.hits(), stats.prompts);
  return {};
}

}  // namespace

int main() {
  const attar::Status status = run();
  if (!status) std::fprintf(stderr, "%s\n", status.error().describe().c_str());
  return status ? 0 : 1;
}
