#include "tests/gpusim/ptx/module.h"

#include "tests/gpusim/ptx/parser.h"

namespace gpusim::ptx {

const Function *Module::find(std::string_view name) const {
  for (const Function &function : functions) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

std::unique_ptr<Module> parse(std::string_view text, std::string *error) {
  auto module = std::make_unique<Module>();
  module->text = text;
  error->clear();
  Parser parser(module.get(), error);
  if (!parser.parse()) return nullptr;
  return module;
}

}  // namespace gpusim::ptx
