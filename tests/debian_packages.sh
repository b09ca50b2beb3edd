#!/usr/bin/env bash
# What the tests need of Debian: installed where we may, else named.
set -u
declare -A needed=([chromium]=chromium [redis-server]=redis-server [tesseract]="tesseract-ocr tesseract-ocr-nld" [pdfsig]=poppler-utils)
missing=()
for command in "${!needed[@]}"; do
  # shellcheck disable=SC2206  a command may need several packages
  command -v "$command" > /dev/null || missing+=(${needed[$command]})
done
[ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || missing+=(fonts-dejavu-core)
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null; then
  echo "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null && exit 0
fi
echo "These tests need Debian packages that are not there: ${missing[*]}"
echo "Install them (apt-get install ${missing[*]}) and run 'make test' again."
exit 1
