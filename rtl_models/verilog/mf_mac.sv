// A MF-MAC as a module of its own: combinational, for proofs and for synthesis of the unit alone.
module mf_mac #(
    parameter int ROW_BITS = 5,
    parameter int COLUMN_BITS = 5,
    parameter int ACC_BITS = 32,
    parameter int PLACE_BITS = 10,
    parameter int SATURATE = 0
) (
    input  logic [ACC_BITS-1:0] sum,     // so far; 0 where a new one begins
    input  logic [ROW_BITS-1:0] row,
    input  logic [COLUMN_BITS-1:0] column,
    input  logic signed [PLACE_BITS-1:0] lsb,
    output logic adds,                   // else the sum is as it was
    output logic [ACC_BITS-1:0] result
);
  `include "mf_mac_functions.svh"

  assign adds = mf_adds(row[ROW_BITS-2:0], column[COLUMN_BITS-2:0],
                        mf_place(row[ROW_BITS-2:0], column[COLUMN_BITS-2:0], lsb));
  assign result = mf_add(sum, row, column, lsb);
endmodule
