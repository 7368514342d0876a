// PCRE2 for bytes. Its functions are macros that paste the width to a name, which do not import: Swift
// calls the pasted names (pcre2_compile_8).

#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
