# Debian's package lists to JSON lines: id (the package), section, text; and title, the short description, where text is a long one.
# usage: cat TRANSLATIONS PACKAGES | awk -f scripts/debian_records.awk
#
# The lists of descriptions (Translation-en) go first. Packages name a description by its digest; a package that stands in several
# lists counts once. Every awk of Debian runs this.

function quoted(text) {
  gsub(/\\/, "&&", text)
  gsub(/"/, "\\\"", text)
  gsub(/\n/, "\\n", text)
  gsub(/[\001-\037]/, " ", text)
  return "\"" text "\""
}

function finish() {
  if (translated) {
    descriptions[digest] = long
  } else if (package != "" && title != "" && !(package in seen)) {
    seen[package] = 1
    if (long == "" && digest in descriptions) long = descriptions[digest]
    printf "{\"id\":%s,", quoted(package)
    if (long != "") printf "\"title\":%s,", quoted(title)
    printf "\"section\":%s,\"text\":%s}\n", quoted(section), quoted(long == "" ? title : long)
  }
  package = title = section = digest = long = ""
  translated = describing = 0
}

/^$/ { finish(); next }
# A line that goes on. In a description " ." is an empty one.
/^ / {
  if (describing) long = long (long == "" ? "" : "\n") ($0 == " ." ? "" : substr($0, 2))
  next
}
{ describing = 0 }
/^Package: / { package = substr($0, 10) }
/^Section: / { section = substr($0, 10) }
/^Description-md5: / { digest = substr($0, 18) }
/^Description: / { title = substr($0, 14); describing = 1 }
/^Description-en: / { translated = describing = 1 }
END { finish() }
