// SHA-256 (nettle) and Ed25519 (hogweed). Their functions import as they are, under their real names.

#pragma once

#include <nettle/eddsa.h>
#include <nettle/sha2.h>
