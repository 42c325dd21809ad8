// Manual pages as text with their structure in Markdown.
#include "data/documents/man.h"

#include <gtest/gtest.h>

#include <string>

#include "data/documents/roff.h"
#include "files.h"

namespace attar::data {
namespace {

std::string text_of(std::string_view page) {
  const auto rendered = render_man(page);
  EXPECT_TRUE(rendered) << rendered.error().describe();
  return rendered ? rendered->text : "";
}
std::string title_of(std::string_view page) { return render_man(page).value_or(Rendered{}).title; }
std::string resolved(std::string_view text) { return RoffText().resolve(text).text; }

TEST(Roff, EscapesBecomeCharacters) {
  EXPECT_EQ(resolved("\\fBbold\\fR \\f(CWcode\\fP \\f[I]x\\f[] \\s-1small\\s0 \\s+2b\\s10c"), "bold code x small bc");
  EXPECT_EQ(resolved("a\\-b\\&c\\|d\\ e\\~f\\%g\\:h\\/i\\,"), "a-bcd e fghi");
  EXPECT_EQ(resolved("\\(aq\\(dq\\(lq\\(rq\\(em\\(bu\\(co\\[rs]\\e\\\\"), "'\"\u201c\u201d\u2014\u2022\u00a9\\\\\\");
  EXPECT_EQ(resolved("\\('e\\[:u]\\[u00E9]\\[u0065_0301]\\(*a\\(*W\\(*s"),
            "\u00e9\u00fc\u00e9e\u0301\u03b1\u03a9\u03c3");
  EXPECT_EQ(resolved("\\*(lq\\*R\\*[nosuch]\\n(.g\\n+x"), "\u201c\u00ae");
  EXPECT_EQ(resolved("\\h'-04'\\(bu\\h'+03'x\\v'1'\\w\"a\"y\\N'39'"), "\u2022xy'");
  EXPECT_EQ(resolved("text \\\" comment"), "text ");
  EXPECT_EQ(resolved("\\[u110000]\\[uD800]\\[nosuch]"), "");
  // Characters of several bytes are not cut in two.
  EXPECT_EQ(resolved("\\f\u00e9a\\s\u00e9b\\*\u00e9c\\(\u00e9d\\h\u00e9x\u00e9e\\\u00e9"), "abcde\u00e9");
  EXPECT_TRUE(RoffText().resolve("joined\\c").joined);
  EXPECT_TRUE(RoffText().resolve("joined\\").joined);
  EXPECT_FALSE(RoffText().resolve("not").joined);
}

TEST(Roff, ArgumentsAreSplitAtBlanks) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(roff_arguments("a  b\tc"), (Words{"a", "b", "c"}));
  EXPECT_EQ(roff_arguments("\"a b\" \"say \"\"x\"\"\" c\"d\""), (Words{"a b", "say \"x\"", "c\"d\""}));
  EXPECT_EQ(roff_arguments("a\\ b c"), (Words{"a\\ b", "c"}));
  EXPECT_EQ(roff_arguments("\"open end"), Words{"open end"});
  EXPECT_EQ(roff_arguments(" "), Words{});
}

TEST(Roff, StringsAreFilledInWithoutEnd) {
  RoffText text;
  text.define("a", "0123456789");
  for (int i = 0; i < 40; ++i) text.define("a", "\\*a\\*a");
  EXPECT_LE(text.resolve("\\*a").text.size(), 256u);
  EXPECT_GE(text.resolve("\\*a").text.size(), 100u);
}

TEST(Man, SectionsAndParagraphs) {
  const std::string page = R"(.\" a comment
.TH LS 1 "May 2024" tool
.SH NAME
ls \- list \fIdirectory\fR contents
.SH "MORE WORDS"
One line,
.B bold
and
.BR ls (1),
.PP
another.
.SS
Sub
text
)";
  EXPECT_EQ(title_of(page), "ls - list directory contents");
  EXPECT_EQ(text_of(page),
            "## NAME\n\nls - list directory contents\n\n## MORE WORDS\n\nOne line, bold and ls(1),\n\nanother.\n\n"
            "### Sub\n\ntext");
  EXPECT_EQ(title_of(".TH X 3\n.SH TEXT\na\n"), "X(3)");
}

TEST(Man, TagsAreItems) {
  EXPECT_EQ(text_of(".TP\n\\fB\\-a\\fR, \\fB\\-\\-all\\fR\ndo not\nignore\n.TP\n.B \\-b\nb\n.PP\nend"),
            "- -a, --all: do not ignore\n- -b: b\n\nend");
  EXPECT_EQ(text_of(".TP\n\\-x\n.TQ\n\\-\\-ex\nboth"), "- -x, --ex: both");
  EXPECT_EQ(text_of(".IP \\(bu 2\none\n.IP \\(bu\ntwo\n.IP 3. 4\nthree\n.IP tag\nfour\n.IP\nmore"),
            "- one\n- two\n3. three\n- tag: four\n\n  more");
  EXPECT_EQ(text_of(".TP\na:\ntext"), "- a: text");
  EXPECT_EQ(text_of(".PP\n\\-n\n.RS 4\nbody\n.RE\n.PP\nend"), "-n\n  body\n\nend");
}

