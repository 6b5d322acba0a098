/* call and ret (PTX ISA, sections 7.1 and 9.7.12). */
#include <cstring>
#include <string>

#include "tests/gpusim/exec/control.h"
#include "tests/gpusim/exec/lanes.h"
#include "tests/gpusim/exec/layout.h"
#include "tests/gpusim/exec/schedule.h"
#include "tests/gpusim/exec/system_calls.h"

namespace gpusim {
namespace {

using Kind = ptx::Operand::Kind;

void pass(Warp &warp, const Frame &from, const Passed &source, const Frame &to,
          const Passed &target, uint32_t mask) {
  const LaneView in = passed_lanes(warp, from, source);
  const LaneView out = passed_lanes(warp, to, target);
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const size_t lane = static_cast<size_t>(__builtin_ctz(rest));
    memcpy(out.bytes + lane * out.stride, in.bytes + lane * in.stride, source.bytes);
    if (out.undefined == nullptr || in.undefined == nullptr) continue;
    memcpy(out.undefined + lane * out.stride, in.undefined + lane * in.stride, source.bytes);
  }
  if (target.in_register && to.dirty != nullptr) to.dirty[target.reg.index] = 1;
}

bool same_sizes(const std::vector<Passed> &actual, const std::vector<Passed> &formal) {
  if (actual.size() != formal.size()) return false;
  for (size_t i = 0; i < actual.size(); i++) {
    if (actual[i].bytes != formal[i].bytes) return false;
  }
  return true;
}

/* Lanes of `mask` that call the function that the first of them calls. */
Step indirect_target(Warp &warp, const Instruction &instruction, const CallSite &call,
                     uint32_t *mask, const Code **target) {
  const Operand &operand = instruction.operands[0];
  const uint64_t *addresses = lanes<const uint64_t>(warp, operand);
  const int first = __builtin_ctz(*mask);
  uint32_t same = 0;
  const bool dirty = warp.shadow != nullptr && warp.dirty[operand.index] != 0;
  for (uint32_t rest = *mask; rest != 0; rest &= rest - 1) {
    const int lane = __builtin_ctz(rest);
    if (dirty && shadow_lanes<const uint64_t>(warp, operand)[lane] != 0) {
      return warp.fault(instruction, FaultKind::undefined, lane, "the callee is undefined");
    }
    if (addresses[lane] == addresses[first]) same |= 1u << lane;
  }
  *mask = same;
  const auto &functions = warp.cta->request->module->by_address;
  const auto found = functions.find(addresses[first]);
  if (found == functions.end()) {
    return warp.fault(instruction, FaultKind::illegal_instruction, first,
                      "0x%llx is the address of no function",
                      static_cast<unsigned long long>(addresses[first]));
  }
  *target = found->second;
  if ((*target)->source->is_entry || !same_sizes(call.arguments, (*target)->formal_arguments) ||
      !same_sizes(call.results, (*target)->formal_results)) {
    return warp.fault(instruction, FaultKind::illegal_instruction, first,
                      "the arguments are not those of the callee");
  }
  if (!(*target)->unsupported.empty()) {
    return warp.fault(instruction, FaultKind::illegal_instruction, first, "%s",
                      (*target)->unsupported.c_str());
  }
  return Step::next;
}

Step execute_call(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const CallSite &call = *reinterpret_cast<const CallSite *>(instruction.detail[0]);
  const uint32_t pc = pc_of(warp, instruction);
  const Code *target = call.target;
  uint32_t calling = mask;
  if (target == nullptr) {
    const Step step = indirect_target(warp, instruction, call, &calling, &target);
    if (step == Step::fault) return step;
  }
  Frame *caller = warp.frame;
  Frame *frame = push_frame(warp, &instruction, *target, caller, pc + 1, calling);
  if (frame == nullptr) return Step::fault;
  if (mask != warp.split->mask) isolate(warp, mask, pc + 1);
  if (calling != mask) isolate(warp, calling, pc);
  for (size_t i = 0; i < call.arguments.size(); i++) {
    pass(warp, *caller, call.arguments[i], *frame, target->formal_arguments[i], calling);
  }
  Split &split = *warp.split;
  split.frame = frame;
  split.pc = 0;
  release_frame(caller);
  return Step::jumped;
}

Step execute_ret(Warp &warp, const Instruction &instruction, uint32_t mask) {
  isolate(warp, mask, pc_of(warp, instruction) + 1);
  Frame *frame = warp.frame;
  if (frame->caller == nullptr) {
    exit_lanes(warp);
    return Step::jumped;
  }
  Frame *caller = frame->caller;
  const Instruction &call_instruction = caller->code->instructions[frame->return_pc - 1];
  const CallSite &call = *reinterpret_cast<const CallSite *>(call_instruction.detail[0]);
  for (size_t i = 0; i < call.results.size(); i++) {
    pass(warp, *frame, frame->code->formal_results[i], *caller, call.results[i], mask);
  }
  Split &split = *warp.split;
  split.pc = frame->return_pc;
  split.frame = caller;
  caller->users++;
  release_frame(frame);
  return Step::jumped;
}

/* A list's elements; literals have the size of the formal parameter where that is known. */
std::vector<Passed> passed_list(Decoder &d, const ptx::Operand &list,
                                const std::vector<const ptx::Variable *> *formals) {
  std::vector<Passed> all;
  if (list.kind != Kind::list) return all;
  for (size_t i = 0; i < list.elements.size(); i++) {
    unsigned bytes = sizeof(uint32_t);
    if (formals != nullptr && i < formals->size() && (*formals)[i]->bytes <= 8) {
      bytes = static_cast<unsigned>((*formals)[i]->bytes);
    }
    Passed passed;
    const std::string error = d.layout().passed(list.elements[i], bytes, &passed);
    if (!error.empty()) d.fail(error);
    all.push_back(passed);
  }
  return all;
}

uint64_t formal_bytes(const ptx::Variable &variable) {
  return variable.space == Space::reg ? type_bytes(variable.type) : variable.bytes;
}

bool fits(const std::vector<Passed> &actual, const std::vector<const ptx::Variable *> &formal) {
  if (actual.size() != formal.size()) return false;
  for (size_t i = 0; i < actual.size(); i++) {
    if (actual[i].bytes != formal_bytes(*formal[i])) return false;
  }
  return true;
}

}  // namespace

