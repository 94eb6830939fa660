// A processing element of the output-stationary array. At an edge it
//  - hands the row's operand on to the east and the column's to the south;
//  - does a MAC if both are valid, and with the tag `last` copies the sum to its shadow register;
//  - otherwise takes the shadow register above, while its column drains.
// Parameters: mac_functions.svh. A chip need not reset data bits; here a pass finds all of them 0.
module output_stationary_pe #(
    parameter int FP32 = 0,
    parameter int ROW_BITS = 5,
    parameter int COLUMN_BITS = 5,
    parameter int SUM_BITS = 32,
    parameter int ACC_BITS = 32,
    parameter int PLACE_BITS = 10,
    parameter int SATURATE = 0,
    parameter int ZERO_GATING = 1
) (
    input  logic clk,
    input  logic reset,
    input  logic signed [PLACE_BITS-1:0] lsb,
    input  logic west_valid,
    input  logic [ROW_BITS-1:0] west,
    input  logic [2:0] north_tags,
    input  logic [COLUMN_BITS-1:0] north,
    input  logic shifts,
    input  logic starts,
    input  logic [1:0] above_state,
    input  logic [SUM_BITS-1:0] above,
    output logic east_valid,
    output logic [ROW_BITS-1:0] east,
    output logic [2:0] south_tags,
    output logic [COLUMN_BITS-1:0] south,
    output logic [1:0] shadow_state,
    output logic [SUM_BITS-1:0] shadow
);
  `include "mac_functions.svh"
  `include "output_stationary_functions.svh"

  logic [SUM_BITS-1:0] accumulator;
  logic slot;
  logic captures;
  logic [SUM_BITS-1:0] sum;

  assign slot = west_valid && north_tags[VALID];
  assign captures = slot && north_tags[LAST];
  assign sum = os_sum(accumulator, north_tags[FIRST], west, north, lsb);

  always_ff @(posedge clk) begin
    if (reset) begin
      east_valid <= 1'b0;
      south_tags <= 3'b0;
      shadow_state <= 2'b0;
      east <= '0;
      south <= '0;
      accumulator <= '0;
      shadow <= '0;
    end else begin
      east_valid <= west_valid;
      south_tags <= north_tags;
      shadow_state <= os_shadow_state(captures, shifts, starts, shadow_state, above_state);
      if (west_valid) east <= west;
      if (north_tags[VALID]) south <= north;
      if (slot && os_writes(north_tags[FIRST], west, north, lsb)) accumulator <= sum;
      if (captures) shadow <= sum;
      else if (os_takes(shifts, starts, shadow_state, above_state)) shadow <= above;
    end
  end
endmodule
