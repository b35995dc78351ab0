// The methods that a server has.
#ifndef WEIR_SERVER_RPC_METHODS_H_
#define WEIR_SERVER_RPC_METHODS_H_

#include <functional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "server/http2/server_session.h"

namespace weir {

class Methods {
 public:
  // A call that ends itself.
  using MakeCall = std::function<ServerCall*()>;

  // `path` is what HTTP/2 calls the method: "/weir.v1.Predictor/Predict".
  void Add(absl::string_view path, const MakeCall& make_call) { methods_.emplace(path, make_call); }

  // Null if there is no such method.
  ServerCall* Make(absl::string_view path) const {
    const auto found = methods_.find(path);
    return found == methods_.end() ? nullptr : found->second();
  }

 private:
  absl::flat_hash_map<std::string, MakeCall> methods_;
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_METHODS_H_
