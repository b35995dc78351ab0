# ./weir deps: the one list of system packages of the project, and their installation.
# shellcheck shell=bash

# What each group is for, and the megabytes that downloading and unpacking it takes.
readonly -A PACKAGES=(
  # Compile and run: Bazel with the rules it cannot download offline, the compiler, the
  # libraries, a BLAS that is 25 times faster than the default one, and the image data set.
  [build]="
    bazel-bootstrap bazel-rules-java bazel-rules-proto g++ pkg-config
    libgrpc++-dev protobuf-compiler-grpc libprotobuf-dev protobuf-compiler libabsl-dev
    libtorch-dev libopenblas0-pthread libpng-dev zlib1g-dev
    prometheus-cpp-dev libmicrohttpd-dev libdeflate-dev libnghttp2-dev libjemalloc-dev
    libgtest-dev libgmock-dev dataset-fashion-mnist"
  # What watches weir, for ./weir up and for tests: each brings its tool too, promtool and amtool.
  [monitoring]="prometheus prometheus-alertmanager"
  # The converter of random forests, compared with scikit-learn; README's Python client; a reader of
  # compose.yaml.
  [test]="python3 python3-torch python3-sklearn python3-grpcio python3-protobuf python3-yaml"
  # What weir is measured against: a gateway, load generators, and the usual Python stack around a
  # model. Tests try the benchmarks.
  [bench]="
    prometheus-pushgateway nghttp2-client wrk
    python3-torch python3-fastapi python3-uvicorn python3-uvloop python3-httptools python3-ujson
    python3-prometheus-client"
  # The test that runs compose.yaml, where there is no Docker and no registry.
  [containers]="
    podman podman-compose runc netavark aardvark-dns iptables debootstrap python3 python3-yaml"
  # The part of ./weir check that compiles nothing.
  [lint]="clang-format-14 shellcheck"
  # The rest of it: thread-safety analysis, clang-tidy; npm fetches buildifier and
  # the types of Grafana, with the compiler that reads them.
  [check]="clang-14 clang-tidy-14 libclang-rt-14-dev npm"
)
# Packages that also bring a daemon of their name, which would start now and at each boot. ./weir up,
# tests and benchmarks start such programs themselves.
readonly DAEMONS=(prometheus prometheus-alertmanager prometheus-pushgateway)
readonly -A MEGABYTES=(
  [build]=2500 [monitoring]=200 [test]=650 [bench]=150 [containers]=300 [lint]=250 [check]=700)

