// Documents: a folder, files or records packed by meaning and by words, and questions in words.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attar/artifact.h"
#include "attar/evaluate.h"
#include "attar/pack.h"
#include "attar/result.h"

namespace attar {

struct PackDocumentsOptions {
  /// Goal, seed, threads, memory, progress. The budget covers everything: texts, words, vectors, attributes. `queries`
  /// is a log of questions, one a line (or JSON lines with "text"); `meta_fields` and `meta_sorted` name fields of
  /// records. Not used: `ids`, `meta`, `input`.
  PackOptions pack = {};
  std::vector<std::string> text_fields = {};  ///< of records, in this order; empty: those with usual names
  /// Empty: the one that the library carries. A folder with a BERT model (config.json, model.safetensors, vocab.txt),
  /// or an artifact of one (pack_tensors() of the folder; or model.attar of the weights, in their place in the folder).
  /// Or "cmd:" and a command for /bin/sh that gets a text a line and prints a vector a line.
  std::string encoder = {};
  /// Vectors of the documents, one each in their order (.npy and the others that pack() reads): no document is cut
  /// then. Questions are encoded by `encoder`, where one is named, else they come with vectors of their own.
  std::filesystem::path vectors = {};
  /// Vectors of texts met before are kept here: packing again encodes only what changed. Empty: nowhere.
  std::filesystem::path reuse = {};
  bool late_chunking = false;        ///< rows are encoded within their document; for a BERT model
  std::string language = "english";  ///< of the words' stems, one of Snowball's; "none": words as they are
  /// Most tokens of a row's text, those of its headings apart; never more than the encoder reads.
  std::uint32_t chunk_tokens = 256;
};

/// A file or record that could not be read.
struct SkippedInput {
  std::string path;
  std::uint64_t record = 0;  ///< counted from 1; 0: the whole file
  std::string reason;
};

struct DocumentsReport {
  std::uint64_t documents = 0;
  std::uint64_t text_bytes = 0;  ///< of all texts
  std::string encoder;
  std::vector<SkippedInput> skipped;
  std::uint64_t encoded = 0, reused = 0;  ///< rows whose vectors were made, and found in `reuse`
  std::string reuse_note;                 ///< why nothing was found there, where the file could not be used
  double read_seconds = 0;                ///< reading and cutting
  double encode_seconds = 0;              ///< vectors
  double words_seconds = 0;               ///< the lexical lists
  double text_seconds = 0;                ///< the compression of texts
};

struct DocumentsOutcome {
  PlanOutcome plan;
  DocumentsReport documents;
};

/// Reads documents, cuts them into rows, and packs them. `input`: a folder (what .gitignore names is left out), a file
/// of text, Markdown, HTML, source code, a manual page, or records (JSON lines, CSV, TSV). An empty output: only the
/// plan. When the goal is out of reach nothing is written.
[[nodiscard]] Result<DocumentsOutcome> pack_documents(const std::filesystem::path& input,
                                                      const std::filesystem::path& output,
                                                      const PackDocumentsOptions& options);

struct EmbedOptions {
  std::string encoder = {};  ///< as in PackDocumentsOptions
  /// How a BERT model's layers keep their weights: "f32", "bf16", "int8" or "int4". Empty: int8. Vectors of two
  /// precisions do not compare.
  std::string precision = {};
  unsigned threads = 0;  ///< 0: one per available core
  Progress* progress = nullptr;
};

struct EmbedReport {
  std::uint64_t texts = 0;
  std::uint32_t dims = 0;
  std::string encoder;
  double seconds = 0;  ///< of encoding alone
};

/// Vectors of texts, of unit length, as .npy or .fvecs (f32), whole or not at all. `input`: one text a line, JSON lines
/// with "text", or .tsv (id, text).
[[nodiscard]] Result<EmbedReport> embed(const std::filesystem::path& input, const std::filesystem::path& output,
                                        const EmbedOptions& options = {});

/// Whether an input is documents rather than vectors: a folder, or a file that no reader of vectors knows; JSON lines
/// are vectors where their first line holds an array of numbers. Standard input ("-") is taken for vectors.
[[nodiscard]] Result<bool> holds_documents(const std::filesystem::path& input);

enum class SearchMode : std::uint8_t { hybrid, semantic, lexical };
/// How a hybrid search makes one score of two: of the legs' scores, or of their ranks alone (reciprocal rank fusion,
/// Cormack et al. 2009).
enum class FusionRule : std::uint8_t { scores, ranks };

/// A cut for AskOptions::min_relevance that keeps nine of ten answers, measured on questions and the sentences that
/// answer them (docs/decisions/0030).
inline constexpr float automatic_relevance = 0.133f;

struct AskOptions {
  std::uint32_t k = 10;
  SearchMode mode = SearchMode::hybrid;
  std::string where = {};  ///< as in SearchOptions
  bool each_row = false;   ///< all rows of a document that are found; else the best one stands for it
  FusionRule fusion = FusionRule::scores;
  /// The share of meaning in the legs' sum, 0 to 1; nothing: what suits the encoder. evaluate_documents() finds it
  /// where questions are judged.
  std::optional<float> meaning = {};
  std::uint32_t read = 36;  ///< hybrid: so many of the best rows (at least k) are read beside the question
  bool fold = false;        ///< hybrid: a text that nearly repeats a better one is folded into it
  bool diverse = false;     ///< hybrid: answers that say different things first; folds as well
  /// Hybrid: only answers that are relevant with at least this probability, such as automatic_relevance.
  float min_relevance = 0;
  /// Vectors of the questions, questions × dims, where they were encoded elsewhere; empty: the encoder makes them.
  std::vector<float> vectors = {};
  /// A text a question (or none at all), such as an answer that a language model imagines (HyDE, query2doc): it is
  /// searched for beside the question, which counts for more.
  std::vector<std::string> expansions = {};
  /// Where there are none: a command for /bin/sh that reads a question and prints such a text, of at most 1 MiB.
  std::string expand = {};
  std::uint32_t snippet_bytes = 240;  ///< at most; 0: no snippets
  unsigned threads = 1;               ///< over questions; 0: one per available core
};

/// A row found, or a document by its best row.
struct Answer {
  std::uint32_t row = 0;
  std::uint32_t document = 0;
  float score = 0;                       ///< 0 … 1
  std::optional<float> semantic;         ///< cosine with the question; nothing: the leg was not asked
  std::optional<float> lexical;          ///< BM25; nothing: the leg was not asked
  std::optional<float> reading;          ///< of the text beside the question, 0 … 1; nothing: it was not read
  std::optional<float> relevance;        ///< hybrid: the probability, 0 … 1, that it answers
  std::string path, title, heading, id;  ///< as far as they are known
  std::uint64_t line = 0;                ///< of the file, where the snippet begins; 0: unknown
  std::uint64_t record = 0;              ///< of a file of records; 0: none
  std::string snippet;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> marks;  ///< bytes of the snippet that are the question's words
  std::uint32_t more = 0;                                      ///< further rows of the document that were found
  std::uint32_t folded = 0;                                    ///< further rows whose texts nearly repeat this one
};

struct AskTimes {
  double encode = 0, semantic = 0, lexical = 0, fuse = 0, read = 0, show = 0;  ///< seconds, all questions together
};

struct Answers {
  std::vector<std::vector<Answer>> of;  ///< by question, best first
  std::vector<double> seconds;          ///< by question, encoding apart
  AskTimes times;
};

/// Asks an artifact of documents. Safe to use from many threads.
class TextSearch {
 public:
  struct State;

