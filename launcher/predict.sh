# ./weir predict: asks the running server that has the model.
# shellcheck shell=bash

# shellcheck source=launcher/services.sh
source "$WEIR_ROOT/launcher/services.sh"

command_predict() {
  local argument model='' address=''
  for argument in "$@"; do
    case $argument in
      --model=*) model=${argument#*=} ;;
      --address=*) address=${argument#*=} ;;
      -h | --help) run_client --help ;;
    esac
  done
  [[ -n $model ]] || usage_error "predict needs --model=NAME, e.g. ./weir predict --model=fashion-fast 0"
  if [[ -z $address ]]; then
    address=$(address_of_model "$model")
    [[ -n $address ]] ||
      die "no server of ./weir up has the model '$model' (they have $(all_models));" \
        "give --address=HOST:PORT for another server"
    [[ -n $(listeners "${address##*:}") ]] || die "$(why_nobody_answers "$address")"
    set -- --address="$address" "$@"
  fi
  run_client "$@"
}

run_client() {
  local client=$WEIR_ROOT/bazel-bin/client/weir-predict
  [[ -x $client ]] || die "the client is not built yet; ./weir build //client:weir-predict does it"
  exec "$client" "$@"
}

why_nobody_answers() {
  local others
  others=$(running_services)
  if [[ -n $others ]]; then
    echo "nothing answers on $1, though others run ($others): see the logs in $STATE_DIR," \
      "then ./weir down and ./weir up"
  else
    echo "nothing answers on $1; start it with ./weir up"
  fi
}
