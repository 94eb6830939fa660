// A processing element of the stationary array (weight or input stationary). At an edge it
//  - takes the stationary operand of the PE above, while that one moves (a tile is being loaded);
//  - hands the streaming operand on to the east;
//  - hands the sum from above on below, with the product of the streaming and the stationary operand
//    added if both are valid.
// Parameters: mac_functions.svh, stationary_functions.svh. A chip need not reset data bits; here a
// pass finds all of them 0.
module stationary_pe #(
    parameter int FP32 = 0,
    parameter int ROW_BITS = 5,
    parameter int COLUMN_BITS = 5,
    parameter int SUM_BITS = 32,
    parameter int ACC_BITS = 32,
    parameter int PLACE_BITS = 10,
    parameter int SATURATE = 0,
    parameter int ZERO_GATING = 1,
    parameter int DOUBLE_BUFFERED = 0
) (
    input  logic clk,
    input  logic reset,
    input  logic signed [PLACE_BITS-1:0] lsb,
    input  logic west_valid,
    input  logic west_first,
    input  logic [ROW_BITS-1:0] west,
    input  logic column_moves,    // at the column's top, for all of its PEs
    input  logic column_settles,
    input  logic above_valid,
    input  logic above_moves,
    input  logic [COLUMN_BITS-1:0] above,
    input  logic north_valid,
    input  logic [SUM_BITS-1:0] north,
    output logic east_valid,
    output logic east_first,
    output logic [ROW_BITS-1:0] east,
    output logic below_valid,
    output logic below_moves,
    output logic [COLUMN_BITS-1:0] below,  // the loaded operand
    output logic south_valid,
    output logic [SUM_BITS-1:0] south
);
  `include "mac_functions.svh"
  `include "stationary_functions.svh"

  // The second register, of which nothing is left where there is none.
  logic active_valid;
  logic [COLUMN_BITS-1:0] active;

  logic from_loaded;
  logic slot;
  logic copies;
  logic loads;

  assign from_loaded = st_from_loaded(west_first);
  assign slot = west_valid && (from_loaded ? below_valid : active_valid);
  assign copies = DOUBLE_BUFFERED != 0 && west_valid && west_first;
  assign loads = st_loads(column_moves, above_moves);

  always_ff @(posedge clk) begin
    if (reset) begin
      east_valid <= 1'b0;
      east_first <= 1'b0;
      below_valid <= 1'b0;
      below_moves <= 1'b0;
      south_valid <= 1'b0;
      active_valid <= 1'b0;
      east <= '0;
      below <= '0;
      south <= '0;
      active <= '0;
    end else begin
      east_valid <= west_valid;
      east_first <= west_first;
      south_valid <= north_valid;
      below_moves <= st_moves(column_moves, column_settles, above_moves, below_moves);
      if (loads) below_valid <= above_valid;
      if (copies) active_valid <= below_valid;
      if (west_valid) east <= west;
      if (loads && above_valid) below <= above;
      if (copies && below_valid) active <= below;
      if (north_valid) south <= st_sum(slot, north, west, from_loaded ? below : active, lsb);
    end
  end
endmodule
