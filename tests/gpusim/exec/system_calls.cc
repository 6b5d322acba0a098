/* __assertfail and vprintf (CUDA C++ Programming Guide, "Assertion" and "Formatted Output"; PTX
 * ISA, section 10). */
#include "tests/gpusim/exec/system_calls.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <string>

#include "tests/gpusim/exec/control.h"
#include "tests/gpusim/exec/lanes.h"
#include "tests/gpusim/memory/access.h"
#include "tests/gpusim/memory/heap.h"

namespace gpusim {
namespace {

constexpr size_t kMostText = 4096;

const CallSite &call_of(const Instruction &instruction) {
  return *reinterpret_cast<const CallSite *>(instruction.detail[0]);
}

/* The zero-terminated string at a global address, cut short; what can be read of it. */
std::string device_string(uint64_t address) {
  constexpr size_t kMost = 200;
  std::string text;
  while (text.size() < kMost && Heap::device().contains(address, 1)) {
    const char next = static_cast<char>(*Heap::device().host(address++));
    if (next == 0) break;
    text += next;
  }
  return text;
}

/* False, with a fault, if it is undefined. */
bool argument(Warp &warp, const Instruction &instruction, size_t i, unsigned lane,
              uint64_t *value) {
  const Passed &passed = call_of(instruction).arguments[i];
  const LaneView values = passed_lanes(warp, *warp.frame, passed);
  const size_t bytes = std::min<size_t>(passed.bytes, sizeof *value);
  *value = 0;
  memcpy(value, values.bytes + lane * values.stride, bytes);
  if (values.undefined == nullptr) return true;
  uint64_t undefined = 0;
  memcpy(&undefined, values.undefined + lane * values.stride, bytes);
  if (undefined == 0) return true;
  warp.fault(instruction, FaultKind::undefined, static_cast<int>(lane), "argument %zu", i);
  return false;
}

/* __assertfail(message, file, line, function, bytes of a character) */
Step execute_assertfail(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const auto lane = static_cast<unsigned>(__builtin_ctz(mask));
  uint64_t value[4];
  for (size_t i = 0; i < 4; i++) {
    if (!argument(warp, instruction, i, lane, &value[i])) return Step::fault;
  }
  return warp.fault(instruction, FaultKind::trap, static_cast<int>(lane),
                    "%s:%u: %s: assertion `%s' failed", device_string(value[1]).c_str(),
                    static_cast<unsigned>(value[2]), device_string(value[3]).c_str(),
                    device_string(value[0]).c_str());
}

/* One lane's vprintf: the arguments lie one behind the other, each aligned to its size. */
class Printer {
 public:
  Printer(Warp &warp, const Instruction &instruction, unsigned lane, uint64_t arguments)
      : warp_(warp), instruction_(instruction), lane_(lane), next_(arguments) {}

  /* False after a fault. */
  bool print(uint64_t format_address) {
    std::string format;
    if (!read_string(format_address, &format)) return false;
    for (size_t at = 0; at < format.size();) {
      const size_t start = format.find('%', at);
      text_.append(format, at, start - at);
      if (start == std::string::npos) break;
      const size_t kind = format.find_first_not_of("0123456789-+ #.*hlLjzt", start + 1);
      if (kind == std::string::npos) break;
      if (!convert(format.substr(start, kind - start), format[kind])) return false;
      at = kind + 1;
    }
    return true;
  }

  const std::string &text() const { return text_; }

 private:
  bool read_at(uint64_t address, unsigned bytes, uint64_t *value) {
    Access access;
    access.mask = 1u << lane_;
    access.bytes = bytes;
    access.address[lane_] = address;
    LaneBytes values, undefined;
    if (access_read(warp_, instruction_, access, &values, &undefined) != Step::next) return false;
    *value = 0;
    memcpy(value, values.lane[lane_], bytes);
    const uint8_t *const bits = undefined.lane[lane_];
    if (std::all_of(bits, bits + bytes, [](uint8_t byte) { return byte == 0; })) return true;
    warp_.fault(instruction_, FaultKind::undefined, static_cast<int>(lane_),
                "what is printed from 0x%llx is undefined",
                static_cast<unsigned long long>(address));
    return false;
  }

