#include "base/net.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/cleanup/cleanup.h"

namespace weir {
namespace {

TEST(HostPortTest, IPv6AddressesGetTheirBrackets) {
  EXPECT_EQ(HostPort("127.0.0.1", 80), "127.0.0.1:80");
  EXPECT_EQ(HostPort("localhost", 80), "localhost:80");
  EXPECT_EQ(HostPort("::1", 80), "[::1]:80");
  EXPECT_EQ(HostPort("[::1]", 80), "[::1]:80");
}

TEST(WhyNotListenTest, APortInUseIsSaidToBe) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_GE(fd, 0);
  const absl::Cleanup close_fd = [fd] { close(fd); };
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(fd, 1), 0);
  ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  EXPECT_EQ(WhyNotListen("127.0.0.1", ntohs(address.sin_port)), "Address already in use");
}

TEST(WhyNotListenTest, AnAddressOfAnotherMachineIsSaidToBe) {
  EXPECT_EQ(WhyNotListen("192.0.2.1", 0), "Cannot assign requested address");
}

TEST(WhyNotListenTest, AHostThatIsNoAddressIsSaidToBe) {
  EXPECT_FALSE(WhyNotListen("not an address", 80).empty());
  EXPECT_NE(WhyNotListen("not an address", 80), "the reason is unknown");
}

}  // namespace
}  // namespace weir