TEST(Man, DisplaysStandInFences) {
  EXPECT_EQ(text_of("a\n.nf\n  x  y\n\n\\-z\n.fi\nb"), "a\n\n```\n  x  y\n\n-z\n```\n\nb");
  EXPECT_EQ(text_of(".EX\ncode\n.SH NEXT\ntext"), "```\ncode\n```\n\n## NEXT\n\ntext");
}

TEST(Man, ConditionsAndDefinitionsAreSkippedAsTheyShould) {
  EXPECT_EQ(text_of(".if n for n\n.if t for t\n.ie n yes\n.el no\n.ie t no\n.el yes\n.if !t not"), "for n yes yes not");
  EXPECT_EQ(text_of(".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq x\nit\\*(Aqs"), "it's");
  EXPECT_EQ(text_of(".if t \\{\\\nno\n.if n \\{\\\nno\n.\\}\nno\n.\\}\nyes\n.ie n \\{\\\nfirst\n.\\}\n.el "
                    "\\{\\\nsecond\n.\\}\nlast"),
            "yes first last");
  EXPECT_EQ(text_of(".de XX\nhidden\n..\nshown\n.ig zz\nhidden\n..\n.zz\nagain\n.XX\n.de Y end\nh\n.end\nz"),
            "shown again z");
  EXPECT_EQ(text_of(".if 'a'a' \\{ x\n.\\}\nshown"), "shown");
  EXPECT_EQ(text_of("a\n.EQ\nx over y\n.EN\nb"), "a b");
}

TEST(Man, LinesThatGoOnAndBreak) {
  EXPECT_EQ(text_of("\\fBfoo\\fR\\c\nbar"), "foobar");
  EXPECT_EQ(text_of("a\n.br\nb\n.sp\nc\n\nd\n  e"), "a\nb\n\nc\n\nd\ne");
  EXPECT_EQ(text_of("see\n.UR http://x.org\nthe page\n.UE .\nend"), "see the page <http://x.org>. end");
  EXPECT_EQ(text_of("a\\\\b\r\nc"), "a\\b c");
}

TEST(Man, TablesHaveRowsOnALine) {
  EXPECT_EQ(text_of("a\n.TS\nallbox tab(@);\nlb lb\nl l.\nName@Meaning\n_\nx@T{\nlong\n.B text\nhere\nT}\n.TE\nb"),
            "a\n\nName | Meaning\nx | long text here\n\nb");
}

TEST(Man, PagesOfMdoc) {
  const std::string page = R"(.Dd May 1, 2024
.Dt CAT 1
.Os
.Sh NAME
.Nm cat
.Nd concatenate files
.Sh SYNOPSIS
.Nm
.Op Fl benu
.Op Ar
.Nm
.Fl o Ar out
.Sh DESCRIPTION
The
.Nm
utility reads, see
.Xr head 1 ,
.Pq Fl b No or Fl n .
.Bl -tag -width x
.It Fl b
Number.
.It Fl f Ns = Ns Ar file
Read
.Pa file .
.El
.Bd -literal -offset indent
$ cat a
.Ed
.Pp
.Fn open "const char *path" "int flags"
.Bl -enum
.It
one
.It
two
.Bl -bullet
.It
deep
.El
.El
.Ex -std
)";
  EXPECT_EQ(title_of(page), "cat - concatenate files");
  EXPECT_EQ(
      text_of(page),
      "## NAME\n\ncat - concatenate files\n\n## SYNOPSIS\n\ncat [-benu] [file ...]\ncat -o out\n\n## DESCRIPTION\n\n"
      "The cat utility reads, see head(1), (-b or -n).\n\n- -b: Number.\n- -f=file: Read file.\n\n"
      "```\n$ cat a\n```\n\nopen(const char *path, int flags)\n\n1. one\n2. two\n\n  - deep\n\n"
      "The cat utility exits 0 on success, and >0 if an error occurs.");
}

TEST(Man, APageThatOnlyLeadsElsewhereIsAnError) {
  expect_error(render_man(".so man3/printf.3\n"), ErrorCode::invalid_data, {"only leads to man3/printf.3"});
  EXPECT_EQ(text_of(".TH X 1\n"), "");
}

TEST(Man, TextDoesNotGrowWithoutBound) {
  std::string page = ".ds a " + std::string(250, 'x') + "\n";
  for (int i = 0; i < 10'000; ++i) page += "\\*a\\*a\n";
  expect_error(render_man(page), ErrorCode::over_limit, {"far more text"});
  // Nesting costs neither the stack nor the indentation.
  page.clear();
  for (int i = 0; i < 20'000; ++i) page += ".RS\n.Bl -tag\n.It x\n.ie n \\{\\\n";
  EXPECT_TRUE(render_man(page + "text"));
}

}  // namespace
}  // namespace attar::data
