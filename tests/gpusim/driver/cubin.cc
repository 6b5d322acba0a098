/* Cubins are ELF files; .nv.info lists attributes of kernels, among them their registers. */
#include <elf.h>

#include <cstring>

#include "tests/gpusim/driver/image.h"

namespace gpusim::driver {
namespace {

constexpr uint32_t kRegisterCount = 0x2f04; /* attribute, and format "sized value" */

struct Bytes {
  const uint8_t *first;
  uint64_t count;

  template <class T>
  bool read(uint64_t at, T *value) const {
    if (at > count || sizeof *value > count - at) return false;
    memcpy(value, first + at, sizeof *value);
    return true;
  }

  /* A string that ends inside of the file. */
  bool text(uint64_t at, std::string *value) const {
    if (at >= count) return false;
    const uint64_t length = strnlen(reinterpret_cast<const char *>(first + at), count - at);
    if (length == count - at) return false;
    value->assign(reinterpret_cast<const char *>(first + at), length);
    return true;
  }
};

struct Elf {
  Bytes bytes;
  Elf64_Ehdr header;

  bool section(uint64_t i, Elf64_Shdr *found) const {
    return i < header.e_shnum && bytes.read(header.e_shoff + i * sizeof *found, found);
  }

  bool named(const char *name, Elf64_Shdr *found) const {
    Elf64_Shdr names;
    if (!section(header.e_shstrndx, &names)) return false;
    for (uint64_t i = 0; i < header.e_shnum; i++) {
      std::string text;
      if (section(i, found) && bytes.text(names.sh_offset + found->sh_name, &text) &&
          text == name) {
        return true;
      }
    }
    return false;
  }

  bool symbol_name(uint32_t index, std::string *name) const {
    Elf64_Shdr symbols, strings;
    Elf64_Sym symbol;
    return named(".symtab", &symbols) && section(symbols.sh_link, &strings) &&
           bytes.read(symbols.sh_offset + uint64_t{index} * sizeof symbol, &symbol) &&
           bytes.text(strings.sh_offset + symbol.st_name, name);
  }
};

}  // namespace

void read_cubin(const uint8_t *first, uint64_t count, RegisterCounts *registers) {
  Elf elf = {{first, count}, {}};
  Elf64_Shdr info;
  if (!elf.bytes.read(0, &elf.header) || memcmp(elf.header.e_ident, ELFMAG, SELFMAG) != 0 ||
      elf.header.e_shoff > count || !elf.named(".nv.info", &info) || info.sh_offset > count ||
      info.sh_size > count - info.sh_offset) {
    return;
  }
  /* Items: format (byte), attribute (byte), then a value of 2 bytes, or a size and so many. */
  struct Item {
    uint8_t format, attribute;
    uint16_t value;
  };
  const Bytes items = {first + info.sh_offset, info.sh_size};
  Item item;
  for (uint64_t at = 0; items.read(at, &item); at += sizeof item) {
    if (item.format != (kRegisterCount & 0xff)) continue;
    uint32_t pair[2];
    std::string name;
    if (item.attribute == kRegisterCount >> 8 && items.read(at + sizeof item, &pair) &&
        elf.symbol_name(pair[0], &name)) {
      (*registers)[name] = static_cast<int>(pair[1] & 0xffff);
    }
    at += item.value;
  }
}

}  // namespace gpusim::driver
