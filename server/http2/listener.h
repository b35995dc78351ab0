// The sockets on which a server listens.
#ifndef WEIR_SERVER_HTTP2_LISTENER_H_
#define WEIR_SERVER_HTTP2_LISTENER_H_

#include <netdb.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace weir {

class Listener {
 public:
  // On all addresses that `host` names; port 0 is any free one, the same for all of them.
  // UNAVAILABLE with the system's reason if that is not possible.
  static absl::StatusOr<std::unique_ptr<Listener>> Create(const std::string& host, int port);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void Close();  // Who comes from now on is turned away.

  int port() const { return port_; }
  absl::Span<const int> fds() const { return fds_; }

  // A connection that has come to one of the sockets, not blocking. UNAVAILABLE if there is none;
  // RESOURCE_EXHAUSTED if there is one that the process has no room for now.
  static absl::StatusOr<int> Accept(int listening_fd);

 private:
  Listener() = default;

  absl::Status Listen(const addrinfo& info);

  std::vector<int> fds_;
  int port_ = 0;
};

}  // namespace weir

#endif  // WEIR_SERVER_HTTP2_LISTENER_H_
