// libFuzzer brings main and calls LLVMFuzzerTestOneInput with every input. In C, because SwiftPM gives a
// Swift executable a main of its own.

#include <stddef.h>
#include <stdint.h>

void cloister_fuzz_policy(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    cloister_fuzz_policy(bytes, count);
    return 0;
}