  bool read(unsigned bytes, uint64_t *value) {
    next_ = (next_ + bytes - 1) / bytes * bytes;
    if (!read_at(next_, bytes, value)) return false;
    next_ += bytes;
    return true;
  }

  bool read_string(uint64_t address, std::string *text) {
    while (text->size() < kMostText) {
      uint64_t next;
      if (!read_at(address + text->size(), 1, &next)) return false;
      if (next == 0) break;
      *text += static_cast<char>(next);
    }
    return true;
  }

  /* Width and precision that are arguments become digits. */
  bool fill_stars(std::string *flags) {
    for (size_t star; (star = flags->find('*')) != std::string::npos;) {
      uint64_t value;
      if (!read(4, &value)) return false;
      flags->replace(star, 1, std::to_string(static_cast<int32_t>(value)));
    }
    return true;
  }

  /* flags: "%" and all that stands before the conversion's letter. */
  bool convert(std::string flags, char letter) {
    if (letter == '%') {
      text_ += '%';
      return true;
    }
    const bool wide = flags.find_first_of("ljzt") != std::string::npos;
    flags.erase(std::remove_if(flags.begin(), flags.end(),
                               [](char c) { return strchr("hlLjzt", c) != nullptr; }),
                flags.end());
    if (!fill_stars(&flags)) return false;
    const bool real = strchr("aAeEfFgG", letter) != nullptr;
    const bool pointer = letter == 's' || letter == 'p';
    uint64_t value;
    if (!read(real || pointer || wide ? 8 : 4, &value)) return false;
    if (real) {
      double number;
      memcpy(&number, &value, sizeof number);
      return append(flags + letter, number);
    }
    if (letter == 's') {
      std::string text;
      return read_string(value, &text) && append(flags + 's', text.c_str());
    }
    if (letter == 'c') return append(flags + 'c', static_cast<int>(value));
    if (letter == 'p') return append(flags + 'p', reinterpret_cast<void *>(value));
    if (letter == 'd' || letter == 'i') {
      const auto number = wide ? static_cast<int64_t>(value) : static_cast<int32_t>(value);
      return append(flags + "ll" + letter, static_cast<long long>(number));
    }
    if (strchr("ouxX", letter) == nullptr) {
      text_ += flags + letter;
      return true;
    }
    return append(flags + "ll" + letter, static_cast<unsigned long long>(value));
  }

  /* The format is one conversion of the value's type: convert() has seen to that. */
  template <class T>
  bool append(const std::string &format, T value) {
    char text[kMostText];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, format.c_str(), value);
#pragma GCC diagnostic pop
    text_ += text;
    return true;
  }

  Warp &warp_;
  const Instruction &instruction_;
  const unsigned lane_;
  uint64_t next_;
  std::string text_;
};

/* A GPU keeps the text until the host synchronises; here it is written at once. */
void write_out(const std::string &text) {
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  fwrite(text.data(), 1, text.size(), stdout);
  fflush(stdout);
}

/* int vprintf(format, arguments): the number of arguments; 0 will do. */
Step execute_vprintf(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const CallSite &call = call_of(instruction);
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t format, arguments;
    if (!argument(warp, instruction, 0, lane, &format)) return Step::fault;
    if (!argument(warp, instruction, 1, lane, &arguments)) return Step::fault;
    Printer printer(warp, instruction, lane, arguments);
    if (!printer.print(format)) return Step::fault;
    write_out(printer.text());
    const LaneView result = passed_lanes(warp, *warp.frame, call.results[0]);
    memset(result.bytes + lane * result.stride, 0, call.results[0].bytes);
    if (result.undefined == nullptr) continue;
    memset(result.undefined + lane * result.stride, 0, call.results[0].bytes);
  }
  return Step::next;
}

const struct {
  const char *name;
  size_t results, arguments;
  Execute execute;
} kSystemCalls[] = {{"__assertfail", 0, 5, execute_assertfail}, {"vprintf", 1, 2, execute_vprintf}};

}  // namespace

Execute find_system_call(const CallSite &call) {
  for (const auto &known : kSystemCalls) {
    if (call.function->name == known.name && call.results.size() == known.results &&
        call.arguments.size() == known.arguments) {
      return known.execute;
    }
  }
  return nullptr;
}

}  // namespace gpusim
