#include "loadgen/report/html_report.h"

#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "loadgen/report/page.h"

namespace weir {
namespace {

// JSON that may stand inside a script element: only texts hold these characters, and there they may
// be written as escapes. So nothing ends the element early or opens a comment in it.
std::string EmbeddedJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) return "{}";
  return absl::StrReplaceAll(json, {{"<", "\\u003c"}, {">", "\\u003e"}, {"&", "\\u0026"}});
}

std::string DataElement(const std::string& id, const std::string& json) {
  return absl::StrCat("<script type=\"application/json\" id=\"", id, "\">", json, "</script>\n");
}

}  // namespace

std::string HtmlReport(const v1::LoadReport& report, const v1::Frontier* frontier) {
  std::string data = DataElement("report", EmbeddedJson(report));
  if (frontier != nullptr) {
    absl::StrAppend(&data, DataElement("frontier", EmbeddedJson(*frontier)));
  }
  // The page's parts are put together here and never searched for the marks of other parts, so data
  // that holds such a mark is left alone.
  return absl::StrCat(kPageBeforeData, data, kPageAfterData);
}

}  // namespace weir
