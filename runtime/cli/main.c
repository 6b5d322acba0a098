#include <stdio.h>

#include "tessera/tessera.h"

int main(void) {
  printf("tessera %s\n", tsr_version());
  return 0;
}
