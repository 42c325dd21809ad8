#!/bin/sh
# The demo: real embeddings, a budget and a floor in; a packed file, answers and a certificate out.
# usage: sh scripts/demo.sh PATH-OF-ATTAR   (`./do demo` builds it first)
#
# samples/demo-10k.i8.npy holds 10,000 rows of embeddings as numbers, samples/demo-queries.i8.npy queries for them.
set -eu

attar=${1:?usage: sh scripts/demo.sh PATH-OF-ATTAR}
base=samples/demo-10k.i8.npy
queries=samples/demo-queries.i8.npy
for file in "$attar" "$base" "$queries"; do
  [ -e "$file" ] || { echo "demo: $file is missing" >&2; exit 2; }
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
packed=$folder/demo.attar

# show COMMAND ...: prints the command as a user would type it, then runs it.
show() {
  printf '\n$ attar' && printf ' %s' "$@" | sed "s|$folder/||g" && printf '\n'
  "$attar" "$@"
}

echo "1. Budget in: at most 200 bytes a row, and at least 95 of 100 true neighbours."
show pack "$base" -o "$packed" --budget 200B/vec --recall 0.95@10 --queries "$queries"

echo
echo "2. It stays usable while compressed: the first query's three nearest rows."
show search "$packed" --vector "$queries" -k 3 | head -n 8

echo
echo "3. Proof out: every checksum, then a fresh certificate against the originals."
show verify "$packed"
show verify "$packed" --base "$base" --queries "$queries"

echo
echo "4. Where the bytes went, and what is promised."
show info "$packed"

before=$(wc -c <"$base")
after=$(wc -c <"$packed")
rows=10000
echo
echo "Proved above on this machine: $rows rows in $after bytes, $((after / rows)) a row with everything counted"
echo "(the sample's int8 file: $before; as float32: $((rows * 384 * 4)))."
