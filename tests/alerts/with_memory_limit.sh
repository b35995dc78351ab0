#!/bin/sh
# with_memory_limit.sh FILE COMMAND...: becomes COMMAND, which finds in FILE how much memory its
# control group may have; nothing holds it to that. Says so and becomes COMMAND all the same where it
# cannot be done: it takes root, and a control group of its own.
set -eu

if [ "$1" != --inside ] && unshare --mount true; then
  exec unshare --mount /bin/sh "$0" --inside "$@"
fi
file=$1
if [ "$1" = --inside ]; then
  file=$2
  shift
  while IFS=: read -r _ controller path; do
    case $controller in
      memory) limit=/sys/fs/cgroup/memory$path/memory.limit_in_bytes ;;
      '') limit=/sys/fs/cgroup$path/memory.max ;;
      *) continue ;;
    esac
    if [ -e "$limit" ] && mount --bind "$file" "$limit"; then limited=yes; fi
  done </proc/self/cgroup
fi
shift
[ -n "${limited:-}" ] || echo "no control group to limit"
exec "$@"
