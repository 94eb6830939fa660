// The baseline's MAC as a module of its own: combinational, for proofs and for synthesis of the unit
// alone.
module fp32_mac (
    input  logic [31:0] sum,     // so far; 0 where a new one begins
    input  logic [31:0] row,
    input  logic [31:0] column,
    output logic [31:0] result
);
  `include "fp32_mac_functions.svh"

  assign result = fp32_mac_sum(sum, row, column);
endmodule
