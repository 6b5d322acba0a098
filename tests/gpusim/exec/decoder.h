/* Turns one ptx::Instruction into an executable Instruction.
 *
 * Every opcode has a row in an opcodes_*.inc: GPUSIM_OPCODE(base, function). The function looks at
 * the qualifiers, names the operands, and chooses the executor; what it does not take is reported
 * as unsupported by the caller, so that no qualifier is ever ignored by accident:
 *
 *   void decode_popc(Decoder &d) {
 *     const Type type = d.take_type();
 *     d.write(0, 4);
 *     d.read(1, type);
 *     if (type == Type::b32) return d.use(popc<uint32_t>, undefined_any);
 *     if (type == Type::b64) return d.use(popc<uint64_t>, undefined_any);
 *   }
 */
#ifndef GPUSIM_EXEC_DECODER_H
#define GPUSIM_EXEC_DECODER_H

#include <string>
#include <string_view>
#include <vector>

#include "tests/gpusim/exec/instruction.h"

namespace gpusim {

/* Places of a function's registers, literals and special registers; of the module's variables. */
class Layout;
struct Code;
struct LoadedModule;

class Decoder {
 public:
  Decoder(const ptx::Instruction &source, Layout &layout);

  /* Qualifiers. Each call consumes what it finds; order does not matter except among types. */
  bool take(std::string_view qualifier);
  Type take_type();                                      /* the leftmost left over; none if none */
  Space take_space();                                    /* generic when none is written */
  std::string_view take_prefix(std::string_view prefix); /* "m16n8k16" for "m16"; empty if none */

  size_t operand_count() const;
  const ptx::Operand &operand(size_t i) const;

  /* Operands, in PTX order, written ones first. A literal becomes lanes of the type read. */
  void write(size_t i, unsigned bytes);      /* registers of exactly so many bytes; _ is allowed */
  void write_wide(size_t i, unsigned bytes); /* at least so many: ld, cvt */
  void write_predicate(size_t i);            /* p, p|q or _ */
  void write_with_predicate(size_t i, unsigned bytes); /* d or d|p: always two targets */
  void read(size_t i, Type type);                      /* registers of exactly the type's size */
  void read_wide(size_t i, Type type);                 /* at least: st, cvt */
  void read_predicate(size_t i);                       /* p, !p, or a literal 0 or 1 */

  /* Registers may be followed by a selector of parts (.b0, .h10), which is the caller's business.
   */
  void allow_selectors() { selectors_ = true; }

  /* The carry flag CC.CF, a predicate of each frame: after the written ones, after all others. */
  void write_carry();
  void read_carry();

  /* The address operand: its base is appended to the operands as a .b64 or .b32 register (or
   * literal), and Instruction::offset is set. Symbols resolve to their address in `space`; `space`
   * becomes Instruction::space. */
  void address(size_t i, Space space);

  /* A literal that has to be known now (immLut, a barrier's id). False if it is none. */
  bool literal(size_t i, uint64_t *value);
  void consume(size_t i); /* the caller takes operand i in its own way */

  void use(Execute execute, Propagate propagate, InstructionClass instruction_class);
  void aligned();         /* .aligned: all lanes together */
  void members(size_t i); /* operand i (already read as .b32) is the member mask */
  void detail(unsigned i, uint64_t value);

  /* Says why it can't be executed: "unsupported: ...". The first call wins. */
  void fail(const std::string &why);

  Instruction &result();
  Layout &layout() { return layout_; }

 private:
  friend void lower(const LoadedModule &module, Code &code);
  bool open(size_t i);
  void append(const Operand &operand);
  void append_register(size_t i, const ptx::Operand &operand, unsigned bytes, bool wide);
  void append_target(size_t i, const ptx::Operand &operand, unsigned bytes, bool wide);
  void append_source(size_t i, const ptx::Operand &operand, Type type, bool wide);
  void mark_targets();
  void finish(); /* guard; nothing may be left over */

  const ptx::Instruction &source_;
  Layout &layout_;
  Instruction result_;
  std::vector<bool> taken_, used_;
  std::vector<Operand> operands_;
  bool selectors_ = false;
  std::string error_;
};

using Decode = void (*)(Decoder &decoder);

/* By the opcode. Where integers and reals have a row of the same name (add, min), the leftmost type
 * decides: GPUSIM_REAL_OPCODE rows are for f16 to f64. Null for an unknown opcode. */
Decode find_decode(const ptx::Instruction &instruction);

/* Propagation rules that fit most instructions. */
void undefined_any(Warp &, const Instruction &, uint32_t mask); /* any bit of a lane's sources */
void undefined_copy(Warp &, const Instruction &,
                    uint32_t mask); /* target i = source i, bit by bit */

}  // namespace gpusim

#endif
