// Encodings told apart and turned into UTF-8.
#include "data/documents/encoding.h"

#include <gtest/gtest.h>

#include <string>

#include "files.h"

namespace attar::data {
namespace {

/// Text of ASCII in 16 bits.
std::string utf16(std::string_view ascii, bool big) {
  std::string out;
  for (const char c : ascii) out += big ? std::string{'\0', c} : std::string{c, '\0'};
  return out;
}

void expect_text(const std::string& bytes, const std::string& text, bool verbatim, std::uint64_t offset = 0) {
  const auto decoded = decode(bytes);
  ASSERT_TRUE(decoded) << decoded.error().describe();
  EXPECT_EQ(decoded->text, text);
  EXPECT_EQ(decoded->verbatim, verbatim);
  EXPECT_EQ(decoded->offset, offset);
}

TEST(Encoding, Utf8StaysAsItIs) {
  expect_text("plain\r\n", "plain\r\n", true);
  expect_text("h\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x98\x80", "h\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x98\x80", true);
  expect_text("\xef\xbb\xbfx", "x", true, 3);
  expect_text("", "", true);
}

TEST(Encoding, MarksTellTheOthers) {
  expect_text("\xff\xfe" + utf16("hi", false), "hi", false);
  expect_text("\xfe\xff" + utf16("hi", true), "hi", false);
  expect_text(std::string("\xff\xfe\0\0h\0\0\0", 8), "h", false);
  expect_text(std::string("\0\0\xfe\xff\0\0\0h", 8), "h", false);
  // A character beyond 16 bits, and one that is cut off.
  expect_text(std::string("\xff\xfe\x3d\xd8\x00\xde", 6), "\xf0\x9f\x98\x80", false);
  expect_error(decode("\xff\xfe\x3d\xd8"), ErrorCode::invalid_data, {"no valid UTF-16LE"});
}

TEST(Encoding, Utf16IsToldWithoutAMark) {
  expect_text(utf16("some lines\nof text", false), "some lines\nof text", false);
  expect_text(utf16("some lines\nof text", true), "some lines\nof text", false);
}

TEST(Encoding, OldEncodingsAreDetected) {
  const std::string german =
      "Die Pr\xfc"
      "fung der \xc4nderungen h\xe4ngt f\xfcr die meisten B\xfc"
      "cher von der Gr\xf6\xdf"
      "e der Seiten ab, und nicht von der Zahl der W\xf6rter, die auf ihnen stehen.";
  const auto latin = decode(german);
  ASSERT_TRUE(latin) << latin.error().describe();
  EXPECT_NE(latin->text.find("Pr\xc3\xbc"
                             "fung der \xc3\x84nderungen"),
            std::string::npos)
      << latin->text;
  EXPECT_FALSE(latin->verbatim);
  // A sentence in Russian, in KOI8-R.
  const std::string russian =
      "\xf7\xd3\xc5 \xd3\xde\xc1\xd3\xd4\xcc\xc9\xd7\xd9\xc5 \xd3\xc5\xcd\xd8\xc9 \xd0\xcf\xc8\xcf\xd6\xc9 \xc4\xd2\xd5"
      "\xc7 \xce\xc1 \xc4\xd2\xd5\xc7\xc1, \xcb\xc1\xd6\xc4\xc1\xd1 \xce\xc5\xd3\xde\xc1\xd3\xd4\xcc\xc9\xd7\xc1\xd1 "
      "\xd3\xc5\xcd\xd8\xd1 \xce\xc5\xd3\xde\xc1\xd3\xd4\xcc\xc9\xd7\xc1 \xd0\xcf-\xd3\xd7\xcf\xc5\xcd\xd5.";
  const auto koi = decode(russian);
  ASSERT_TRUE(koi) << koi.error().describe();
  EXPECT_TRUE(koi->text.starts_with("\xd0\x92\xd1\x81\xd0\xb5 ")) << koi->text;
}

TEST(Encoding, WhatAPageDeclaresIsBelieved) {
  const auto page = decode("\xe1\xe2\xe3", "windows-1251");
  ASSERT_TRUE(page) << page.error().describe();
  EXPECT_EQ(page->text, "\xd0\xb1\xd0\xb2\xd0\xb3");
  const auto quotes = decode("\x93quoted\x94", "iso-8859-1");
  ASSERT_TRUE(quotes) << quotes.error().describe();
  EXPECT_EQ(quotes->text, "\xe2\x80\x9cquoted\xe2\x80\x9d");
  EXPECT_TRUE(decode("\xe9t\xe9 utf", "utf-16"));
  EXPECT_EQ(decode("\xe9t\xe9 utf", "no such encoding").value().text, "\xc3\xa9t\xc3\xa9 utf");
  EXPECT_EQ(declared_charset("<meta charset=\"koi8-r\">"), "koi8-r");
  EXPECT_EQ(declared_charset("<META http-equiv=Content-Type content='text/html; CHARSET=Latin1'>"), "Latin1");
  EXPECT_EQ(declared_charset("<p>charset="), "");
}

TEST(Encoding, AFewWrongBytesAreReplaced) {
  std::string text;
  for (int i = 0; i < 20; ++i) text += "\xc3\xa9t\xc3\xa9 ";
  const auto decoded = decode(text + "\xff" + text);
  ASSERT_TRUE(decoded) << decoded.error().describe();
  EXPECT_EQ(decoded->text, text + "\xef\xbf\xbd" + text);
  EXPECT_FALSE(decoded->verbatim);
}

TEST(Encoding, BinaryFilesAreToldByTheirBytes) {
  expect_error(decode(std::string("text\0text", 9)), ErrorCode::invalid_data, {"is binary: byte 4 is NUL"});
  expect_error(decode(std::string("a\1\2\3\4\5b")), ErrorCode::invalid_data, {"control characters"});
  std::string late(1 << 20, 'a');
  late += '\0';
  expect_error(decode(late), ErrorCode::invalid_data, {"byte 1048576 is NUL"});
  // The pattern of UTF-16, but half of a pair of surrogates stands alone.
  expect_error(decode(utf16("some text", false) + "\x3d\xd8" + utf16("and more", false)), ErrorCode::invalid_data,
               {"is binary: byte 1 is NUL"});
  EXPECT_TRUE(decode("a\tb\fc\x1b[0m"));
}

}  // namespace
}  // namespace attar::data
