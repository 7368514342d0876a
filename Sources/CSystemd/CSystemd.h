// sd-bus of libsystemd. Its functions without variable arguments import as they are, and they are enough.

#pragma once

#include <systemd/sd-bus.h>
