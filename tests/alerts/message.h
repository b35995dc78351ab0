// What people are told, as a program reads it.
#ifndef WEIR_TESTS_ALERTS_MESSAGE_H_
#define WEIR_TESTS_ALERTS_MESSAGE_H_

#include <compare>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace weir {

// One alert among others.
struct AlertId {
  std::string name;
  std::string subject;  // A model or a server; empty for the gateway.

  auto operator<=>(const AlertId&) const = default;
};

std::ostream& operator<<(std::ostream& out, const AlertId& id);

// One alert of a message.
struct Told {
  AlertId id;
  bool over = false;
  std::string text;
};

// All alerts of a message that monitoring/alertmanager/telegram.tmpl wrote.
std::vector<Told> ReadMessage(absl::string_view message);

}  // namespace weir

#endif  // WEIR_TESTS_ALERTS_MESSAGE_H_
