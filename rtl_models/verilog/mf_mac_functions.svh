// The arithmetic of a MF-MAC, once: what rtl_models/arithmetic/mf_mac.hpp says, in gates. Included by
// each module that needs it, which has these parameters:
//
//   ROW_BITS     bits of a code that moves along a row, COLUMN_BITS of one that moves down a column:
//                a sign bit above a two's-complement exponent. The exponent pattern 1 then zeros is
//                the value zero, whatever the sign bit is
//   ACC_BITS     bits of the accumulator
//   PLACE_BITS   bits of a product's place in it: more than either exponent has, so that
//                e_row + e_column - lsb fits
//   SATURATE     0: a sum that leaves the range wraps, 1: it is clamped
//
// A product is one power of two, so it is either exact or, below the accumulator's lowest bit, dropped
// whole.

  // These two take an exponent's field.
  function automatic mf_row_is_zero(input logic [ROW_BITS-2:0] exponent);
    mf_row_is_zero = exponent == {1'b1, {(ROW_BITS - 2) {1'b0}}};
  endfunction

  function automatic mf_column_is_zero(input logic [COLUMN_BITS-2:0] exponent);
    mf_column_is_zero = exponent == {1'b1, {(COLUMN_BITS - 2) {1'b0}}};
  endfunction

  // The place of the product's one bit in the accumulator: the only addition of the multiplication.
  // `lowest` comes with the pass: the accumulator's lowest bit weighs 2^lowest.
  function automatic logic signed [PLACE_BITS-1:0] mf_place(
      input logic [ROW_BITS-2:0] r, input logic [COLUMN_BITS-2:0] c,
      input logic signed [PLACE_BITS-1:0] lowest);
    logic signed [PLACE_BITS-1:0] row_exponent;
    logic signed [PLACE_BITS-1:0] column_exponent;
    row_exponent = {{(PLACE_BITS - ROW_BITS + 1) {r[ROW_BITS-2]}}, r};
    column_exponent = {{(PLACE_BITS - COLUMN_BITS + 1) {c[COLUMN_BITS-2]}}, c};
    mf_place = row_exponent + column_exponent - lowest;
  endfunction

  // Whether anything is added: no operand is zero, and the product is not dropped. Of the exponents'
  // fields and the place that they have.
  function automatic mf_adds(
      input logic [ROW_BITS-2:0] r, input logic [COLUMN_BITS-2:0] c,
      input logic signed [PLACE_BITS-1:0] place);
    mf_adds = !mf_row_is_zero(r) && !mf_column_is_zero(c) && !place[PLACE_BITS-1];
  endfunction

  // from + product. Precondition: the accumulator holds the product (place < ACC_BITS - 1).
  function automatic logic [ACC_BITS-1:0] mf_add(
      input logic [ACC_BITS-1:0] from, input logic [ROW_BITS-1:0] r,
      input logic [COLUMN_BITS-1:0] c, input logic signed [PLACE_BITS-1:0] lowest);
    logic signed [PLACE_BITS-1:0] place;
    logic adds_any;
    logic negative;
    logic [ACC_BITS-1:0] addend;
    logic [ACC_BITS-1:0] total;
    logic clamps;
    place = mf_place(r[ROW_BITS-2:0], c[COLUMN_BITS-2:0], lowest);
    adds_any = mf_adds(r[ROW_BITS-2:0], c[COLUMN_BITS-2:0], place);
    negative = r[ROW_BITS-1] ^ c[COLUMN_BITS-1];
    // One bit, or all ones from it on, which is minus that bit: so there is nothing to negate.
    addend = {{(ACC_BITS - 1) {negative}}, 1'b1} << place[$clog2(ACC_BITS)-1:0];
    addend = addend & {ACC_BITS{adds_any}};
    total = from + addend;
    clamps = SATURATE != 0 && from[ACC_BITS-1] == addend[ACC_BITS-1] &&
             total[ACC_BITS-1] != from[ACC_BITS-1];
    mf_add = clamps ? {from[ACC_BITS-1], {(ACC_BITS - 1) {!from[ACC_BITS-1]}}} : total;
  endfunction
