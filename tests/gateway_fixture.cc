#include "tests/gateway_fixture.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"

namespace weir {
namespace {

std::vector<std::string> Command(const std::vector<std::string>& flags) {
  std::vector<std::string> command = {"gateway/weir-gateway", "--host=127.0.0.1", "--grpc_port=0",
                                      "--http_port=0"};
  command.insert(command.end(), flags.begin(), flags.end());
  return command;
}

// What stands behind `text` on the line of the log that has it.
std::string AfterText(Process& process, absl::string_view text) {
  const auto line = process.WaitForLine(text);
  if (!line) {
    ADD_FAILURE() << "no line \"" << text << "\":\n" << process.output();
    return "";
  }
  return line->substr(line->find(text.data(), 0, text.size()) + text.size());
}

}  // namespace

RunningGateway::RunningGateway(const std::vector<std::string>& flags)
    : process_(Command(flags)),
      push_address_(AfterText(process_, "listening for pushes on ")),
      http_address_(AfterText(process_, "listening for HTTP on ")) {}

bool RunningGateway::WaitUntilReady() { return process_.WaitForLine(" ready").has_value(); }

Scrape RunningGateway::Metrics() const {
  const absl::StatusOr<HttpAnswer> answer = HttpGet(http_address_, "/metrics");
  EXPECT_TRUE(answer.ok()) << answer.status();
  if (!answer.ok()) return {};
  EXPECT_EQ(answer->code, 200) << answer->body;
  absl::StatusOr<Scrape> scrape = Scrape::Parse(answer->body);
  EXPECT_TRUE(scrape.ok()) << scrape.status();
  return scrape.ok() ? *std::move(scrape) : Scrape();
}

Scrape RunningGateway::MetricsWhen(const std::function<bool(const Scrape&)>& happens,
                                   absl::Duration timeout) const {
  const absl::Time deadline = MonotonicNow() + timeout;
  Scrape scrape = Metrics();
  // Each look is a round trip to the gateway, so that it cannot take up the machine.
  while (!happens(scrape) && MonotonicNow() < deadline && !testing::Test::HasFailure()) {
    scrape = Metrics();
  }
  EXPECT_TRUE(happens(scrape)) << "not within " << timeout;
  return scrape;
}

std::vector<std::string> RunningGateway::SamePorts() const {
  const auto port = [](const std::string& address) {
    return address.substr(address.find(':') + 1);
  };
  return {absl::StrCat("--grpc_port=", port(push_address_)),
          absl::StrCat("--http_port=", port(http_address_))};
}

}  // namespace weir
