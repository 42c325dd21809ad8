#!/bin/sh
# The demo: real embeddings, a budget and a floor in; a packed file, answers and a certificate out.
# usage: sh scripts/demo.sh PATH-OF-ATTAR   (`./do demo` builds it first)
#
# Packs the sample (samples/README.md says what it is) and leaves what it made in build/demo, to try things on.
set -eu

attar=${1:?usage: sh scripts/demo.sh PATH-OF-ATTAR}
base=samples/demo-10k.i8.npy
log=samples/demo-queries.i8.npy
new=samples/demo-new-queries.i8.npy
for file in "$attar" "$base" "$log" "$new"; do
  [ -e "$file" ] || { echo "demo: $file is missing" >&2; exit 2; }
done

folder=build/demo
packed=$folder/demo.attar
rm -rf "$folder"
mkdir -p "$folder"

# Prints the command as a user would type it, then runs it.
show() {
  printf '\n$ attar' && printf ' %s' "$@" && printf '\n'
  "$attar" "$@"
}

echo "1. Budget in: at most 200 bytes a row, all counted, and at least 95 of 100 true neighbours."
show pack "$base" -o "$packed" --budget 200B/vec --recall 0.95@10 --queries "$log" --ids samples/demo-10k.txt

echo
echo "2. It is searched as it is packed. This query is the title of the package $(sed -n 4p samples/demo-queries.txt):"
show search "$packed" --vector "$log" --vector-row 3 -k 3

echo
echo "3. Proof out: every checksum, then a fresh certificate on 1,000 queries that the packing never saw."
show verify "$packed" --base "$base" --queries "$new"

echo
echo "4. The same queries in detail: recall with its interval, and the worst ones."
show eval "$packed" --base "$base" --queries "$new" --worst 3

echo
echo "5. What the file says of itself: where the bytes went, and what is promised."
show info "$packed"

echo
echo "6. What cannot be had is refused, and the nearest goals are named."
status=0
show pack "$base" -o "$folder/small.attar" --budget 60B/vec --recall 0.95@10 --queries "$log" 2>&1 || status=$?
if [ "$status" -ne 3 ] || [ -e "$folder/small.attar" ]; then
  echo "demo: a goal out of reach must write nothing and end with 3; it ended with $status" >&2
  exit 2
fi

echo
echo "7. Bytes against recall, as a picture: the best plan at four budgets."
for bytes in 50 75 110 160; do
  "$attar" pack "$base" -o "$folder/$bytes.attar" -q --budget "${bytes}B/vec" --queries "$log" >"$folder/$bytes.txt"
done
show report "$folder/50.attar" "$folder/75.attar" "$folder/110.attar" "$folder/160.attar" \
  -o "$folder/curve.svg" --base "$base" --queries "$new"

rows=10000
size=$(wc -c <"$packed")
echo
echo "Proved on this machine, in $packed:"
"$attar" info "$packed" | grep '^Certified'
echo "$rows rows of 384 dimensions in $size bytes, $((size / rows)) a row with ids, model, plan and certificate counted"
echo "(as float32: $((384 * 4)) a row). The picture is $folder/curve.svg."
