#include "loadgen/report/html_report.h"

#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status_macros.h"
#include "loadgen/report/page.h"

namespace weir {
namespace {

// JSON that may stand inside a script element: only texts hold these characters, and there they may
// be written as escapes. So nothing ends the element early or opens a comment in it.
absl::StatusOr<std::string> EmbeddedJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) {
    return absl::InternalError(absl::StrCat("the page's data are no JSON: ", status.ToString()));
  }
  return absl::StrReplaceAll(json, {{"<", "\\u003c"}, {">", "\\u003e"}, {"&", "\\u0026"}});
}

std::string DataElement(const std::string& id, const std::string& json) {
  return absl::StrCat("<script type=\"application/json\" id=\"", id, "\">", json, "</script>\n");
}

}  // namespace

absl::StatusOr<std::string> HtmlReport(const v1::LoadReport& report, const v1::Frontier* frontier) {
  WEIR_ASSIGN_OR_RETURN(const std::string report_json, EmbeddedJson(report));
  std::string data = DataElement("report", report_json);
  if (frontier != nullptr) {
    WEIR_ASSIGN_OR_RETURN(const std::string frontier_json, EmbeddedJson(*frontier));
    absl::StrAppend(&data, DataElement("frontier", frontier_json));
  }
  // The page's parts are put together here and never searched for the marks of other parts, so data
  // that holds such a mark is left alone.
  return absl::StrCat(kPageBeforeData, data, kPageAfterData);
}

}  // namespace weir
