// Folders and files as streams of documents.
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "data/documents/document_source.h"
#include "data/documents/gzip.h"
#include "data/documents/kinds.h"
#include "data/documents/markdown.h"
#include "data/documents/pdf.h"
#include "files.h"

namespace attar::data {
namespace {

namespace fs = std::filesystem;

std::string packed(std::string_view text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 32, '\0');
  std::string in(text);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

class DocumentsTest : public DataTest {
 protected:
  void file(const std::string& path, std::string_view bytes) const {
    fs::create_directories((directory_ / path).parent_path());
    put(path, bytes);
  }
  std::vector<Document> read(const DocumentOptions& options = {}, const std::string& below = "") {
    std::vector<Document> out;
    auto source = DocumentSource::open(below.empty() ? directory_ : directory_ / below, options);
    EXPECT_TRUE(source) << source.error().describe();
    if (!source) return out;
    for (;;) {
      auto document = source->next();
      EXPECT_TRUE(document) << document.error().describe();
      if (!document || !*document) break;
      out.push_back(**std::move(document));
    }
    EXPECT_EQ(source->bytes_read(), source->bytes());
    skipped_ = source->skipped();
    skipped_count_ = source->skipped_count();
    return out;
  }
  /// The one document of a file.
  Document one(const std::string& name, std::string_view bytes, const DocumentOptions& options = {}) {
    file(name, bytes);
    auto all = read(options, name);
    EXPECT_EQ(all.size(), 1u) << (skipped_.empty() ? "" : skipped_[0].reason);
    return all.empty() ? Document{} : all[0];
  }
  /// Why the file is none.
  std::string why_not(const std::string& name, std::string_view bytes, const DocumentOptions& options = {}) {
    file(name, bytes);
    EXPECT_TRUE(read(options, name).empty()) << name;
    EXPECT_EQ(skipped_.size(), 1u);
    return skipped_.empty() ? "" : skipped_[0].reason;
  }

