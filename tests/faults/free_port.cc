#include "tests/faults/free_port.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>

#include "absl/cleanup/cleanup.h"

namespace weir {

int FreePort(std::mt19937_64& random) {
  // Below those that the system gives to clients: a client that connects to itself would take the
  // port of a server which is away.
  std::uniform_int_distribution<int> ports(10'000, 32'000);
  while (true) {
    const int port = ports(random);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const absl::Cleanup closer = [fd] { close(fd); };
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return port;
  }
}

}  // namespace weir
