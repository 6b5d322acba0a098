/* Decodes cvt (PTX ISA 9.7.9). */
#include "tests/gpusim/exec/convert.h"

namespace gpusim {
namespace {

bool take_integral(Decoder &d, Integral *mode) {
  constexpr struct {
    const char *name;
    Integral mode;
  } kModes[] = {{"rni", Integral::nearest},
                {"rzi", Integral::zero},
                {"rmi", Integral::down},
                {"rpi", Integral::up}};
  for (const auto &row : kModes) {
    if (!d.take(row.name)) continue;
    *mode = row.mode;
    return true;
  }
  return false;
}

ConvertModifiers take_modifiers(Decoder &d) {
  ConvertModifiers m;
  m.rounded = take_rounding(d, &m.rounding);
  if (d.take("rna")) {
    m.rounded = true;
    m.rounding = Rounding::rna;
  }
  m.integral = take_integral(d, &m.to_integral);
  m.ftz = d.take("ftz");
  m.sat = d.take("sat");
  m.relu = d.take("relu");
  m.satfinite = d.take("satfinite");
  return m;
}

bool is_real(Type type) { return type_kind(type) == TypeKind::real; }

/* Whether the modifiers that choose no executor may stand there. */
bool allowed(Type to, Type from, const ConvertModifiers &m) {
  const bool from_single = from == Type::f32;
  if (m.ftz && to != Type::f32 && !from_single) return false;
  if (m.ftz && (is_pair(to) || to == Type::tf32)) return false;
  if (m.sat && (is_brain(to) || is_pair(to) || to == Type::tf32)) return false;
  if (!m.relu && !m.satfinite) return true;
  const bool narrow = is_half(to) || to == Type::tf32;
  const bool simple = m.rounding != Rounding::rm && m.rounding != Rounding::rp;
  return from_single && narrow && simple && !m.sat;
}

unsigned flags_of(Type to, Type from, const ConvertModifiers &m) {
  unsigned flags = 0;
  if (m.ftz && from == Type::f32) flags |= kFlushSource;
  if (m.ftz && to == Type::f32) flags |= kFlushTarget;
  if (m.sat && is_real(to)) flags |= kSaturate;
  if (m.relu) flags |= kRelu;
  if (m.satfinite) flags |= kFinite;
  return flags;
}

Conversion choose(Type to, Type from, const ConvertModifiers &m) {
  if (!allowed(to, from, m)) return {};
  if (is_pair(to)) {
    return from == Type::f32 && !m.integral ? singles_to_pair(to, m.rounding) : Conversion{};
  }
  if (is_real(to) && is_real(from)) {
    return m.rounded && m.integral ? Conversion{} : real_to_real(to, from, m);
  }
  if (is_real(to)) return m.rounded ? integer_to_real(to, from, m.rounding) : Conversion{};
  if (is_real(from)) return m.integral ? real_to_integer(to, from, m.to_integral) : Conversion{};
  return m.rounded || m.integral ? Conversion{} : integer_to_integer(to, from, m.sat);
}

}  // namespace

void decode_cvt(Decoder &d) {
  if (d.take("pack")) return decode_pack(d);
  const ConvertModifiers m = take_modifiers(d);
  const Type to = d.take_type();
  const Type from = d.take_type();
  const Conversion conversion = choose(to, from, m);
  if (conversion.execute == nullptr) return;
  if (is_pair(to)) {
    if (!m.rounded) return;
    real_operands(d, to, 0);
    d.read(1, from);
    d.read(2, from);
  } else {
    d.write_wide(0, type_bytes(to));
    d.read_wide(1, from);
  }
  d.detail(0, flags_of(to, from, m));
  d.use(conversion.execute, conversion.propagate, InstructionClass::convert);
}

}  // namespace gpusim
