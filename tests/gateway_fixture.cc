#include "tests/gateway_fixture.h"

#include <gtest/gtest.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "tests/faults/http_get.h"

namespace weir {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(30);

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

std::string PortOf(const std::string& address) { return address.substr(address.find(':') + 1); }

}  // namespace

RunningGateway::RunningGateway(const std::vector<std::string>& flags)
    : process_(Command(flags)), push_address_(AfterText(process_, "listening for pushes on ")) {
  const std::string address = AfterText(process_, "listening for HTTP on ");
  EXPECT_TRUE(absl::SimpleAtoi(PortOf(address), &http_port_)) << address;
  EXPECT_TRUE(process_.WaitForLine("ready: ").has_value()) << process_.output();
}

std::string RunningGateway::MetricsText() const {
  absl::StatusOr<std::string> page = HttpGet(http_port_, "/metrics", kTimeout);
  EXPECT_TRUE(page.ok()) << page.status();
  return page.ok() ? *std::move(page) : "";
}

Scrape RunningGateway::Metrics() const {
  absl::StatusOr<Scrape> scrape = Scrape::Parse(MetricsText());
  EXPECT_TRUE(scrape.ok()) << scrape.status();
  return scrape.ok() ? *std::move(scrape) : Scrape();
}

Scrape RunningGateway::MetricsWhen(const std::function<bool(const Scrape&)>& met,
                                   absl::Duration timeout) const {
  const absl::Time deadline = MonotonicNow() + timeout;
  Scrape scrape = Metrics();
  // Nobody tells when a page changes; each look waits for an answer.
  while (!met(scrape) && MonotonicNow() < deadline && !testing::Test::HasFailure()) {
    scrape = Metrics();
  }
  EXPECT_TRUE(met(scrape)) << "not within " << timeout << ":\n" << process_.output();
  return scrape;
}

std::vector<std::string> RunningGateway::SamePorts() const {
  return {absl::StrCat("--grpc_port=", PortOf(push_address_)),
          absl::StrCat("--http_port=", http_port_)};
}

}  // namespace weir
