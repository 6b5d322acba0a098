/* wmma.load and wmma.store (PTX ISA, "Warp-level Matrix Load Instruction: wmma.load"). */
#include <algorithm>

#include "tests/gpusim/exec/decoder.h"
#include "tests/gpusim/exec/lanes.h"
#include "tests/gpusim/memory/access.h"
#include "tests/gpusim/tensor/execute.h"
#include "tests/gpusim/tensor/qualifiers.h"
#include "tests/gpusim/tensor/wmma.h"
#include "tests/gpusim/tensor/wmma_layout.h"

namespace gpusim::tensor {
namespace {

/* A matrix in memory: lines of elements without gaps, `stride` elements from one to the next. */
struct Matrix {
  uint8_t lines = 0, line_elements = 0;
  uint8_t element_bytes = 0;
  uint8_t fragment_bytes = 0; /* a lane's registers */
  bool transposed = false;    /* lines are not what the fragment holds them by */
  bool has_stride = false;

  unsigned line_bytes() const { return line_elements * element_bytes; }
  unsigned bytes() const { return lines * line_bytes(); }
};
static_assert(sizeof(Matrix) <= sizeof Instruction::detail, "a matrix fits");

Matrix matrix_of(const Instruction &instruction) {
  Matrix matrix;
  memcpy(&matrix, instruction.detail, sizeof matrix);
  return matrix;
}

/* Where the matrix begins, and the bytes from line to line. */
struct Extent {
  uint64_t address = 0;
  uint64_t stride_bytes = 0;
};

/* All lanes give the same address and stride, or the instruction is undefined. Every line has to be
 * aligned to the size of a lane's fragment, says the PTX ISA; the CUDA C++ guide, which the
 * compiler follows, asks that of the first line only, and 16 bytes of the others. */
Step find_extent(Warp &warp, const Instruction &instruction, const Matrix &matrix,
                 const Operand &address, Access *access, Extent *extent) {
  access->space = instruction.space;
  access->mask = kAllLanes;
  const Step step = access_addresses(warp, instruction, address, access);
  if (step == Step::fault) return step;
  extent->address = access->address[0];
  extent->stride_bytes = matrix.line_bytes();
  const uint32_t *strides = nullptr;
  if (matrix.has_stride) {
    const Operand &stride = instruction.operands[instruction.group[2]];
    strides = lanes<const uint32_t>(warp, stride);
    extent->stride_bytes = uint64_t{strides[0]} * matrix.element_bytes;
    const uint32_t *undefined =
        warp.shadow != nullptr ? shadow_lanes<const uint32_t>(warp, stride) : nullptr;
    for (unsigned lane = 0; undefined != nullptr && lane < kLanes; lane++) {
      if (undefined[lane] == 0) continue;
      return warp.fault(instruction, FaultKind::undefined, static_cast<int>(lane), "the stride");
    }
  }
  for (unsigned lane = 1; lane < kLanes; lane++) {
    if (access->address[lane] != access->address[0] ||
        (strides != nullptr && strides[lane] != strides[0])) {
      return warp.fault(instruction, FaultKind::illegal_instruction, static_cast<int>(lane),
                        "address or stride is not that of lane 0");
    }
  }
  const unsigned line_alignment = std::min<unsigned>(matrix.fragment_bytes, 16);
  if (extent->address % matrix.fragment_bytes != 0 || extent->stride_bytes % line_alignment != 0) {
    return warp.fault(instruction, FaultKind::misaligned, -1,
                      "address 0x%llx is no multiple of %u, or the stride of %llu bytes none of %u",
                      static_cast<unsigned long long>(extent->address), matrix.fragment_bytes,
                      static_cast<unsigned long long>(extent->stride_bytes), line_alignment);
  }
  return Step::next;
}

/* The matrix in pieces of up to 16 bytes, one per lane and access, in the order of memory. */
class Pieces {
 public:
  Pieces(const Matrix &matrix, const Extent &extent)
      : extent_(extent),
        bytes_(std::min({16u, unsigned{matrix.fragment_bytes}, matrix.line_bytes()})),
        in_line_(matrix.line_bytes() / bytes_),
        count_(in_line_ * matrix.lines) {}

  unsigned bytes() const { return bytes_; }
  unsigned count() const { return count_; }

