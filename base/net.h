// What the system says about addresses.
#ifndef WEIR_BASE_NET_H_
#define WEIR_BASE_NET_H_

#include <string>

namespace weir {

// Why a server cannot listen on `host` (a numeric address) and `port`, in the system's words, such
// as "Address already in use". gRPC keeps the reason to itself.
std::string WhyNotListen(const std::string& host, int port);

}  // namespace weir

#endif  // WEIR_BASE_NET_H_
