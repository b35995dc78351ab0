// Addresses.
#ifndef WEIR_BASE_NET_H_
#define WEIR_BASE_NET_H_

#include <string>

namespace weir {

// "127.0.0.1:8001", "[::1]:8001": `host` may be a name, an IPv4 address, or an IPv6 address with or
// without brackets.
std::string HostPort(const std::string& host, int port);

// Why a server cannot listen on `host` and `port`, in the system's words, such as "Address already
// in use". gRPC keeps the reason to itself.
std::string WhyNotListen(const std::string& host, int port);

}  // namespace weir

#endif  // WEIR_BASE_NET_H_
