/* Fragment layouts of mma.sync, one row a shape, as the PTX ISA's sections "Matrix Fragments for
 * mma.*" give them: g = lane >> 2, t = lane & 3, i = number of the element in the lane's fragment.
 */
#ifndef GPUSIM_CASES_MMA_SHAPES_H
#define GPUSIM_CASES_MMA_SHAPES_H

namespace gpusim::cases {

struct RowColumn {
  unsigned row, column;
};
using Layout = RowColumn (*)(unsigned g, unsigned t, unsigned i);

struct MmaShape {
  const char *name;
  unsigned m, n, k;
  unsigned bits;                               /* of an element of A and B */
  unsigned a_elements, b_elements, c_elements; /* of a lane */
  Layout a, b, c;                              /* b: row = k, column = n */
};

inline RowColumn c_8x8(unsigned g, unsigned t, unsigned i) { return {g, t * 2 + i}; }
inline RowColumn c_16x8(unsigned g, unsigned t, unsigned i) {
  return c_8x8(i < 2 ? g : g + 8, t, i & 1);
}

constexpr MmaShape kMmaShapes[] = {
    {"m16n8k8", 16, 8, 8, 16, 4, 2, 4,
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{i < 2 ? g : g + 8, t * 2 + (i & 1)};
     },
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{t * 2 + i, g};
     },
     c_16x8},
    {"m16n8k16", 16, 8, 16, 16, 8, 4, 4,
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{i < 2 || (i >= 4 && i < 6) ? g : g + 8, t * 2 + (i & 1) + (i < 4 ? 0 : 8)};
     },
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{t * 2 + (i & 1) + (i < 2 ? 0 : 8), g};
     },
     c_16x8},
    {"m16n8k4", 16, 8, 4, 32, 2, 1, 4,
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{i == 0 ? g : g + 8, t};
     },
     [](unsigned g, unsigned t, unsigned) {
       return RowColumn{t, g};
     },
     c_16x8},
    {"m16n8k8", 16, 8, 8, 32, 4, 2, 4,
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{i % 2 == 0 ? g : g + 8, i < 2 ? t : t + 4};
     },
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{i == 0 ? t : t + 4, g};
     },
     c_16x8},
    {"m8n8k4", 8, 8, 4, 64, 1, 1, 2,
     [](unsigned g, unsigned t, unsigned) {
       return RowColumn{g, t};
     },
     [](unsigned g, unsigned t, unsigned) {
       return RowColumn{t, g};
     },
     c_8x8},
    {"m8n8k16", 8, 8, 16, 8, 4, 4, 2,
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{g, t * 4 + i};
     },
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{t * 4 + i, g};
     },
     c_8x8},
    {"m16n8k16", 16, 8, 16, 8, 8, 4, 4,
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{i < 4 ? g : g + 8, t * 4 + (i & 3)};
     },
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{t * 4 + i, g};
     },
     c_16x8},
    {"m16n8k32", 16, 8, 32, 8, 16, 8, 4,
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{i < 4 || (i >= 8 && i < 12) ? g : g + 8,
                        t * 4 + (i & 3) + (i < 8 ? 0 : 16)};
     },
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{t * 4 + (i & 3) + (i < 4 ? 0 : 16), g};
     },
     c_16x8},
    {"m8n8k32", 8, 8, 32, 4, 8, 8, 2,
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{g, t * 8 + i};
     },
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{t * 8 + i, g};
     },
     c_8x8},
    {"m16n8k32", 16, 8, 32, 4, 16, 8, 4,
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{i < 8 ? g : g + 8, t * 8 + (i & 7)};
     },
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{t * 8 + i, g};
     },
     c_16x8},
    {"m16n8k64", 16, 8, 64, 4, 32, 16, 4,
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{i < 8 || (i >= 16 && i < 24) ? g : g + 8,
                        t * 8 + (i & 7) + (i < 16 ? 0 : 32)};
     },
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{t * 8 + (i & 7) + (i < 8 ? 0 : 32), g};
     },
     c_16x8},
    {"m8n8k128", 8, 8, 128, 1, 32, 32, 2,
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{g, t * 32 + i};
     },
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{t * 32 + i, g};
     },
     c_8x8},
    {"m16n8k128", 16, 8, 128, 1, 64, 32, 4,
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{i < 32 ? g : g + 8, t * 32 + (i & 31)};
     },
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{t * 32 + i, g};
     },
     c_16x8},
    {"m16n8k256", 16, 8, 256, 1, 128, 64, 4,
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{i < 32 || (i >= 64 && i < 96) ? g : g + 8,
                        t * 32 + (i & 31) + (i < 64 ? 0 : 128)};
     },
     [](unsigned g, unsigned t, unsigned i) {
       return RowColumn{t * 32 + (i & 31) + (i < 32 ? 0 : 128), g};
     },
     c_16x8},
};

}  // namespace gpusim::cases

#endif
