#include "tests/gpusim/tensor/qualifiers.h"

namespace gpusim::tensor {
namespace {

struct Shape {
  const char *name;
  Opcode opcode;
  unsigned m, n, k;
  Element element;
};

constexpr Shape kShapes[] = {
#define GPUSIM_TENSOR_SHAPE(opcode, m, n, k, type) \
  {#opcode "_m" #m "n" #n "k" #k "_" #type, Opcode::opcode, m, n, k, Element::type},
#include "tests/gpusim/tensor/shapes.inc"
#undef GPUSIM_TENSOR_SHAPE
};

struct ElementName {
  std::string_view name;
  Element element;
};

constexpr ElementName kElements[] = {
#define GPUSIM_ELEMENT(name, bits) {#name, Element::name},
#include "tests/gpusim/tensor/elements.inc"
#undef GPUSIM_ELEMENT
};

Element element_from_name(std::string_view name) {
  for (const ElementName &row : kElements) {
    if (row.name == name) return row.element;
  }
  return Element::none;
}

/* u8 and u4 share the rows of s8 and s4. */
Element row_element(Element element) {
  if (element == Element::u8) return Element::s8;
  return element == Element::u4 ? Element::s4 : element;
}

bool number(std::string_view text, size_t *at, char letter, unsigned *value) {
  if (*at >= text.size() || text[*at] != letter) return false;
  *value = 0;
  const size_t first = ++*at;
  while (*at < text.size() && text[*at] >= '0' && text[*at] <= '9' && *at - first < 3) {
    *value = 10 * *value + static_cast<unsigned>(text[(*at)++] - '0');
  }
  return *at > first;
}

}  // namespace

const unsigned kKinds = sizeof kShapes / sizeof kShapes[0];

const char *kind_name(unsigned kind) { return kShapes[kind].name; }

std::vector<Element> take_elements(Decoder &decoder) {
  std::vector<Element> elements;
  for (const std::string_view qualifier : decoder.result().source->qualifiers) {
    const Element element = element_from_name(qualifier);
    if (element != Element::none && decoder.take(qualifier)) elements.push_back(element);
  }
  return elements;
}

std::vector<bool> take_layouts(Decoder &decoder) {
  std::vector<bool> by_column;
  for (const std::string_view qualifier : decoder.result().source->qualifiers) {
    if (qualifier != "row" && qualifier != "col") continue;
    if (decoder.take(qualifier)) by_column.push_back(qualifier == "col");
  }
  return by_column;
}

bool take_shape(Decoder &decoder, Tile *tile) {
  for (const std::string_view qualifier : decoder.result().source->qualifiers) {
    unsigned m = 0;
    unsigned n = 0;
    unsigned k = 0;
    size_t at = 0;
    if (!number(qualifier, &at, 'm', &m) || !number(qualifier, &at, 'n', &n)) continue;
    if (!number(qualifier, &at, 'k', &k) || at != qualifier.size() || m > 32 || n > 32) continue;
    tile->m = static_cast<uint8_t>(m);
    tile->n = static_cast<uint8_t>(n);
    tile->k = static_cast<uint16_t>(k);
    return decoder.take(qualifier);
  }
  return false;
}

bool accumulates(const Tile &tile) {
  const bool half_or_single = (tile.c == Element::f16 || tile.c == Element::f32) &&
                              (tile.d == Element::f16 || tile.d == Element::f32);
  switch (tile.a) {
    case Element::f16:
      return half_or_single;
    case Element::bf16:
    case Element::tf32:
      return tile.c == Element::f32 && tile.d == Element::f32;
    case Element::f64:
      return tile.c == Element::f64 && tile.d == Element::f64;
    default:
      return tile.c == Element::s32 && tile.d == Element::s32;
  }
}

bool set_elements(const std::vector<Element> &elements, Tile *tile) {
  const size_t count = elements.size();
  if (count != 2 && count != 4) return false;
  tile->d = elements[0];
  tile->c = elements[count - 1];
  tile->a = count == 4 ? elements[1] : Element::f16;
  tile->b = count == 4 ? elements[2] : Element::f16;
  return row_element(tile->a) == row_element(tile->b) && accumulates(*tile);
}

bool find_kind(Opcode opcode, Tile *tile) {
  for (unsigned i = 0; i < kKinds; i++) {
    const Shape &shape = kShapes[i];
    if (shape.opcode != opcode || shape.m != tile->m || shape.n != tile->n) continue;
    if (shape.k != tile->k || shape.element != row_element(tile->a)) continue;
    tile->kind = static_cast<uint8_t>(i);
    return true;
  }
  return false;
}

Type register_type(Element element) {
  if (element == Element::f32) return Type::f32;
  return element == Element::f64 ? Type::f64 : Type::b32;
}

unsigned registers_given(const Decoder &decoder, size_t operand) {
  if (operand >= decoder.operand_count()) return 0;
  const ptx::Operand &given = decoder.operand(operand);
  return given.kind == ptx::Operand::Kind::vector ? static_cast<unsigned>(given.elements.size())
                                                  : 1;
}

bool take_factors(Decoder &decoder, Tile *tile) {
  const std::vector<bool> by_column = take_layouts(decoder);
  if (by_column.size() != 2) return false;
  tile->a_by_column = by_column[0];
  tile->b_by_row = !by_column[1];
  tile->saturate = decoder.take("satfinite");
  decoder.take("rn"); /* f64's only rounding here */
  return true;
}

void use_fragments(Decoder &decoder, const Tile &tile) {
  decoder.write(0, type_bytes(register_type(tile.d)));
  decoder.read(1, register_type(tile.a));
  decoder.read(2, register_type(tile.b));
  decoder.read(3, register_type(tile.c));
}

}  // namespace gpusim::tensor
