/* PTX's fundamental types and state spaces (PTX ISA, sections 5.1 and 5.2). */
#ifndef GPUSIM_PTX_TYPES_H
#define GPUSIM_PTX_TYPES_H

#include <cstdint>
#include <string_view>

namespace gpusim {

enum class Type : uint8_t {
  none,
#define GPUSIM_TYPE(name, bytes, kind) name,
#include "tests/gpusim/ptx/types.inc"
#undef GPUSIM_TYPE
};

enum class TypeKind : uint8_t { none, predicate, bits, unsigned_integer, signed_integer, real };

/* Bytes of one value; 0 for none and pred. tf32 is 4: it travels in a .b32 register. */
unsigned type_bytes(Type type);
TypeKind type_kind(Type type);
const char *type_name(Type type);

/* none when it is no type. */
Type type_from_name(std::string_view name);

enum class Space : uint8_t { generic, reg, sreg, constant, global, local, param, shared };

const char *space_name(Space space);

/* False when it names no state space. "shared::cta" is shared; "shared::cluster" is not known. */
bool space_from_name(std::string_view name, Space *space);

}  // namespace gpusim

#endif