LaneView passed_lanes(Warp &warp, const Frame &frame, const Passed &passed) {
  LaneView lanes_of;
  if (passed.in_register) {
    lanes_of.bytes = frame.registers + passed.reg.at;
    if (frame.shadow != nullptr) lanes_of.undefined = frame.shadow + passed.reg.at;
    lanes_of.stride = passed.reg.bytes;
    return lanes_of;
  }
  LaneStack &stack = warp.schedule->param;
  lanes_of.bytes = stack.data.data() + frame.param_base + passed.offset;
  if (!stack.undefined.empty()) {
    lanes_of.undefined = stack.undefined.data() + frame.param_base + passed.offset;
  }
  lanes_of.stride = stack.stride;
  return lanes_of;
}

void decode_call(Decoder &d) {
  d.take("uni");
  const bool has_results = d.operand(0).kind == Kind::list;
  const size_t at = has_results ? 1 : 0;
  const ptx::Operand &target = d.operand(at);
  const ptx::Operand &arguments = d.operand(at + 1);
  for (size_t i = 0; i < d.operand_count(); i++) {
    if (i != at || target.kind != Kind::reg) d.consume(i);
  }
  CallSite call;
  call.function = target.kind == Kind::function ? target.function : nullptr;
  if (has_results) {
    call.results =
        passed_list(d, d.operand(0), call.function != nullptr ? &call.function->results : nullptr);
  }
  call.arguments =
      passed_list(d, arguments, call.function != nullptr ? &call.function->parameters : nullptr);
  if (call.function != nullptr) {
    const auto &functions = d.layout().module().by_function;
    const auto found = functions.find(call.function);
    if (found == functions.end()) {
      const Execute system_call = find_system_call(call);
      if (system_call == nullptr) {
        return d.fail("extern function " + std::string(call.function->name));
      }
      d.layout().code().calls.push_back(call);
      d.detail(0, reinterpret_cast<uint64_t>(&d.layout().code().calls.back()));
      return d.use(system_call, nullptr, InstructionClass::control);
    }
    call.target = found->second;
    if (call.function->is_entry) return d.fail("call of an entry");
    if (!fits(call.arguments, call.function->parameters) ||
        !fits(call.results, call.function->results)) {
      return d.fail("the arguments are not those of the callee");
    }
  } else {
    d.read(at, Type::b64);
    d.layout().code().calls_indirectly = true;
  }
  d.layout().code().calls.push_back(call);
  d.detail(0, reinterpret_cast<uint64_t>(&d.layout().code().calls.back()));
  d.use(execute_call, nullptr, InstructionClass::control);
}

void decode_ret(Decoder &d) {
  d.take("uni");
  d.use(execute_ret, nullptr, InstructionClass::control);
}

}  // namespace gpusim
