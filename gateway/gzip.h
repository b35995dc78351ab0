// Text as gzip, for who asks for it.
#ifndef WEIR_GATEWAY_GZIP_H_
#define WEIR_GATEWAY_GZIP_H_

#include "absl/strings/string_view.h"
#include "gateway/text_buffer.h"

namespace weir {

// Appends `text` as one gzip member.
void Gzip(absl::string_view text, TextBuffer& out);

}  // namespace weir

#endif  // WEIR_GATEWAY_GZIP_H_