  std::vector<Skipped> skipped_;
  std::uint64_t skipped_count_ = 0;
};

TEST_F(DocumentsTest, AFolderOfEveryKind) {
  file("a.txt", "plain text");
  file("b.md", "# Title\n\ntext");
  file("c.html", "<title>Page</title><p>text");
  file("d.py", "x = 1\n");
  file("e.1", ".TH E 1\n.SH NAME\ne \\- does it\n");
  file("f.jsonl", "{\"_id\": \"r1\", \"title\": \"T\", \"text\": \"row\"}\n{\"text\": \"second\"}\n");
  file("g.csv", "id,text\n7,words\n");
  file("h/run", "#!/usr/bin/env python3\n");
  file("i.bin", std::string_view("\0\1\2", 3));
  file("j.txt", "");
  const auto all = read();
  std::vector<std::string> seen;
  seen.reserve(all.size());
  for (const Document& d : all)
    seen.push_back(d.path + " " + std::string(kind_name(d.kind)) + " " + std::to_string(d.record) + " " + d.title);
  EXPECT_EQ(seen, (std::vector<std::string>{"a.txt plain 0 a.txt", "b.md markdown 0 Title", "c.html html 0 Page",
                                            "d.py code 0 d.py", "e.1 man 0 e - does it", "f.jsonl record 1 T",
                                            "f.jsonl record 2 f.jsonl", "g.csv record 2 g.csv", "h/run code 0 run"}));
  EXPECT_EQ(all[3].language, "python");
  EXPECT_EQ(all[5].id, "r1");
  EXPECT_EQ(all[7].id, "7");
  EXPECT_EQ(all[8].language, "python");
  EXPECT_EQ(skipped_, (std::vector<Skipped>{{"i.bin", "is binary: byte 0 is NUL", 0}, {"j.txt", "is empty", 0}}));
}

TEST_F(DocumentsTest, VerbatimTextIsTheFilesBytes) {
  for (const std::string name : {"a.txt", "b.md", "c.cpp"}) {
    const std::string bytes = "\xef\xbb\xbfline\r\nh\xc3\xa9\n";
    const Document document = one(name, bytes);
    EXPECT_TRUE(document.verbatim);
    EXPECT_EQ(document.offset, 3u);
    EXPECT_EQ(document.text, bytes.substr(3));
  }
  EXPECT_FALSE(one("a.html", "<p>x").verbatim);
  EXPECT_FALSE(one("latin.txt", "\xe9t\xe9 en \xe9t\xe9, la ville est belle et la mer est chaude").verbatim);
  EXPECT_FALSE(one("a.txt.gz", packed("text")).verbatim);
}

TEST_F(DocumentsTest, PackedFilesAreReadByTheirInnerName) {
  EXPECT_EQ(one("a.md.gz", packed("# T\n")).title, "T");
  EXPECT_EQ(one("b.7.gz", packed(".TH B 7\n.SH X\ny\n")).kind, DocumentKind::man);
  EXPECT_EQ(one("c.jsonl.gz", packed("{\"text\": \"x\"}\n")).record, 1u);
  EXPECT_EQ(one("two.txt.gz", packed("one ") + packed("two")).text, "one two");
  EXPECT_EQ(one("zeros.txt.gz", packed("one") + std::string(100, '\0')).text, "one");
  EXPECT_EQ(one("noname", packed("text")).text, "text");
}

TEST_F(DocumentsTest, DamagedPackingIsNamed) {
  const std::string whole = packed(std::string(100'000, 'x'));
  for (std::size_t size = 3; size < whole.size(); size += 7)
    EXPECT_NE(why_not("a.txt.gz", whole.substr(0, size)).find("is damaged"), std::string::npos) << size;
  std::string flipped = whole;
  flipped[flipped.size() - 5] ^= 1;
  EXPECT_NE(why_not("a.txt.gz", flipped).find("is damaged"), std::string::npos);
}

TEST_F(DocumentsTest, ABombIsBoundedBeforeItUnfolds) {
  const std::string bomb = packed(std::string(64 << 20, 'x'));
  ASSERT_LT(bomb.size(), 100'000u);
  EXPECT_NE(why_not("a.txt.gz", bomb, {.largest_file = 1 << 20}).find("larger, unpacked"), std::string::npos);
  EXPECT_NE(why_not("a.jsonl.gz", bomb, {.largest_unpacked = 1 << 20}).find("larger, unpacked"), std::string::npos);
  expect_error(gunzip(bomb, 64), ErrorCode::over_limit, {"unpacked"});
}

TEST_F(DocumentsTest, LargeFilesAreSkippedButNotRecords) {
  EXPECT_EQ(why_not("a.txt", std::string(2000, 'x'), {.largest_file = 1000}),
            "is larger than 1000 bytes, the limit for a file");
  EXPECT_EQ(one("a.jsonl", "{\"text\": \"" + std::string(2000, 'x') + "\"}", {.largest_file = 1000}).text.size(),
            2000u);
}

TEST_F(DocumentsTest, FieldsOfRecordsAreChosen) {
  const std::string row =
      R"({"_id": 5, "id": "x", "title": "T", "body": "B", "description": "D", "n": 1.5, "l": ["a", "b"], "o": {"x": 1}, "z": null, "t": true})";
  const Document usual = one("a.jsonl", row);
  EXPECT_EQ(usual.id, "5");
  EXPECT_EQ(usual.title, "T");
  EXPECT_EQ(usual.text, "B");
  const std::vector<Field> expected{{"id", std::string("x")},
                                    {"description", std::string("D")},
                                    {"n", 1.5},
                                    {"l", std::vector<std::string>{"a", "b"}},
                                    {"z", {}},
                                    {"t", true}};
  EXPECT_EQ(usual.fields, expected);
  const Document chosen = one("a.jsonl", row, {.text_fields = {"title", "l", "n"}, .meta_fields = {"t", "absent"}});
  EXPECT_EQ(chosen.text, "T\n\na\nb\n\n1.5");
  EXPECT_EQ(chosen.title, "a.jsonl");
  EXPECT_EQ(chosen.fields, (std::vector<Field>{{"t", true}}));
  const Document only_title = one("b.jsonl", R"({"_id": "d", "title": "Only", "text": ""})");
  EXPECT_EQ(only_title.text, "Only");
  EXPECT_EQ(only_title.id, "d");
  EXPECT_EQ(one("c.jsonl", R"({"text": "first", "text": "second", "a": 1, "a": 2})").text, "first");
  EXPECT_EQ(one("c.jsonl", R"({"text": "first", "a": 1, "a": 2})").fields.size(), 1u);
  EXPECT_EQ(one("d.jsonl", R"({"text": "a\u0000b"})").text, "a b");
  EXPECT_EQ(one("e.csv", "id,text\n007,\"a\nb\"\n").id, "007");
  EXPECT_EQ(one("e.csv", "id,text\n1.50,x\n").id, "1.50");
}

TEST_F(DocumentsTest, BadRecordsAreNamedAndStopNothing) {
  file("a.jsonl", "{\"text\": \"one\"}\n{bad}\n{\"other\": 1}\n[]\n{\"text\": \"" + std::string(3000, 'x') +
                      "\"}\n{\"text\": \"six\"}\n");
  file("b.csv", "text,n\nx,1\ny\nz,2\n");
  file("c.csv", "a,b\n1,2\n3,4\n");
  const auto all = read({.longest_record = 1000});
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[1].record, 6u);
  EXPECT_EQ(all[3].text, "z");
  ASSERT_EQ(skipped_.size(), 6u);
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_EQ(skipped_[i].record, i + 2) << skipped_[i].reason;
  EXPECT_NE(skipped_[1].reason.find("has no text in text, body"), std::string::npos) << skipped_[1].reason;
  EXPECT_EQ(skipped_[4].path, "b.csv");
  EXPECT_EQ(skipped_[4].record, 3u);
  EXPECT_EQ(skipped_[5].path, "c.csv");
  EXPECT_EQ(skipped_[5].record, 0u);
  EXPECT_NE(skipped_[5].reason.find("has no field text, body"), std::string::npos) << skipped_[5].reason;
}

TEST_F(DocumentsTest, SoManyAreNamedAndAllAreCounted) {
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "{bad}\n";
  file("a.jsonl", lines);
  EXPECT_TRUE(read({.most_named = 3}).empty());
  EXPECT_EQ(skipped_.size(), 3u);
  EXPECT_EQ(skipped_count_, 100u);
}

TEST_F(DocumentsTest, TablesComeInAnyEncoding) {
  EXPECT_EQ(one("a.csv",
                "text\nDie Pr\xfc"
                "fung der \xc4nderungen h\xe4ngt f\xfcr alle von der Gr\xf6\xdf"
                "e ab\n")
                .text,
            "Die Pr\xc3\xbc"
            "fung der \xc3\x84nderungen h\xc3\xa4ngt f\xc3\xbcr alle von der Gr\xc3\xb6\xc3\x9f"
            "e ab");
  std::string utf16 = "\xff\xfe";
  for (const char c : std::string("text\tn\nhi\t1\n")) utf16 += {c, '\0'};
  EXPECT_EQ(one("a.tsv", utf16).text, "hi");
  // Characters that the parts of the check cut in two.
  std::string large = "text\n";
  while (large.size() < (3 << 20))
    large +=
        "\xe6\xbc\xa2\xf0\x9f\x98\x80"
        "x\n";
  file("b.csv", large);
  EXPECT_EQ(read({}, "b.csv").size(), (large.size() - 5 + 8) / 9);
}

TEST_F(DocumentsTest, OptionsOverruleTheNames) {
  EXPECT_EQ(one("a.txt", "{\"text\": \"x\"}", {.format = "jsonl"}).kind, DocumentKind::record);
  EXPECT_EQ(one("a.jsonl", "{\"text\": \"x\"}", {.format = "plain"}).text, "{\"text\": \"x\"}");
  EXPECT_EQ(one("a.py", "x = 1", {.format = "code"}).language, "python");
  expect_error(DocumentSource::open(directory_, {.format = "word"}), ErrorCode::invalid_argument,
               {"'word'", "markdown"});
  expect_error(DocumentSource::open(directory_ / "absent"), ErrorCode::io, {"absent"});
}

TEST_F(DocumentsTest, UnreadableFilesAreNamed) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read every file";
  file("a.txt", "x");
  file("b.txt", "y");
  fs::permissions(directory_ / "a.txt", fs::perms::none);
  EXPECT_EQ(read().size(), 1u);
  ASSERT_EQ(skipped_.size(), 1u);
  EXPECT_EQ(skipped_[0].path, "a.txt");
  EXPECT_NE(skipped_[0].reason.find("cannot open"), std::string::npos);
}

TEST_F(DocumentsTest, AFileThatIsGoneIsNamed) {
  file("a.txt", "x");
  file("b.txt", "y");
  auto source = DocumentSource::open(directory_).value();
  fs::remove(directory_ / "a.txt");
  EXPECT_EQ((*source.next())->path, "b.txt");
  ASSERT_EQ(source.skipped().size(), 1u);
  EXPECT_EQ(source.skipped()[0].path, "a.txt");
  EXPECT_EQ(source.hash_files().size(), 1u);
}

TEST_F(DocumentsTest, FilesAreListedWithTheirHashes) {
  file("a/b.txt", "abc");
  file("c.txt", "");
  const auto source = DocumentSource::open(directory_).value();
  const auto listed = source.hash_files();
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0].path, "a/b.txt");
  EXPECT_EQ(listed[0].bytes, 3u);
  EXPECT_EQ(listed[0].hash.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(source.bytes(), 3u);
  EXPECT_EQ(DocumentSource::open(directory_ / "a/b.txt")->hash_files().at(0).hash, listed[0].hash);
}

TEST_F(DocumentsTest, PipesAreReadOnce) {
  const auto pipe = directory_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const auto through = [&](const std::string& bytes, const DocumentOptions& options = {}) {
    // The writer waits for its reader in a process of its own.
    const pid_t writer = fork();
    if (writer == 0) {
      std::ofstream(pipe, std::ios::binary) << bytes;
      _exit(0);
    }
    return read(options, "pipe");
  };
  EXPECT_EQ(through("some text").at(0).text, "some text");
  EXPECT_EQ(through("{\"text\": \"a\"}\n{\"text\": \"b\"}\n").size(), 2u);
  EXPECT_EQ(through(packed("{\"text\": \"a\"}\n")).at(0).text, "a");
  EXPECT_EQ(through("text\nx\n", {.format = "csv"}).at(0).text, "x");
}

TEST_F(DocumentsTest, ManyFilesKeepTheirOrderAndTheirCount) {
  std::map<std::string, std::string> expected;
  for (int i = 0; i < 500; ++i) {
    const std::string path = "d" + std::to_string(i % 7) + "/f" + std::to_string(i) + ".txt";
    file(path, "text " + std::to_string(i));
    expected[path] = "text " + std::to_string(i);
  }
  std::map<std::string, std::string> seen;
  std::vector<std::string> order;
  for (const Document& document : read()) {
    seen[document.path] = document.text;
    order.push_back(document.path);
  }
  EXPECT_EQ(seen, expected);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST_F(DocumentsTest, PdfIsReadWhereTheBuildCan) {
  const std::string pdf =
      "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
      "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 100]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj\n"
      "4 0 obj<</Length 44>>stream\nBT /F 12 Tf 20 50 Td (Words of a page) Tj ET\nendstream endobj\n"
      "5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n6 0 obj<</Title(A title)>>endobj\n"
      "trailer<</Root 1 0 R/Info 6 0 R>>\n";
  if (!reads_pdf()) {
    EXPECT_NE(why_not("a.pdf", pdf).find("libpoppler-cpp-dev"), std::string::npos);
    GTEST_SKIP() << "this build has no poppler";
  }
  const Document document = one("a.pdf", pdf);
  EXPECT_EQ(document.text, "Words of a page");
  EXPECT_EQ(document.title, "A title");
  EXPECT_EQ(document.kind, DocumentKind::pdf);
  EXPECT_EQ(one("noname", pdf).text, "Words of a page");
  EXPECT_NE(why_not("b.pdf", "%PDF-1.4\nnothing").find("no PDF"), std::string::npos);
}

TEST(Kinds, NamesTellFormats) {
  EXPECT_EQ(format_of_name("a/b.CPP")->language, "cpp");
  EXPECT_EQ(format_of_name("Makefile")->language, "make");
  EXPECT_EQ(format_of_name("x.md.gz")->kind, DocumentKind::markdown);
  EXPECT_EQ(format_of_name("dir.md/x"), std::nullopt);
  EXPECT_EQ(format_of_name(".md"), std::nullopt);
  EXPECT_EQ(format_of_name("x.1"), std::nullopt);
  EXPECT_EQ(format_of_name("x.txt"), std::nullopt);
}

TEST(Kinds, FirstBytesTellTheRest) {
  EXPECT_EQ(format_of_bytes("x.3pm.gz", ".\\\" comment\n.TH X 3pm\n").kind, DocumentKind::man);
  EXPECT_EQ(format_of_bytes("x.3readline", "'\\\" t\n.TH X 3\n").kind, DocumentKind::man);
  EXPECT_EQ(format_of_bytes("log.1", "May 1 12:00 started\n").kind, DocumentKind::plain);
  EXPECT_EQ(format_of_bytes("x", ".TH X 1\n").kind, DocumentKind::plain);
  EXPECT_EQ(format_of_bytes("x", "\n<!-- c --> <!DOCTYPE HTML>").kind, DocumentKind::html);
  EXPECT_EQ(format_of_bytes("x", "<htm").kind, DocumentKind::plain);
  EXPECT_EQ(format_of_bytes("x", "%PDF-1.7").kind, DocumentKind::pdf);
  EXPECT_EQ(format_of_bytes("x", "#!/bin/sh -e\n").language, "shell");
  EXPECT_EQ(format_of_bytes("x", "#!/usr/bin/env -S perl -w\n").language, "perl");
  EXPECT_EQ(format_of_bytes("x", "#!").kind, DocumentKind::code);
}

TEST(Markdown, TitlesAreFound) {
  EXPECT_EQ(markdown_title("# One\n# Two"), "One");
  EXPECT_EQ(markdown_title("text\n\n  ## **Two** ##\n"), "Two");
  EXPECT_EQ(markdown_title("A title\n=======\n# Other"), "A title");
  EXPECT_EQ(markdown_title("Under\n---\n"), "Under");
  EXPECT_EQ(markdown_title("- item\n---\n\n# After"), "After");
  EXPECT_EQ(markdown_title("---\ntitle: \"In front: matter\"\nx: 1\n---\n# Other"), "In front: matter");
  EXPECT_EQ(markdown_title("+++\ntitle = 'Toml'\n+++\n"), "Toml");
  EXPECT_EQ(markdown_title("---\nx: 1\n---\n# Heading"), "Heading");
  EXPECT_EQ(markdown_title("---\nnever closed\n# Heading"), "Heading");
  EXPECT_EQ(markdown_title("```\n# code\n```\n~~~\n# more\n~~~\n    # indented\n# Real #\n"), "Real");
  EXPECT_EQ(markdown_title("````\n```\n# code\n````\n# Real"), "Real");
  EXPECT_EQ(markdown_title("#hashtag\n####### seven\n"), "");
  EXPECT_EQ(markdown_title(""), "");
}

}  // namespace
}  // namespace attar::data
