// Fits a text into forty tokens for a question, and gets back what was cut from its mark.
#include <cstdio>
#include <string>
#include <vector>

#include "attar/context.h"

namespace {

int stop(const attar::Error& error) {
  std::fprintf(stderr, "%s\n", error.describe().c_str());
  return 2;
}

}  // namespace

int main() {
  // read_context({"report.md", "notes/"}) reads files and folders.
  const std::vector<attar::ContextInput> inputs = {{.name = "report.md",
                                                    .text = "# Report\n\nThe deploy ran on 12 May. It was started by "
                                                            "Ann. Lunch was late on that day, and the roses were in "
                                                            "bloom.\n\n## Why\n\nThe deploy failed because the token "
                                                            "of the registry had expired. Nobody saw the warning "
                                                            "that was sent on 3 May.\n"}};
  attar::ContextOptions options;
  options.tokens = 40;  // of characters/4; options.tokenizer = "tokenizer.json" counts as a model does
  options.query = "why did the deploy fail";
  const auto made = attar::fit_context(inputs, options);
  if (!made) return stop(made.error());
  std::printf("%s\n", made->text.c_str());
  for (const attar::ContextCut& cut : made->cuts) {
    const auto bytes = attar::restore_context(inputs, cut.id);
    if (!bytes) return stop(bytes.error());
    std::printf("%s, %s: %s\n", cut.id.c_str(), cut.unit.c_str(), bytes->c_str());
  }
  return made->tokens <= 40 && !made->cuts.empty() ? 0 : 1;
}
