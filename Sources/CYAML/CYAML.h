// libyaml: events of a YAML text, with their places.

#pragma once

#include <yaml.h>
