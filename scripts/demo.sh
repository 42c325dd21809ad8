#!/bin/sh
# The demo: documents in and a budget, one file out that answers questions offline; then vectors, with a floor and a proof.
# usage: sh scripts/demo.sh PATH-OF-ATTAR [SECONDS]   (`./do demo` builds it first, which took so many seconds)
#
# Packs the descriptions of the packages that this machine knows, and the sample of vectors (samples/README.md says what it is).
# Leaves what it made in build/demo, to try things on.
set -eu

attar=${1:?usage: sh scripts/demo.sh PATH-OF-ATTAR [SECONDS]}
built=${2-}
base=samples/demo-10k.i8.npy
log=samples/demo-queries.i8.npy
new=samples/demo-new-queries.i8.npy
for file in "$attar" "$base" "$log" "$new"; do
  [ -e "$file" ] || { echo "demo: $file is missing" >&2; exit 2; }
done

folder=build/demo
rm -rf "$folder"
mkdir -p "$folder"
started=$(date +%s)

# Prints the command as a user would type it.
typed() {
  printf '\n$ attar'
  for word in "$@"; do
    case "$word" in
      *\'*) printf ' "%s"' "$word" ;;
      *[!-A-Za-z0-9_./,@%=]*) printf " '%s'" "$word" ;;
      *) printf ' %s' "$word" ;;
    esac
  done
  printf '\n'
}

show() {
  typed "$@"
  "$attar" "$@"
}

# Shows what the command says first: up to the first empty line.
show_first() {
  typed "$@"
  "$attar" "$@" >"$folder/output.txt"
  sed '/^$/q' "$folder/output.txt"
}

# apt's lists of packages, and before them those of long descriptions in English, where they are here.
package_lists() {
  # shellcheck disable=SC2016  # apt fills these in
  apt-get -o Acquire::Languages=en indextargets --format '$(CREATED_BY) $(FILENAME)' 2>/dev/null | LC_ALL=C sort -r |
    while read -r kind file; do
      case "$kind" in Translations | Packages) if [ -e "$file" ]; then printf '%s\n' "$file"; fi ;; esac
    done
}

# Their texts; apt keeps the lists packed in one of several ways.
text_of_lists() {
  package_lists | while read -r file; do
    /usr/lib/apt/apt-helper cat-file "$file" && echo
  done
}

echo "1. Documents. Budget in: one file of texts, words and vectors, no byte above what it may have."
records=$folder/debian.jsonl
: >"$records"
if [ -x /usr/lib/apt/apt-helper ]; then text_of_lists | LC_ALL=C awk -f scripts/debian_records.awk >"$records"; fi
if [ -s "$records" ]; then
  echo "   What it packs: the descriptions of the $(grep -c . "$records") packages that apt knows here, as JSON lines such as"
  head -n 1 "$records" | cut -c 1-200
  budget=20MB
  if ! grep -q '"title":' "$records"; then
    budget=6MB
    echo "   These are the short ones. \`apt-get -o Acquire::Languages=en update\` gets the long ones, for the next demo."
  fi
  packed=$folder/debian.attar
  show_first pack "$records" -o "$packed" --meta section --budget "$budget"
  set -- "rescue data from a damaged disk" "chess against the computer" "section = 'games'" \
    '"duplicate files" in a folder'
else
  echo "   What it packs: the pages in docs, for apt has no lists of packages here. \`apt-get update\` gets them, for the next demo."
  packed=$folder/docs.attar
  show_first pack docs -o "$packed" --budget 300kB
  set -- "why is there a trellis" "queries that were never seen" "path like 'decisions/%'" '"inverted lists" for many rows'
fi

echo "2. Questions, answered from that file alone: by meaning and by words, under a condition, with a phrase that must stand so."
show search "$packed" "$1" -k 3
show search "$packed" "$2" --where "$3" -k 2
show search "$packed" "$4" -k 2

echo
echo "3. Proof out: every checksum; where the bytes went, and what the vectors keep of the exact search."
show verify "$packed"
show info "$packed"

echo
echo "4. Vectors. A budget and a floor in: at most 200 bytes a row, all counted, and at least 95 of 100 true neighbours."
vectors=$folder/demo.attar
show_first pack "$base" -o "$vectors" --budget 200B/vec --recall 0.95@10 --queries "$log" --ids samples/demo-10k.txt

echo "5. A fresh certificate on 1,000 queries that the packing never saw."
show_first verify "$vectors" --base "$base" --queries "$new"
fresh=$(grep '^Certified' "$folder/output.txt")

echo
echo "6. What cannot be had is refused, and the nearest goals are named."
status=0
set -- pack "$base" -o "$folder/small.attar" --budget 60B/vec --recall 0.95@10 --queries "$log"
typed "$@"
"$attar" "$@" >"$folder/output.txt" 2>&1 || status=$?
grep '^attar:' "$folder/output.txt"
if [ "$status" -ne 3 ] || [ -e "$folder/small.attar" ]; then
  echo "demo: a goal out of reach must write nothing and end with 3; it ended with $status" >&2
  exit 2
fi

size() { wc -c <"$1" | tr -d ' '; }
echo
echo "Shown on this machine, with files that lie in $folder:"
if [ -s "$records" ]; then echo "- $(size "$packed") bytes answer questions about $(size "$records") bytes of JSON lines;"; fi
echo "- 10000 rows of 384 dimensions in $(size "$vectors") bytes. $fresh"
took=$(($(date +%s) - started))
echo "Packing and asking took $took s${built:+; before that, installing and building took $built s}."
