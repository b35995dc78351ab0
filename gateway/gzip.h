// Text as gzip, for who asks for it.
#ifndef WEIR_GATEWAY_GZIP_H_
#define WEIR_GATEWAY_GZIP_H_

#include "gateway/page_text.h"
#include "gateway/text_buffer.h"

namespace weir {

// Appends the page as one gzip member.
void Gzip(const PageText& page, TextBuffer& out);

}  // namespace weir

#endif  // WEIR_GATEWAY_GZIP_H_
