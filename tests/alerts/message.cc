#include "tests/alerts/message.h"

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace weir {

std::ostream& operator<<(std::ostream& out, const AlertId& id) {
  out << id.name;
  return id.subject.empty() ? out : out << " of " << id.subject;
}

std::vector<Told> ReadMessage(absl::string_view message) {
  std::vector<Told> all;
  for (const absl::string_view block : absl::StrSplit(message, "\n\n")) {
    const std::vector<absl::string_view> lines = absl::StrSplit(block, '\n');
    const size_t sign = lines[0].find(' ');
    if (sign == absl::string_view::npos || lines.size() < 2)
      continue;  // How many there are in all.
    Told told = {.text = std::string(block)};
    absl::string_view name = lines[0].substr(sign + 1);
    told.over = absl::ConsumeSuffix(&name, " is over");
    told.id.name = std::string(name);
    absl::string_view subject = lines[1];
    if (absl::ConsumePrefix(&subject, "Model: ") || absl::ConsumePrefix(&subject, "Server: ")) {
      told.id.subject = std::string(subject);
    }
    all.push_back(std::move(told));
  }
  return all;
}

}  // namespace weir