command_deps() {
  local group
  (($# > 0)) || set -- build monitoring test bench
  for group in "$@"; do
    [[ -n ${PACKAGES[$group]:-} ]] ||
      usage_error "there is no package group '$group'" \
        "(groups: build, monitoring, test, bench, containers, lint, check)"
  done
  install_packages "$@"
}

# install_packages GROUP...: makes sure that every package of the groups is there.
install_packages() {
  local group wanted missing all=() needed_mb=0
  [[ -z ${WEIR_SKIP_DEPS:-} ]] || return 0
  for group in "$@"; do
    mapfile -t missing < <(missing_packages "$group")
    ((${#missing[@]} > 0)) || continue
    all+=("${missing[@]}")
    read -r -d '' -a wanted <<<"${PACKAGES[$group]}" || true
    needed_mb=$((needed_mb + MEGABYTES["$group"] * ${#missing[@]} / ${#wanted[@]}))
  done
  if ((${#all[@]} > 0)); then
    require_debian_12 /etc/os-release "$@"
    require_space /usr "$needed_mb" "installing packages"
    apt_install "${all[@]}"
  fi
  warn_of_slow_blas /etc/alternatives
}

# Prints the packages of GROUP that are not installed.
missing_packages() {
  local package wanted installed
  read -r -d '' -a wanted <<<"${PACKAGES[$1]}" || true
  # A machine without dpkg has none of them.
  # shellcheck disable=SC2016  # dpkg-query's own ${...}
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null) || true
  for package in "${wanted[@]}"; do
    # npm also comes with other packages of Node.js.
    if [[ $package == npm ]] && command -v npm >/dev/null; then continue; fi
    [[ $'\n'$installed$'\n' == *$'\n'"installed $package"$'\n'* ]] || echo "$package"
  done
}

# require_debian_12 OS_RELEASE_FILE GROUP...: ends the program on any other system.
require_debian_12() {
  local file=$1 group packages='' ID='' VERSION_ID='' PRETTY_NAME='an unknown system'
  shift
  # shellcheck disable=SC1090
  if [[ -r $file ]]; then source "$file"; fi
  [[ $ID != debian || $VERSION_ID != 12 ]] || return 0
  for group in "$@"; do packages+=" ${PACKAGES[$group]//$'\n'/ }"; done
  say "this is $PRETTY_NAME; weir installs its packages on Debian 12 only"
  say "find these here, then go on with WEIR_SKIP_DEPS=1 ./weir ...:"
  # shellcheck disable=SC2086  # words
  printf '%s\n' $packages | fold_words >&2
  exit 1
}

# Joins the words on stdin into indented lines of at most 96 columns.
fold_words() {
  local line='' word
  while read -r word; do
    if ((${#line} + ${#word} > 92)); then
      echo "   $line"
      line=''
    fi
    line+=" $word"
  done
  echo "   $line"
}

apt_install() {
  local log=$LOG_DIR/apt-install.log update_log=$LOG_DIR/apt-update.log as_root=() began=$SECONDS
  local daemons status=0
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3
    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      die "installing packages needs root: run ./weir deps once as root, or install sudo"
    say "installing packages asks for root through sudo"
    sudo -v || die "sudo refused; run ./weir deps once as root"
    as_root=(sudo)
  fi
  say "installing packages ($# and what they need; a few minutes; log: $log)"
  # A source that cannot be reached may be one that is not needed: install decides.
  run_logged "apt-get update" "$update_log" "${as_root[@]}" "${apt[@]}" update || true
  mapfile -t daemons < <(daemons_among /run/systemd/system "$@")
  without_daemons run_logged "apt-get install" "$log" "${as_root[@]}" "${apt[@]}" install --yes \
    --no-install-recommends "$@" || status=$?
  ((status == 0)) || apt_failed "$update_log" "$log"
  say "packages installed in $((SECONDS - began)) s"
}

# Runs COMMAND..., which may install the units of apt_install's `daemons`. They are masked until they
# are disabled: a package starts what it has enabled. A subshell, whose trap unmasks them whatever
# ends it.
without_daemons() (
  if ((${#daemons[@]} > 0)); then
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    trap unmask_daemons EXIT
    "${as_root[@]}" systemctl --quiet mask --runtime "${daemons[@]}" ||
      say "warning: systemctl cannot mask ${daemons[*]}, which may start now"
  fi
  "$@"
)

unmask_daemons() {
  "${as_root[@]}" systemctl --quiet unmask --runtime "${daemons[@]}" ||
    say "warning: systemctl cannot unmask ${daemons[*]}; a reboot does"
  "${as_root[@]}" systemctl --quiet disable "${daemons[@]}" 2>/dev/null || true
}

# daemons_among SYSTEMD_FOLDER PACKAGE...: prints the units that systemd, if it runs, would start
# when these packages are installed. Without systemd, Debian starts nothing in a bare root.
daemons_among() {
  local folder=$1 package daemon
  shift
  [[ -d $folder ]] || return 0
  for package in "$@"; do
    for daemon in "${DAEMONS[@]}"; do
      [[ $package != "$daemon" ]] || echo "$daemon.service"
    done
  done
}

# apt_failed LOG...: ends the program with what apt complained of.
apt_failed() {
  grep -hE '^[EW]: ' "$@" | tail -n 8 | sed 's/^/    /' >&2 || true
  die "apt-get failed (log: ${*: -1})"
}

# warn_of_slow_blas ALTERNATIVES_DIR: says so when libblas.so.3 is not OpenBLAS.
warn_of_slow_blas() {
  local link target
  for link in "$1"/libblas.so.3-*; do
    [[ -L $link ]] || continue
    target=$(readlink "$link")
    [[ $target == *openblas* ]] ||
      say "warning: models will be slow, BLAS is $target; choose OpenBLAS:" \
        "update-alternatives --config $(basename "$link")"
  done
}
