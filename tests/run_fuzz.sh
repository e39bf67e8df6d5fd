#!/bin/sh
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
#
# Record a memory image, make up one for each family of versions, build the fuzzers with clang, and run
# each: run_fuzz.sh [SECONDS], 30 by default, most of them for the heap. What is found stays in
# build-fuzz/found, to be run again with build-fuzz/fuzz/heap-trials IMAGES FILE, where IMAGES is what is
# in build-fuzz/images. Ends with 1 if anything was found.
set -eu

seconds=${1:-30}
root=$(cd "$(dirname "$0")/.." && pwd)
build=${FUZZ_BUILD:-$root/build-fuzz}
python=${FUZZ_PYTHON:-/usr/bin/python3}

cd "$root"
test -f "$build/build.ninja" || CC=clang meson setup "$build" -Dfuzzers=true \
	-Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debugoptimized >/dev/null
ninja -C "$build" fuzz/fuzz-heap fuzz/fuzz-snapshot fuzz/fuzz-sql fuzz/fuzz-malloc fuzz/fuzz-mappings fuzz/fuzz-elf fuzz/fuzz-core fuzz/heap-trials \
	tests/support/image-record tests/support/core-sample >"$build/fuzz-build.log" || { cat "$build/fuzz-build.log"; exit 1; }

# The target: its standard input stays open until it was recorded.
mkfifo "$build/input.$$"
"$python" -I -S -E tests/targets/many_kinds.py <"$build/input.$$" >"$build/output.$$" &
target=$!
exec 9>"$build/input.$$"
trap 'exec 9>&-; rm -f "$build/input.$$" "$build/output.$$"' EXIT
while ! grep -q ready "$build/output.$$"; do
	kill -0 "$target"
	sleep 0.05
done
"$build/tests/support/image-record" "$target" "$build/image"
exec 9>&-
wait "$target"

# Each shape of dicts, strings, frames, lists and states at least once (data/layout/rows.txt).
images=$build/image
for row in 2.7.17 3.6 3.8 3.11 3.12 3.14.0 3.14.5; do
	"$build/tests/support/image-record" --row "cpython-$row" "$build/image-$row"
	images=$images:$build/image-$row
done
echo "$images" >"$build/images"
export SHIKARI_FUZZ_IMAGE="$images"
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
small=$((seconds / 10 + 1))
mkdir -p "$build/found"
failed=0

# fuzz NAME SECONDS DIRECTORY-OF-SEEDS OPTIONS…
fuzz()
{
	name=$1 time=$2 seeds=$3
	shift 3
	# A corpus that was kept would take all of a short time to be read again.
	test -n "${FUZZ_KEEP:-}" || rm -rf "$build/corpus-$name"
	mkdir -p "$build/corpus-$name"
	echo "fuzz-$name: $time s"
	if ! "$build/fuzz/fuzz-$name" -max_total_time="$time" -timeout=100 -rss_limit_mb=2048 \
		-artifact_prefix="$build/found/$name-" "$@" "$build/corpus-$name" "$seeds" \
		>"$build/fuzz-$name.log" 2>&1; then
		failed=1
		grep -E 'runtime error|ERROR|heap trial:|#[0-9]+ .*src/' "$build/fuzz-$name.log" | head -20
	fi
	grep -E '^Done|^stat::' "$build/fuzz-$name.log" || tail -3 "$build/fuzz-$name.log"
}

# Seeds: this process's own maps, a small real library, and patches of every kind.
mkdir -p "$build/seeds-mappings" "$build/seeds-elf" "$build/seeds-heap" "$build/seeds-malloc" "$build/seeds-snapshot" "$build/seeds-sql"
cp /proc/self/maps "$build/seeds-mappings/maps"
printf 'int number = 1; int main(void) { return number; }' |
	cc -x c -shared -fPIC -o "$build/seeds-elf/library" -
printf '12345678' >>"$build/seeds-elf/library"
mkdir -p "$build/seeds-core"
"$build/tests/support/core-sample" "$build/seeds-core/sample"
for kind in 0 1 2 3 4 5 6 7; do
	head -c 513 /dev/urandom >"$build/seeds-heap/$kind"
	head -c 97 /dev/urandom >"$build/seeds-snapshot/$kind"
	head -c 52 /dev/urandom >"$build/seeds-sql/$kind"
done
for shape in 0 1 2; do
	printf '%b' "\\0$shape" >"$build/seeds-malloc/$shape"
done
fuzz malloc "$small" "$build/seeds-malloc" -max_len=121
fuzz mappings "$small" "$build/seeds-mappings"
fuzz elf "$small" "$build/seeds-elf" -max_len=65536
fuzz snapshot "$seconds" "$build/seeds-snapshot" -max_len=241 -len_control=0
fuzz sql "$small" "$build/seeds-sql" -max_len=136 -len_control=0
fuzz core "$small" "$build/seeds-core" -max_len=65536
fuzz heap "$((seconds - 5 * small > 0 ? seconds - 5 * small : 1))" "$build/seeds-heap" -max_len=1024 \
	-len_control=0
exit $failed
