#include "tests/gpusim/ptx/types.h"

namespace gpusim {
namespace {

struct TypeRow {
  const char *name;
  unsigned bytes;
  TypeKind kind;
};

constexpr TypeRow kTypes[] = {
    {"none", 0, TypeKind::none},
#define GPUSIM_TYPE(name, bytes, kind) {#name, bytes, TypeKind::kind},
#include "tests/gpusim/ptx/types.inc"
#undef GPUSIM_TYPE
};
constexpr unsigned kTypeCount = sizeof kTypes / sizeof kTypes[0];

struct SpaceRow {
  const char *name;
  Space space;
};

constexpr SpaceRow kSpaces[] = {
    {"reg", Space::reg},           {"sreg", Space::sreg},          {"const", Space::constant},
    {"global", Space::global},     {"local", Space::local},        {"param", Space::param},
    {"shared", Space::shared},     {"shared::cta", Space::shared}, {"param::entry", Space::param},
    {"param::func", Space::param},
};

}  // namespace

unsigned type_bytes(Type type) { return kTypes[static_cast<unsigned>(type)].bytes; }

TypeKind type_kind(Type type) { return kTypes[static_cast<unsigned>(type)].kind; }

const char *type_name(Type type) { return kTypes[static_cast<unsigned>(type)].name; }

Type type_from_name(std::string_view name) {
  for (unsigned i = 1; i < kTypeCount; i++) {
    if (name == kTypes[i].name) return static_cast<Type>(i);
  }
  return Type::none;
}

const char *space_name(Space space) {
  for (const SpaceRow &row : kSpaces) {
    if (row.space == space) return row.name;
  }
  return "generic";
}

bool space_from_name(std::string_view name, Space *space) {
  for (const SpaceRow &row : kSpaces) {
    if (name != row.name) continue;
    *space = row.space;
    return true;
  }
  return false;
}

}  // namespace gpusim
