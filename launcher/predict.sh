# ./weir predict: asks the running server that has the model.
# shellcheck shell=bash

# shellcheck source=launcher/services.sh
source "$WEIR_ROOT/launcher/services.sh"

command_predict() {
  local client=$WEIR_ROOT/bazel-bin/client/weir-predict argument model='' address=''
  for argument in "$@"; do
    case $argument in
      --model=*) model=${argument#*=} ;;
      --address=*) address=${argument#*=} ;;
    esac
  done
  [[ -n $model ]] || usage_error "predict needs --model=NAME, e.g. ./weir predict --model=fashion-fast 0"
  if [[ -z $address ]]; then
    address=$(address_of_model "$model")
    [[ -n $address ]] ||
      die "no server of ./weir up has the model '$model'; give --address=HOST:PORT for another one"
    [[ -n $(listeners "${address##*:}") ]] || die "nothing answers on $address; start it with ./weir up"
    set -- --address="$address" "$@"
  fi
  [[ -x $client ]] || die "the client is not built yet; ./weir build //client:weir-predict does it"
  exec "$client" "$@"
}
