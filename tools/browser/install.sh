#!/usr/bin/env bash
# Puts Debian's chromium-headless-shell, with the libraries that this machine lacks, into .cache/chromium, for the browser tests.
# Installs nothing into the system. Needs Debian or Ubuntu with apt, and its package lists: as root they are fetched when missing.
#   bash tools/browser/install.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
target=.cache/chromium
if [ -x "$target/usr/lib/chromium/chromium-headless-shell" ]; then
  echo "$target is there already"
  exit 0
fi
command -v apt-get > /dev/null || { echo 'no apt-get here: set CHROMIUM to the path of a Chromium' >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/debs/partial"
download() {
  apt-get install -y -qq --no-install-recommends --download-only \
    -o Debug::NoLocking=1 -o "Dir::Cache::archives=$work/debs" chromium-headless-shell > "$work/log" 2>&1
}
if ! download; then
  # Lists are missing or old; they are kept apart from the system's.
  mkdir -p "$work/lists/partial"
  apt-get update -qq -o "Dir::State::lists=$work/lists" > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  apt-get install -y -qq --no-install-recommends --download-only -o Debug::NoLocking=1 \
    -o "Dir::State::lists=$work/lists" -o "Dir::Cache::archives=$work/debs" chromium-headless-shell > "$work/log" 2>&1 \
    || { cat "$work/log" >&2; exit 1; }
fi
for package in "$work"/debs/*.deb; do dpkg-deb -x "$package" "$work/files"; done
if [ ! -x "$work/files/usr/lib/chromium/chromium-headless-shell" ]; then
  echo 'chromium-headless-shell is installed on this machine: nothing to do'
  exit 0
fi
mkdir -p .cache
rm -rf "$target"
mv "$work/files" "$target"
echo "chromium-headless-shell is in $target ($(du -sh "$target" | cut -f1))"
