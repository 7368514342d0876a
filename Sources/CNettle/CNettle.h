// SHA-256 and ChaCha20-Poly1305 (nettle), and Ed25519 (hogweed). Their functions import as they are, under their real names.

#pragma once

#include <nettle/chacha-poly1305.h>
#include <nettle/eddsa.h>
#include <nettle/sha2.h>
