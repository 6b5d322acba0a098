/* Places of a function's registers, literals, special registers and addresses in the register file.
 */
#ifndef GPUSIM_EXEC_LAYOUT_H
#define GPUSIM_EXEC_LAYOUT_H

#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "tests/gpusim/exec/code.h"
#include "tests/gpusim/exec/loaded_module.h"

namespace gpusim {

class Layout {
 public:
  /* Lays out parameters and local memory of code.source. */
  Layout(const LoadedModule &module, Code &code);

  /* A declared register; of a .v2 or .v4 register the given element. */
  Operand reg(const ptx::Variable &variable, unsigned element);
  /* CC.CF */
  Operand carry();
  /* A register nobody reads, for the operand _. */
  Operand sink(unsigned bytes);
  Operand literal(uint64_t value, unsigned bytes);
  /* An error text if there is no such register. */
  std::string special(std::string_view name, char component, unsigned bytes, Operand *operand);
  /* The address of a variable, in the variable's space or (space generic) as a generic address. */
  std::string address(const ptx::Variable &variable, int64_t offset, Space space, unsigned bytes,
                      Operand *operand);
  std::string function_address(const ptx::Function &function, unsigned bytes, Operand *operand);
  /* An argument or result of a call: register, literal or param variable. */
  std::string passed(const ptx::Operand &operand, unsigned literal_bytes, Passed *passed);

  const LoadedModule &module() const { return module_; }
  Code &code() { return code_; }

 private:
  Operand take(unsigned bytes);
  Operand filled(const Fill &fill);
  void place_memory();
  void place_formals();

  const LoadedModule &module_;
  Code &code_;
  uint32_t next_at_ = 0, next_index_ = 0;
  std::map<std::pair<const ptx::Variable *, unsigned>, Operand> registers_;
  std::map<std::tuple<Fill::Kind, uint8_t, uint8_t, uint32_t, uint64_t, const Special *>, Operand>
      filled_;
  std::unordered_map<const ptx::Variable *, uint32_t> offsets_; /* local and param variables */
};

}  // namespace gpusim

#endif
