#include <algorithm>
#include <atomic>
#include <cstring>

#include "tests/gpusim/exec/loaded_module.h"
#include "tests/gpusim/memory/heap.h"

namespace gpusim {
namespace {

/* Function pointers: below the heap, so that no load or store ever finds memory there. */
constexpr uint64_t kFunctionFirst = 0x0000600000000000ull;
constexpr uint64_t kFunctionStride = 16;
std::atomic<uint64_t> next_function{kFunctionFirst};

/* Initialising it takes host memory. */
constexpr uint64_t kMaxVariableBytes = 256u << 20;

uint64_t round_up(uint64_t value, uint64_t align) {
  return align <= 1 ? value : (value + align - 1) / align * align;
}

void number_functions(LoadedModule *module) {
  for (const ptx::Function &function : module->source->functions) {
    const uint64_t address = next_function.fetch_add(kFunctionStride);
    module->function_addresses[&function] = address;
    if (function.is_declaration) continue;
    module->codes.emplace_back();
    Code &code = module->codes.back();
    code.source = &function;
    code.number = static_cast<uint32_t>(module->codes.size() - 1);
    module->by_function[&function] = &code;
    module->by_address[address] = &code;
  }
}

std::string allocate_variables(LoadedModule *module) {
  for (const ptx::Variable *variable : module->source->globals) {
    if (variable->space == Space::shared) {
      module->shared_numbers[variable] = static_cast<uint32_t>(module->shared.size());
      module->shared.push_back(variable);
      continue;
    }
    if (variable->space != Space::global && variable->space != Space::constant) continue;
    const std::string name(variable->name);
    if (variable->is_extern) continue;
    if (variable->bytes > kMaxVariableBytes) return "variable " + name + " is too large";
    const uint64_t address = Heap::device().allocate(
        std::max<uint64_t>(variable->bytes, 1), name.c_str(), variable->space == Space::constant);
    if (address == 0) return "out of device memory for variable " + name;
    module->addresses[variable] = address;
  }
  for (const ptx::Function &function : module->source->functions) {
    for (const ptx::Variable *variable : function.memory) {
      if (variable->space != Space::shared) continue;
      module->shared_numbers[variable] = static_cast<uint32_t>(module->shared.size());
      module->shared.push_back(variable);
    }
  }
  return "";
}

std::string relocate(const LoadedModule &module, const ptx::Variable &variable,
                     const ptx::Relocation &relocation, uint8_t *bytes) {
  uint64_t value = 0;
  if (relocation.function != nullptr) {
    value = module.function_addresses.at(relocation.function);
  } else {
    const auto found = module.addresses.find(relocation.variable);
    if (found == module.addresses.end()) {
      return "initialiser of " + std::string(variable.name) + " names what has no address";
    }
    value = found->second;
  }
  value += static_cast<uint64_t>(relocation.addend);
  const uint64_t size = std::min<uint64_t>(relocation.bytes, sizeof value);
  if (relocation.offset > variable.bytes || size > variable.bytes - relocation.offset) {
    return "initialiser of " + std::string(variable.name) + " is too long";
  }
  memcpy(bytes + relocation.offset, &value, size);
  return "";
}

/* Variables without initialiser are zero (PTX ISA, section 5.1.4). */
std::string initialise_variables(const LoadedModule &module) {
  for (const auto &[variable, address] : module.addresses) {
    if (variable->bytes == 0) continue;
    uint8_t *bytes = Heap::device().host(address);
    const uint64_t given = std::min<uint64_t>(variable->initial.size(), variable->bytes);
    if (given != 0) memcpy(bytes, variable->initial.data(), given);
    memset(bytes + given, 0, variable->bytes - given);
    Heap::device().define(address, variable->bytes);
    for (const ptx::Relocation &relocation : variable->relocations) {
      std::string error = relocate(module, *variable, relocation, bytes);
      if (!error.empty()) return error;
    }
  }
  return "";
}

/* What a function may call: known targets, and any function if it calls through registers. */
void collect_callees(const LoadedModule &module, const Code &code, std::vector<bool> *seen,
                     std::vector<const Code *> *reached) {
  std::vector<const Code *> pending = {&code};
  const auto visit = [&](const Code *callee) {
    if (callee == nullptr || (*seen)[callee->number]) return;
    (*seen)[callee->number] = true;
    pending.push_back(callee);
  };
  (*seen)[code.number] = true;
  while (!pending.empty()) {
    const Code *next = pending.back();
    pending.pop_back();
    reached->push_back(next);
    for (const CallSite &call : next->calls) visit(call.target);
    if (!next->calls_indirectly) continue;
    for (const Code &other : module.codes) {
      if (!other.source->is_entry) visit(&other);
    }
  }
}

/* Places the shared variables that an entry may use: those of known size, then those without. */
std::string place_shared(const LoadedModule &module, const std::vector<const Code *> &reached,
                         Code *entry) {
  std::vector<bool> used(module.shared.size());
  for (const Code *code : reached) {
    for (const uint32_t number : code->uses_shared) used[number] = true;
  }
  entry->shared_offsets.assign(module.shared.size(), 0);
  uint64_t bytes = 0;
  for (size_t i = 0; i < used.size(); i++) {
    const ptx::Variable &variable = *module.shared[i];
    if (!used[i] || variable.bytes == 0) continue;
    bytes = round_up(bytes, variable.align);
    entry->shared_offsets[i] = static_cast<uint32_t>(bytes);
    bytes += variable.bytes;
    if (bytes > 1u << 30) return "too much shared memory";
  }
  uint32_t dynamic_align = 1;
  for (size_t i = 0; i < used.size(); i++) {
    if (used[i] && module.shared[i]->bytes == 0) {
      dynamic_align = std::max(dynamic_align, module.shared[i]->align);
    }
  }
  entry->shared_bytes = static_cast<uint32_t>(round_up(bytes, dynamic_align));
  for (size_t i = 0; i < used.size(); i++) {
    if (used[i] && module.shared[i]->bytes == 0) entry->shared_offsets[i] = entry->shared_bytes;
  }
  return "";
}

void finish_entry(const LoadedModule &module, Code *entry) {
  std::vector<bool> seen(module.codes.size());
  std::vector<const Code *> reached;
  collect_callees(module, *entry, &seen, &reached);
  const std::string error = place_shared(module, reached, entry);
  if (entry->unsupported.empty()) entry->unsupported = error;
  /* Directly called functions only: an indirect call that never happens does no harm. */
  std::vector<const Code *> pending = {entry};
  std::vector<bool> visited(module.codes.size());
  while (!pending.empty() && entry->unsupported.empty()) {
    const Code *code = pending.back();
    pending.pop_back();
    if (visited[code->number]) continue;
    visited[code->number] = true;
    if (!code->unsupported_instructions.empty()) {
      entry->unsupported = code->unsupported_instructions[0];
      entry->first_unsupported = code->first_unsupported;
    }
    for (const CallSite &call : code->calls) {
      if (call.target != nullptr) pending.push_back(call.target);
    }
  }
}

void destroy(LoadedModule *module) { delete module; }

}  // namespace

LoadedModule::~LoadedModule() {
  for (const auto &[variable, address] : addresses) Heap::device().release(address);
}

LoadResult load_module(std::string_view text) {
  LoadResult result = {{nullptr, destroy}, ""};
  std::unique_ptr<LoadedModule, void (*)(LoadedModule *)> module(new LoadedModule, destroy);
  module->source = ptx::parse(text, &result.error);
  if (module->source == nullptr) return result;
  number_functions(module.get());
  result.error = allocate_variables(module.get());
  if (result.error.empty()) result.error = initialise_variables(*module);
  if (!result.error.empty()) return result;
  for (Code &code : module->codes) lower(*module, code);
  for (Code &code : module->codes) {
    if (code.source->is_entry) finish_entry(*module, &code);
  }
  result.module = std::move(module);
  return result;
}

const ptx::Module &module_source(const LoadedModule &module) { return *module.source; }

const Code *find_entry(const LoadedModule &module, std::string_view name) {
  for (const Code &code : module.codes) {
    if (code.source->is_entry && code.source->name == name) return &code;
  }
  return nullptr;
}

bool find_global(const LoadedModule &module, std::string_view name, uint64_t *address,
                 uint64_t *bytes) {
  for (const auto &[variable, at] : module.addresses) {
    if (variable->name != name) continue;
    *address = at;
    *bytes = variable->bytes;
    return true;
  }
  return false;
}

std::vector<std::string> unsupported_instructions(const LoadedModule &module) {
  std::vector<std::string> all;
  for (const Code &code : module.codes) {
    all.insert(all.end(), code.unsupported_instructions.begin(),
               code.unsupported_instructions.end());
  }
  return all;
}

}  // namespace gpusim