  /* Sets the access to pieces [first, first + 32). */
  void select(unsigned first, Access *access) const {
    const unsigned here = std::min(count_ - first, kLanes);
    access->mask = here == kLanes ? kAllLanes : (UINT32_C(1) << here) - 1;
    access->bytes = bytes_;
    for (unsigned lane = 0; lane < here; lane++) {
      const unsigned piece = first + lane;
      access->address[lane] = extent_.address + piece / in_line_ * extent_.stride_bytes +
                              static_cast<uint64_t>(piece % in_line_) * bytes_;
    }
  }

 private:
  Extent extent_;
  unsigned bytes_, in_line_, count_;
};

void to_image(const LaneBytes &lanes_bytes, unsigned bytes, unsigned count, uint8_t *image) {
  for (unsigned lane = 0; lane < count; lane++) {
    memcpy(image + lane * bytes, lanes_bytes.lane[lane], bytes);
  }
}

void from_image(const uint8_t *image, unsigned bytes, unsigned count, LaneBytes *lanes_bytes) {
  for (unsigned lane = 0; lane < count; lane++) {
    memcpy(lanes_bytes->lane[lane], image + lane * bytes, bytes);
  }
}

struct Image {
  alignas(64) uint8_t bytes[1024];
};

void scatter_lines(uint8_t *file, const Registers &registers, const Matrix &matrix,
                   const Image &lines) {
  if (!matrix.transposed) return scatter_fragment(file, registers, matrix.bytes(), lines.bytes);
  Image turned;
  transpose(lines.bytes, matrix.lines, matrix.line_elements, matrix.element_bytes, turned.bytes);
  scatter_fragment(file, registers, matrix.bytes(), turned.bytes);
}

void gather_lines(const uint8_t *file, const Registers &registers, const Matrix &matrix,
                  Image *lines) {
  if (!matrix.transposed) {
    gather_fragment(file, registers, matrix.bytes(), lines->bytes);
    return;
  }
  Image turned;
  gather_fragment(file, registers, matrix.bytes(), turned.bytes);
  transpose(turned.bytes, matrix.line_elements, matrix.lines, matrix.element_bytes, lines->bytes);
}

Step execute_load(Warp &warp, const Instruction &instruction, uint32_t mask) {
  if (!whole_warp(warp, instruction, mask)) return Step::fault;
  const Matrix matrix = matrix_of(instruction);
  const Operand *operands = instruction.operands;
  Access access;
  Extent extent;
  const Step found =
      find_extent(warp, instruction, matrix, operands[instruction.group[1]], &access, &extent);
  if (found == Step::fault) return found;
  const Pieces pieces(matrix, extent);
  Image values;
  Image shadow;
  for (unsigned first = 0; first < pieces.count(); first += kLanes) {
    pieces.select(first, &access);
    LaneBytes read;
    LaneBytes undefined;
    const bool checked = warp.shadow != nullptr;
    const Step step = access_read(warp, instruction, access, &read, checked ? &undefined : nullptr);
    if (step == Step::fault) return step;
    const unsigned here = std::min(pieces.count() - first, kLanes);
    to_image(read, pieces.bytes(), here, values.bytes + first * pieces.bytes());
    if (checked) to_image(undefined, pieces.bytes(), here, shadow.bytes + first * pieces.bytes());
  }
  const Registers registers = {operands, instruction.targets};
  scatter_lines(warp.registers, registers, matrix, values);
  if (warp.shadow == nullptr) return Step::next;
  scatter_lines(warp.shadow, registers, matrix, shadow);
  update_dirty(warp, instruction);
  return Step::next;
}

Step execute_store(Warp &warp, const Instruction &instruction, uint32_t mask) {
  if (!whole_warp(warp, instruction, mask)) return Step::fault;
  const Matrix matrix = matrix_of(instruction);
  const Operand *operands = instruction.operands;
  Access access;
  Extent extent;
  const Step found =
      find_extent(warp, instruction, matrix, operands[instruction.group[0]], &access, &extent);
  if (found == Step::fault) return found;
  const unsigned first_register = instruction.group[1];
  const unsigned end = matrix.has_stride ? instruction.group[2] : instruction.count;
  const Registers registers = {operands + first_register, end - first_register};
  const bool checked = warp.shadow != nullptr;
  Image values;
  Image shadow;
  gather_lines(warp.registers, registers, matrix, &values);
  if (checked) gather_lines(warp.shadow, registers, matrix, &shadow);
  const Pieces pieces(matrix, extent);
  for (unsigned first = 0; first < pieces.count(); first += kLanes) {
    pieces.select(first, &access);
    const unsigned here = std::min(pieces.count() - first, kLanes);
    LaneBytes written;
    LaneBytes undefined;
    from_image(values.bytes + first * pieces.bytes(), pieces.bytes(), here, &written);
    if (checked)
      from_image(shadow.bytes + first * pieces.bytes(), pieces.bytes(), here, &undefined);
    const Step step =
        access_write(warp, instruction, access, written, checked ? &undefined : nullptr);
    if (step == Step::fault) return step;
  }
  return Step::next;
}

enum class Role : uint8_t { a, b, accumulator };

/* What .load.a, .load.b, .load.c and .store.d move. */
struct Moved {
  Matrix matrix;
  Type type = Type::none;
  unsigned registers = 0;
};

/* An error, or null. */
const char *take_moved(Decoder &d, Role role, Moved *moved) {
  Tile tile;
  if (!take_shape(d, &tile)) return "no shape";
  const std::vector<bool> by_column = take_layouts(d);
  const std::vector<Element> elements = take_elements(d);
  if (by_column.size() != 1 || elements.size() != 1) return "wmma moves one matrix";
  const Element element = elements[0];
  const bool factor = role != Role::accumulator;
  bool found = false;
  for (const Element a :
       {Element::f16, Element::bf16, Element::tf32, Element::f64, Element::s8, Element::u8}) {
    tile.a = tile.b = a;
    tile.c = tile.d = factor ? Element::none : element;
    const bool fits = factor ? element == a : accumulates(tile);
    if (!found && fits) found = find_kind(Opcode::wmma, &tile);
    if (found) break;
  }
  if (!found) return "no such matrix on sm_80";
  Matrix &matrix = moved->matrix;
  const bool by_rows = !by_column[0];
  const unsigned rows = role == Role::b ? tile.k : tile.m;
  const unsigned columns = role == Role::a ? tile.k : tile.n;
  matrix.lines = static_cast<uint8_t>(by_rows ? rows : columns);
  matrix.line_elements = static_cast<uint8_t>(by_rows ? columns : rows);
  matrix.element_bytes = static_cast<uint8_t>(element_bits(element) / 8);
  matrix.transposed = !factor && !by_rows;
  if (role == Role::a) moved->registers = wmma_a_registers(tile);
  if (role == Role::b) moved->registers = wmma_b_registers(tile);
  if (!factor) moved->registers = accumulator_registers(tile, element);
  moved->type = register_type(element);
  matrix.fragment_bytes = static_cast<uint8_t>(moved->registers * type_bytes(moved->type));
  return nullptr;
}

void decode_moved(Decoder &d, Role role, bool load) {
  Moved moved;
  const Space space = d.take_space();
  const char *error = take_moved(d, role, &moved);
  if (error != nullptr) return d.fail(error);
  const size_t fragment = load ? 0 : 1;
  if (registers_given(d, fragment) != moved.registers) {
    return d.fail("a fragment has another number of registers");
  }
  if (load) {
    d.write(0, type_bytes(moved.type));
    d.address(1, space);
  } else {
    d.address(0, space);
    d.read(1, moved.type);
  }
  moved.matrix.has_stride = d.operand_count() > 2;
  if (moved.matrix.has_stride) d.read(2, Type::b32);
  memcpy(d.result().detail, &moved.matrix, sizeof moved.matrix);
  d.use(load ? execute_load : execute_store, nullptr,
        load ? InstructionClass::load : InstructionClass::store);
}

}  // namespace

void decode_wmma_load(Decoder &d) {
  if (d.take("a")) return decode_moved(d, Role::a, true);
  if (d.take("b")) return decode_moved(d, Role::b, true);
  if (d.take("c")) return decode_moved(d, Role::accumulator, true);
  d.fail("wmma.load of a, b or c");
}

void decode_wmma_store(Decoder &d) {
  if (d.take("d")) return decode_moved(d, Role::accumulator, false);
  d.fail("wmma.store of d");
}

}  // namespace gpusim::tensor