  /// The artifact outlives it. `encoder`: as packed with; empty: the library's own, or the installed one that the
  /// artifact names. `invalid_argument` where the artifact holds no texts. That another encoder made its vectors is
  /// said by ask(), for words alone need none.
  [[nodiscard]] static Result<TextSearch> open(const Artifact& artifact, const std::string& encoder = {});

  TextSearch(TextSearch&&) noexcept;
  TextSearch& operator=(TextSearch&&) noexcept;
  ~TextSearch();

  [[nodiscard]] Result<Answers> ask(std::span<const std::string> questions, const AskOptions& options = {}) const;

 private:
  explicit TextSearch(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

struct EvaluateDocumentsOptions {
  /// Questions: JSON lines with "_id" and "text", .tsv (id, text), or one a line, whose id is its number from 1.
  std::filesystem::path queries;
  std::filesystem::path qrels;     ///< judgements (TREC, BEIR TSV or JSONL) of documents, by id; without an id, by path
  std::filesystem::path run = {};  ///< where the answers go, as TREC has runs; empty: nowhere
  std::string tag = "attar";       ///< of the run
  std::string encoder = {};        ///< as in TextSearch::open
  AskOptions ask = {};             ///< k is the largest of `ks`; a document counts once, and no snippets are made
  std::vector<std::uint32_t> ks = {1, 10, 100};
  double confidence = 0.95;
  bool tune = false;  ///< find AskOptions::meaning by nDCG@10; needs 20 judged questions and the hybrid mode
  Progress* progress = nullptr;
};

/// The mean difference of two modes over the same questions, with its interval.
struct PairedDifference {
  double mean = 0, low = 0, high = 0;
};

/// What tuning found. Each half of the questions was answered with the share that suited the other half: `gain` is what
/// that is above the share that is used without tuning.
struct TunedFusion {
  float meaning = 0;  ///< best over all questions
  PairedDifference gain = {};
};

/// Measures of a mode: "ndcg@10", "recall@10" (the share of relevant documents among the first ten), "hit@10", "mrr".
using DocumentMeasures = std::map<std::string, Measure>;

struct DocumentsEvaluation {
  std::uint64_t questions = 0;         ///< asked
  std::uint64_t judged = 0;            ///< of these, with a relevant document: what is measured over
  DocumentMeasures measures;           ///< of the mode that was asked for
  DocumentMeasures semantic, lexical;  ///< hybrid: of each leg alone
  std::map<std::string, PairedDifference> above_semantic, above_lexical;  ///< hybrid: of it over each leg
  double questions_per_second = 0;                                        ///< of the mode that was asked for
  std::optional<TunedFusion> tuned;
};

/// Asks every question and compares the answers with judgements. `invalid_data` where none of the questions is judged.
[[nodiscard]] Result<DocumentsEvaluation> evaluate_documents(const Artifact& artifact,
                                                             const EvaluateDocumentsOptions& options);

/// Whether an artifact can be asked in words.
[[nodiscard]] bool holds_texts(const Artifact& artifact) noexcept;

}  // namespace attar
