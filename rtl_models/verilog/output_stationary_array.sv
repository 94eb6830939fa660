// The output-stationary systolic array: ROWS x COLS PEs, skew at its edges, drains under its columns.
//
//            north 0    north 1
//               |          |  (skew 1)
//   west 0 --- PE00 ----- PE01
//               |          |
//   west 1 --- PE10 ----- PE11
//  (skew 1)     |          |
//            result 0   result 1
//
// Element (m, k) of what streams along the rows enters lane m of `west` in cycle k, unskewed; element
// (n, k) of the other one lane n of `north`. PE (r, c) sees both in cycle k + r + c. Results leave
// lane c of `result`, bottom row first, at the edges at which result_shifts[c] is set, where there is
// one (result_valid[c]). Lane i of a port is its i-th field from the low end.
//
// This is the array to synthesize. output_stationary_array_loops.sv is the same, to simulate.
// Parameters: mac_functions.svh.
module output_stationary_array #(
    parameter int ROWS = 16,
    parameter int COLS = 16,
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
    input  logic [ROWS-1:0] west_valid,
    input  logic [ROWS*ROW_BITS-1:0] west,
    input  logic [COLS-1:0] north_valid,
    input  logic north_first,  // of all lanes: a fold's first slot, its last
    input  logic north_last,
    input  logic [COLS*COLUMN_BITS-1:0] north,
    output logic [COLS-1:0] result_shifts,
    output logic [COLS-1:0] result_valid,
    output logic [COLS*SUM_BITS-1:0] result
);
  // Wires: number r * (COLS + 1) + c goes into PE (r, c) from the west, r * COLS + c from the north.
  // Operands that leave the last PE of a row or of a column go nowhere.
  // verilator lint_off UNUSEDSIGNAL
  logic [ROWS*(COLS+1)-1:0] row_valid;
  logic [ROWS*(COLS+1)*ROW_BITS-1:0] row;
  logic [(ROWS+1)*COLS*3-1:0] column_tags;
  logic [(ROWS+1)*COLS*COLUMN_BITS-1:0] column;
  logic [(ROWS+1)*COLS*2-1:0] shadow_state;
  logic [(ROWS+1)*COLS*SUM_BITS-1:0] shadow;
  logic [ROWS-1:0] no_tags;
  // verilator lint_on UNUSEDSIGNAL
  logic [COLS-1:0] shifts;
  logic [COLS-1:0] starts;

  assign result_shifts = shifts;
  assign result = shadow[ROWS*COLS*SUM_BITS+:COLS*SUM_BITS];
  assign shadow_state[COLS*2-1:0] = '0;
  assign shadow[COLS*SUM_BITS-1:0] = '0;

  for (genvar r = 0; r < ROWS; r++) begin : g_west
    localparam int WIRE = r * (COLS + 1);
    if (r == 0) begin : g_corner
      assign no_tags[r] = 1'b0;
      assign row_valid[WIRE] = west_valid[r];
      assign row[WIRE*ROW_BITS+:ROW_BITS] = west[r*ROW_BITS+:ROW_BITS];
    end else begin : g_skew
      skew_line #(.DEPTH(r), .BITS(ROW_BITS), .TAGS(1)) line (
          .clk, .reset, .valid(west_valid[r]), .tags(1'b0), .data(west[r*ROW_BITS+:ROW_BITS]),
          .out_valid(row_valid[WIRE]), .out_tags(no_tags[r]), .out_data(row[WIRE*ROW_BITS+:ROW_BITS]));
    end
  end

  for (genvar c = 0; c < COLS; c++) begin : g_north
    logic [2:0] tags;
    assign tags = {3{north_valid[c]}} & {1'b1, north_first, north_last};
    if (c == 0) begin : g_corner
      assign column_tags[c*3+:3] = tags;
      assign column[c*COLUMN_BITS+:COLUMN_BITS] = north[c*COLUMN_BITS+:COLUMN_BITS];
    end else begin : g_skew
      skew_line #(.DEPTH(c), .BITS(COLUMN_BITS), .TAGS(2)) line (
          .clk, .reset, .valid(tags[2]), .tags(tags[1:0]),
          .data(north[c*COLUMN_BITS+:COLUMN_BITS]),
          .out_valid(column_tags[c*3+2]), .out_tags(column_tags[c*3+:2]),
          .out_data(column[c*COLUMN_BITS+:COLUMN_BITS]));
    end
    column_drain #(.ROWS(ROWS)) drain (
        .clk, .reset, .ends(column_tags[((ROWS-1)*COLS+c)*3]), .shifts(shifts[c]),
        .starts(starts[c]));
    assign result_valid[c] = shadow_state[(ROWS*COLS+c)*2+1];
  end

  for (genvar r = 0; r < ROWS; r++) begin : g_row
    for (genvar c = 0; c < COLS; c++) begin : g_pe
      localparam int WEST = r * (COLS + 1) + c;
      localparam int EAST = WEST + 1;
      localparam int NORTH = r * COLS + c;
      localparam int SOUTH = NORTH + COLS;
      output_stationary_pe #(
          .FP32(FP32), .ROW_BITS(ROW_BITS), .COLUMN_BITS(COLUMN_BITS), .SUM_BITS(SUM_BITS),
          .ACC_BITS(ACC_BITS), .PLACE_BITS(PLACE_BITS), .SATURATE(SATURATE),
          .ZERO_GATING(ZERO_GATING)
      ) pe (
          .clk, .reset, .lsb,
          .west_valid(row_valid[WEST]), .west(row[WEST*ROW_BITS+:ROW_BITS]),
          .north_tags(column_tags[NORTH*3+:3]), .north(column[NORTH*COLUMN_BITS+:COLUMN_BITS]),
          .shifts(shifts[c]), .starts(starts[c]),
          .above_state(shadow_state[NORTH*2+:2]), .above(shadow[NORTH*SUM_BITS+:SUM_BITS]),
          .east_valid(row_valid[EAST]), .east(row[EAST*ROW_BITS+:ROW_BITS]),
          .south_tags(column_tags[SOUTH*3+:3]), .south(column[SOUTH*COLUMN_BITS+:COLUMN_BITS]),
          .shadow_state(shadow_state[SOUTH*2+:2]), .shadow(shadow[SOUTH*SUM_BITS+:SUM_BITS]));
    end
  end
endmodule
