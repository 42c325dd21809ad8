// HTML as text with its structure in Markdown.
#include "data/documents/html.h"

#include <gtest/gtest.h>

#include <string>

#include "files.h"

namespace attar::data {
namespace {

std::string text_of(std::string_view html) {
  const auto page = render_html(html);
  EXPECT_TRUE(page) << page.error().describe();
  return page ? page->text : "";
}
std::string title_of(std::string_view html) { return render_html(html).value_or(Rendered{}).title; }

TEST(Html, BlocksHaveABlankLineBetween) {
  EXPECT_EQ(text_of("<p>one\n  two<p>three"), "one two\n\nthree");
  EXPECT_EQ(text_of("<div>a<div>b</div></div>c"), "a\n\nb\n\nc");
  EXPECT_EQ(text_of("a<br>b<hr>c"), "a\nb\n\nc");
  EXPECT_EQ(text_of("some <b>bold</b>, <i>slanted</i> <a href=x>link</a>."), "some bold, slanted link.");
  EXPECT_EQ(text_of("<section><h2> A  heading</h2><p>text</p></section>"), "## A heading\n\ntext");
  EXPECT_EQ(text_of("<h1></h1>text<h3>one<br>line</h3>"), "text\n\n### one line");
}

TEST(Html, TitlesAreTheirOwnOrTheFirstHeading) {
  EXPECT_EQ(title_of("<title> A\n title </title><h1>B</h1>"), "A title");
  EXPECT_EQ(title_of("<h2>B <i>c</i></h2><h1>D</h1>"), "B c");
  EXPECT_EQ(title_of("<p>x"), "");
  EXPECT_EQ(text_of("<title>T</title><body>x"), "x");
}

TEST(Html, ListsAreNested) {
  EXPECT_EQ(text_of("<ul><li>a<li>b<ul><li>c<p>d</p></li></ul></li></ul>e"), "- a\n- b\n  - c\n\n    d\n\ne");
  EXPECT_EQ(text_of("<ol><li><p>one</p></li><li>two</li></ol>"), "- one\n\n- two");
  EXPECT_EQ(text_of("<ul><li></li><li>x</li></ul>"), "- x");
  EXPECT_EQ(text_of("<dl><dt>term<dd>meaning<dt>other<dd>more</dl>"), "term\nmeaning\n\nother\nmore");
}

TEST(Html, TablesHaveRowsOnALine) {
  EXPECT_EQ(text_of("<table><tr><th>a<th>b<tr><td>1</td><td>2</td></tr></table>x"), "a | b\n1 | 2\n\nx");
  EXPECT_EQ(text_of("<table><tr><td><p>1</p></td>\n<td><p>2</p></td></tr><tr><td>3</td></tr></table>"), "1 | 2\n3");
  EXPECT_EQ(text_of("<table><tr><td>side<td><h1>Head</h1><p>text</table>"), "side\n\n# Head\n\ntext");
}

TEST(Html, PreformattedTextStandsInFences) {
  EXPECT_EQ(text_of("<p>a<pre>\nif  x &lt; 1:\n    <b>y</b>\n</pre>b"), "a\n\n```\nif  x < 1:\n    y\n```\n\nb");
  EXPECT_EQ(text_of("<pre>```\n</pre>"), "````\n```\n````");
  EXPECT_EQ(text_of("<pre> \n </pre>a"), "a");
  EXPECT_EQ(text_of("<ul><li><pre>x</pre></ul>y"), "```\nx\n```\n\ny");
}

TEST(Html, WhatIsNotShownIsLeftOut) {
  EXPECT_EQ(text_of("<script>if (a < b) x('</p>')</script><style>p{}</style><!-- c -->a<nav>n<p>o</nav>b"), "ab");
  EXPECT_EQ(text_of("<p hidden>x</p><p aria-hidden=true>y</p><p style='color: red; display : none'>z</p>a"), "a");
  EXPECT_EQ(text_of("<h1>A<a class=headerlink href=#a>\xc2\xb6</a></h1>"), "# A");
  EXPECT_EQ(text_of("<svg><title>icon</title><text>t</text></svg><select><option>o</select>a"), "a");
  EXPECT_EQ(text_of("<template><p>t</template><noscript>n</noscript>a"), "a");
  EXPECT_EQ(title_of("<svg><title>icon</title></svg>"), "");
}

TEST(Html, EntitiesAndBlanksAreResolved) {
  EXPECT_EQ(text_of("&lt;p&gt; &amp; &quot;&eacute;&#233;&#xe9;&mdash;&euro;"),
            "<p> & \"\u00e9\u00e9\u00e9\u2014\u20ac");
  EXPECT_EQ(text_of("a&nbsp;&nbsp;b&shy;c"), "a bc");
  EXPECT_EQ(text_of("\xe6\xbc\xa2\xe5\xad\x97 \xc2\xb5"), "\xe6\xbc\xa2\xe5\xad\x97 \xc2\xb5");
  EXPECT_EQ(text_of("&nosuch; &"), "&nosuch; &");
}

TEST(Html, DeclaredCharsetsDoNotDecodeTwice) {
  EXPECT_EQ(text_of("<meta charset=iso-8859-1><p>\xc3\xa9"), "\xc3\xa9");
  EXPECT_EQ(text_of("<?xml version='1.0' encoding='koi8-r'?><html><body>\xc3\xa9"), "\xc3\xa9");
}

TEST(Html, TagSoupIsRead) {
  EXPECT_EQ(text_of("</p></div>a<b><p>b</b>c</span>"), text_of("a<p>bc"));
  EXPECT_EQ(text_of("<p>a<"), "a<");
  EXPECT_EQ(text_of("<p>a<b"), "a");
  EXPECT_EQ(text_of(""), "");
  EXPECT_EQ(text_of("no tags"), "no tags");
  EXPECT_EQ(text_of("<body><p>x</body></html>after"), "x\n\nafter");
}

TEST(Html, HostileNestingEndsInAnError) {
  for (const char* tag : {"<div>", "<b>", "<ul><li>", "<table><tr><td>", "<a href=x>"}) {
    std::string html;
    for (int i = 0; i < 100'000; ++i) html += tag;
    const auto page = render_html(html + "x");
    if (!page) {
      EXPECT_EQ(page.error().code, ErrorCode::over_limit) << tag;
    }
  }
  std::string html;
  for (int i = 0; i < 100'000; ++i) html += "<div>";
  expect_error(render_html(html), ErrorCode::over_limit, {"1000 elements"});
  // Without end tags paragraphs do not nest.
  html.clear();
  for (int i = 0; i < 100'000; ++i) html += "<p>x<li>y<br>";
  EXPECT_TRUE(render_html(html));
}

TEST(Html, AnElementHasOnlySoManyAttributes) {
  std::string html = "<p";
  for (int i = 0; i < 20'000; ++i) html += " a" + std::to_string(i);
  expect_error(render_html(html + ">x"), ErrorCode::over_limit, {"attributes"});
  // Quotes that are no quotes hide none of them, and blanks in a value are none.
  expect_error(render_html("<p =\"" + html.substr(2) + ">x"), ErrorCode::over_limit, {"attributes"});
  std::string path = "<p d=\"";
  for (int i = 0; i < 20'000; ++i) path += " 1";
  EXPECT_EQ(text_of(path + "\">x"), "x");
  std::string script = "<script>for(i=0;i<n;i++){";
  for (int i = 0; i < 20'000; ++i) script += "a ;";
  EXPECT_EQ(text_of(script + "}</script>x"), "x");
}

}  // namespace
}  // namespace attar::data
