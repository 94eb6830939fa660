// What a PE asks of its unit, whichever it holds. Included by each module that has, beside the
// parameters of mf_mac_functions.svh:
//
//   FP32          0: the PE holds a MF-MAC, 1: a FP32 MAC. Operands and sums then have 32 bits, and
//                 PLACE_BITS, of no use there, has to be more
//   SUM_BITS      bits of a register for sums: ACC_BITS, or more where another pass has a wider
//                 accumulator; sums are sign-extended in it
//   ZERO_GATING   1: an operand that is zero fires nothing

  `include "mf_mac_functions.svh"
  `include "fp32_mac_functions.svh"

  // Whether an operand is zero.
  function automatic mac_meets_zero(input logic [ROW_BITS-1:0] r, input logic [COLUMN_BITS-1:0] c);
    logic [30:0] row_word;
    logic [30:0] column_word;
    row_word = 31'(r);
    column_word = 31'(c);
    if (FP32 != 0) begin
      mac_meets_zero = fp32_is_zero(row_word) || fp32_is_zero(column_word);
    end else begin
      mac_meets_zero = mf_row_is_zero(r[ROW_BITS-2:0]) || mf_column_is_zero(c[COLUMN_BITS-2:0]);
    end
  endfunction

  // Whether the adder fires, and a register that sums in place is written. Without gating, always;
  // with it, neither for a zero nor for a product that is dropped.
  function automatic mac_fires(
      input logic [ROW_BITS-1:0] r, input logic [COLUMN_BITS-1:0] c,
      input logic signed [PLACE_BITS-1:0] lowest);
    if (ZERO_GATING == 0) begin
      mac_fires = 1'b1;
    end else if (FP32 != 0) begin
      mac_fires = !mac_meets_zero(r, c);
    end else begin
      mac_fires = mf_adds(r[ROW_BITS-2:0], c[COLUMN_BITS-2:0],
                          mf_place(r[ROW_BITS-2:0], c[COLUMN_BITS-2:0], lowest));
    end
  endfunction

  // The sum behind a slot that began with `from`.
  function automatic logic [SUM_BITS-1:0] mac_sum(
      input logic [SUM_BITS-1:0] from, input logic [ROW_BITS-1:0] r,
      input logic [COLUMN_BITS-1:0] c, input logic signed [PLACE_BITS-1:0] lowest);
    if (FP32 == 0) begin
      mac_sum = SUM_BITS'($signed(mf_add(from[ACC_BITS-1:0], r, c, lowest)));
    end else if (ZERO_GATING != 0 && mac_meets_zero(r, c)) begin
      mac_sum = from;
    end else begin
      mac_sum = SUM_BITS'(fp32_mac_sum(32'(from), 32'(r), 32'(c)));
    end
  endfunction
