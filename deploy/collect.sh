#!/usr/bin/env bash
# collect.sh DIRECTORY PROGRAM...: lays programs and the shared libraries that they link out in
# DIRECTORY as they belong under /, but for the C library, which every Debian has.
# What becomes of a library's flaws is asked by package: the packages' entries come along in
# var/lib/dpkg/status.d, where scanners of images look for those that dpkg did not install.
set -euo pipefail
export LC_ALL=C.UTF-8

# Prints the paths of the libraries that the programs link, as the loader finds them.
linked_libraries() {
  ldd "$@" | awk '$2 == "=>" { print $3 }' | sort -u | grep -vxF -f <(dpkg -L libc6)
}

# copy_library PATH: the file, and the link to it that the loader looks for. /lib is a link to
# /usr/lib, and has to stay one.
copy_library() {
  local path=/usr/${1#/} file
  path=${path/#\/usr\/usr\//\/usr\/}
  file=$(realpath "$1")
  install -D --mode=0644 "$file" "$directory$file"
  if [[ $path != "$file" ]]; then
    mkdir -p "$directory${path%/*}"
    ln --symbolic --force "$file" "$directory$path"
  fi
}

# owners FILE...: prints the packages of files, some of which know theirs without /usr.
owners() {
  { dpkg -S "$@" "${@#/usr}" 2>/dev/null || true; } | cut -d : -f 1 | sort -u
}

(($# >= 2)) || { echo "collect.sh takes a directory and programs" >&2 && exit 2; }
directory=$1
shift
install -D --mode=0755 --target-directory="$directory/usr/local/bin" "$@"
mapfile -t libraries < <(linked_libraries "$@")
for library in "${libraries[@]}"; do copy_library "$library"; done

mkdir -p "$directory/var/lib/dpkg/status.d"
mapfile -t files < <(realpath "${libraries[@]}")
mapfile -t packages < <(owners "${files[@]}")
for package in "${packages[@]}"; do
  dpkg-query --status "$package" >"$directory/var/lib/dpkg/status.d/$package"
done
echo "$directory: $# programs, ${#libraries[@]} libraries of ${#packages[@]} packages"
