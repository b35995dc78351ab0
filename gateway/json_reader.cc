#include "gateway/json_reader.h"

#include <charconv>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/names.h"

namespace weir {
namespace {

class Reader {
 public:
  explicit Reader(absl::string_view json) : json_(json), rest_(json) {}

  absl::StatusOr<std::map<std::string, std::string>> Read() {
    if (!IsUtf8(json_)) return Wrong("not UTF-8");
    if (!Value("")) return Wrong("no JSON");
    Space();
    if (!rest_.empty()) return Wrong("more than one value");
    return found_;
  }

 private:
  absl::Status Wrong(absl::string_view what) const {
    return absl::InvalidArgumentError(
        absl::StrCat(what, " at byte ", json_.size() - rest_.size(), " of ", json_));
  }

  void Space() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\t')) {
      rest_.remove_prefix(1);
    }
  }

  bool Take(absl::string_view mark) {
    Space();
    return absl::ConsumePrefix(&rest_, mark);
  }

  bool Value(const std::string& path) {
    if (Take("{")) return Object(path);
    if (Take("[")) return Array(path);
    std::string value;
    if (Take("\"")) {
      if (!String(value)) return false;
      found_[path] = absl::StrCat("\"", value);
      return true;
    }
    for (const absl::string_view word : {"true", "false", "null"}) {
      if (!Take(word)) continue;
      found_[path] = std::string(word);
      return true;
    }
    return Number(path);
  }

  bool Object(const std::string& path) {
    if (Take("}")) {
      found_[path] = "{}";
      return true;
    }
    std::set<std::string> names;
    do {
      std::string name;
      if (!Take("\"") || !String(name) || !names.insert(name).second || !Take(":")) return false;
      if (!Value(absl::StrCat(path, path.empty() ? "" : ".", name))) return false;
    } while (Take(","));
    return Take("}");
  }

  bool Array(const std::string& path) {
    if (Take("]")) {
      found_[path] = "[]";
      return true;
    }
    int i = 0;
    do {
      if (!Value(absl::StrCat(path, "[", i++, "]"))) return false;
    } while (Take(","));
    return Take("]");
  }

  // After its first quote.
  bool String(std::string& value) {
    while (!rest_.empty() && rest_[0] != '"') {
      const char c = rest_[0];
      rest_.remove_prefix(1);
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        value.push_back(c);
      } else if (absl::ConsumePrefix(&rest_, "u00")) {
        int code = 0;
        if (rest_.size() < 2 ||
            std::from_chars(rest_.data(), rest_.data() + 2, code, 16).ptr != rest_.data() + 2) {
          return false;
        }
        rest_.remove_prefix(2);
        value.push_back(static_cast<char>(code));
      } else if (absl::ConsumePrefix(&rest_, "\\") || absl::ConsumePrefix(&rest_, "\"")) {
        value.push_back(*(rest_.data() - 1));
      } else {
        return false;  // Or what nobody writes here.
      }
    }
    return absl::ConsumePrefix(&rest_, "\"");
  }

  // -? (0 | [1-9][0-9]*) (\.[0-9]+)? ([eE][+-]?[0-9]+)?
  bool Number(const std::string& path) {
    const char* const begin = rest_.data();
    absl::ConsumePrefix(&rest_, "-");
    if (!absl::ConsumePrefix(&rest_, "0") && !Digits()) return false;
    if (absl::ConsumePrefix(&rest_, ".") && !Digits()) return false;
    if (absl::ConsumePrefix(&rest_, "e") || absl::ConsumePrefix(&rest_, "E")) {
      if (!absl::ConsumePrefix(&rest_, "+")) absl::ConsumePrefix(&rest_, "-");
      if (!Digits()) return false;
    }
    found_[path] = std::string(begin, rest_.data());
    return true;
  }

  bool Digits() {
    size_t size = 0;
    while (size < rest_.size() && absl::ascii_isdigit(rest_[size])) ++size;
    rest_.remove_prefix(size);
    return size > 0;
  }

  const absl::string_view json_;
  absl::string_view rest_;
  std::map<std::string, std::string> found_;
};

}  // namespace

absl::StatusOr<std::map<std::string, std::string>> ReadJson(absl::string_view json) {
  return Reader(json).Read();
}

}  // namespace weir
