// Packs a folder of notes into one file and asks it in words. Public headers only.
#include <attar/artifact.h>
#include <attar/documents.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

void write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

attar::Status pack_and_ask(const std::filesystem::path& folder) {
  write(folder / "notes/keys.md", "# Keys\n\nTo rotate the keys, run the script on the bastion host.\n");
  write(folder / "notes/backup.txt", "Backups run each night at two. The restore drill happens every month.\n");
  write(folder / "notes/bread.md",
        "# Bread\n\nKnead flour, water, salt and yeast; bake the dough for forty minutes.\n");
  ATTAR_ASSIGN(const attar::DocumentsOutcome outcome,
               attar::pack_documents(folder / "notes", folder / "notes.attar", {}));
  std::printf("%llu documents in %llu bytes\n", static_cast<unsigned long long>(outcome.documents.documents),
              static_cast<unsigned long long>(outcome.plan.report.bytes));

  ATTAR_ASSIGN(const attar::Artifact artifact, attar::Artifact::open(folder / "notes.attar"));
  ATTAR_ASSIGN(const attar::TextSearch search, attar::TextSearch::open(artifact));
  const std::vector<std::string> questions = {"how do I rotate the keys", "how long does a loaf stay in the oven"};
  attar::AskOptions options;
  options.k = 2;
  ATTAR_ASSIGN(const attar::Answers answers, search.ask(questions, options));
  for (std::size_t i = 0; i < questions.size(); ++i) {
    std::printf("%s\n", questions[i].c_str());
    for (const attar::Answer& answer : answers.of[i])
      std::printf("  %.3f  %s:%llu  %s\n", static_cast<double>(answer.score), answer.path.c_str(),
                  static_cast<unsigned long long>(answer.line), answer.snippet.c_str());
  }
  const bool right = answers.of[0].front().path == "keys.md" && answers.of[1].front().path == "bread.md";
  return right ? attar::Status() : attar::fail(attar::ErrorCode::invalid_data, "another document was found");
}

}  // namespace

int main() {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "attar-example-documents";
  std::filesystem::create_directories(folder);
  const attar::Status status = pack_and_ask(folder);
  std::filesystem::remove_all(folder);
  if (status) return 0;
  std::fprintf(stderr, "%s\n", status.error().describe().c_str());
  return 1;
}
