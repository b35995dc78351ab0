#include "tests/scrape.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/clock.h"
#include "base/status_macros.h"

namespace weir {
namespace {

absl::Status Error(absl::string_view what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", strerror(errno)));
}

// The connection, on which no single read or write takes longer than `timeout`.
absl::StatusOr<int> Connect(const std::string& address, absl::Duration timeout) {
  const std::vector<std::string> parts = absl::StrSplit(address, ':');
  int port = 0;
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[1], &port) ||
      inet_pton(AF_INET, parts[0].c_str(), &to.sin_addr) != 1) {
    return absl::InvalidArgumentError(absl::StrCat("no address: ", address));
  }
  to.sin_port = htons(static_cast<uint16_t>(port));
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Error("socket");
  const timeval limit = absl::ToTimeval(timeout);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) {
    const absl::Status error = Error(absl::StrCat("connect to ", address));
    close(fd);
    return error;
  }
  return fd;
}

// One label's value, behind its opening quote; moves `text` behind the closing one.
bool TakeQuoted(absl::string_view& text, std::string& value) {
  while (!text.empty() && text[0] != '"') {
    char c = text[0];
    if (absl::ConsumePrefix(&text, "\\")) {
      if (text.empty() || !absl::StrContains("\\\"n", text.substr(0, 1))) return false;
      c = text[0] == 'n' ? '\n' : text[0];
    }
    value += c;
    text.remove_prefix(1);
  }
  return absl::ConsumePrefix(&text, "\"");
}

// Of "{a="x",b="y"}", which may be missing; moves `text` behind it.
bool TakeLabels(absl::string_view& text, Scrape::Labels& labels) {
  if (!absl::ConsumePrefix(&text, "{")) return true;
  while (!absl::ConsumePrefix(&text, "}")) {
    const size_t equals = text.find("=\"");
    if (equals == absl::string_view::npos) return false;
    std::string& value = labels[std::string(text.substr(0, equals))];
    text.remove_prefix(equals + 2);
    if (!TakeQuoted(text, value)) return false;
    absl::ConsumePrefix(&text, ",");
  }
  return true;
}

bool HasAll(const Scrape::Labels& labels, const Scrape::Labels& wanted) {
  for (const auto& [name, value] : wanted) {
    const auto found = labels.find(name);
    if (found == labels.end() || found->second != value) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<HttpAnswer> HttpGet(const std::string& address, const std::string& path,
                                   absl::Duration timeout) {
  const absl::Time deadline = MonotonicNow() + timeout;
  WEIR_ASSIGN_OR_RETURN(const int fd, Connect(address, timeout));
  const auto closer = absl::MakeCleanup([fd] { close(fd); });
  const std::string request =
      absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: ", address, "\r\nConnection: close\r\n\r\n");
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return Error("send");
  }
  std::string text;
  char buffer[65536];
  ssize_t size;
  while ((size = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
    text.append(buffer, size);
    if (MonotonicNow() > deadline) return absl::DeadlineExceededError("the answer takes too long");
  }
  if (size < 0) return Error("recv");
  const size_t head_end = text.find("\r\n\r\n");
  HttpAnswer answer;
  if (head_end == std::string::npos || !absl::SimpleAtoi(text.substr(9, 3), &answer.code)) {
    return absl::UnavailableError(absl::StrCat("no HTTP answer: ", text.substr(0, 100)));
  }
  const std::vector<std::string> lines = absl::StrSplit(text.substr(0, head_end), "\r\n");
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::pair<std::string, std::string> header =
        absl::StrSplit(lines[i], absl::MaxSplits(':', 1));
    answer.headers[absl::AsciiStrToLower(header.first)] =
        std::string(absl::StripAsciiWhitespace(header.second));
  }
  answer.body = text.substr(head_end + 4);
  return answer;
}

absl::StatusOr<Scrape> Scrape::Parse(absl::string_view text) {
  Scrape scrape;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line.empty()) continue;
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    if (line[0] == '#') {
      if (words.size() == 4 && words[1] == "TYPE") {
        scrape.types_[std::string(words[2])] = std::string(words[3]);
      }
      continue;
    }
    Series series;
    absl::string_view rest = line;
    series.name = std::string(rest.substr(0, rest.find_first_of("{ ")));
    rest.remove_prefix(series.name.size());
    const bool labels_ok = TakeLabels(rest, series.labels);
    const std::string id(line.substr(0, line.size() - rest.size()));
    if (!labels_ok || !absl::ConsumePrefix(&rest, " ") || !absl::SimpleAtod(rest, &series.value)) {
      return absl::InvalidArgumentError(absl::StrCat("no sample: ", line));
    }
    if (!scrape.series_.emplace(id, std::move(series)).second) {
      return absl::InvalidArgumentError(absl::StrCat("it stands twice: ", line));
    }
  }
  return scrape;
}

double Scrape::Sum(const std::string& name, const Labels& labels) const {
  double sum = 0;
  for (const auto& [id, series] : series_) {
    if (series.name == name && HasAll(series.labels, labels)) sum += series.value;
  }
  return sum;
}

int Scrape::Count(const std::string& name, const Labels& labels) const {
  int count = 0;
  for (const auto& [id, series] : series_) {
    if (series.name == name && HasAll(series.labels, labels)) ++count;
  }
  return count;
}

std::string Scrape::FamilyOf(const std::string& name) const {
  for (const absl::string_view suffix : {"_bucket", "_sum", "_count"}) {
    absl::string_view family = name;
    if (!absl::ConsumeSuffix(&family, suffix)) continue;
    const auto type = types_.find(std::string(family));
    if (type != types_.end() && type->second == "histogram") return std::string(family);
  }
  return name;
}

}  // namespace weir
